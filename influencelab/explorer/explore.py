"""The explorer of one estimate: some points removed and retrained, and a button for any others."""

from influencelab.data.dataset import Dataset
from influencelab.errors import require
from influencelab.experiments.check import drawn
from influencelab.experiments.comparison import compare
from influencelab.explorer.feature_contributions import known_contributions
from influencelab.explorer.retrain_on_demand import FitRetrainer
from influencelab.explorer.widget.explorer import Explorer
from influencelab.influence.estimator import Estimate
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.recipe import Progress

__all__ = ["explore"]

# Pairs whose predictions are taken apart by features, at most.
EXPLAINED = 500


def explore(
    estimate: Estimate,
    *,
    points: int = 100,
    seed: int = 0,
    retrainer: Retrainer | None = None,
    progress: Progress | None = None,
    images: Dataset | None = None,
) -> Explorer:
    """Predicted against actual changes of an estimate, point by point, as a widget.

    Some training points are removed, each alone, and retrained now; 'prove it' in the widget retrains without any of
    them together.

    Args:
        estimate: what is shown, on all its test points.
        points: how many training points are drawn; all of them where there are no more.
        seed: of the draw.
        retrainer: how the truth is found; `SecondOrder()`, which goes on from the fit to the minimum, by default.
        progress: called as (models done, models in all).
        images: pictures of the same points by id, where the model's features were made of pictures.

    Raises:
        WrongType: something else was given.
        InvalidParameter: the estimate cannot predict removals.
    """
    require(estimate, Estimate, what="estimate", cure="Make one: il.influence(model, X, y, X_test, y_test).")
    truth = retrainer or SecondOrder()
    require(truth, Retrainer, what="retrainer", cure="Give one such as il.SecondOrder().")
    removals = drawn(estimate, points=points, seed=seed)
    comparison = compare(estimate, truth.retrain(estimate.fit, removals, progress=progress))
    again = FitRetrainer(estimate.fit, truth, removals.convention)
    data = estimate.fit.data
    shown = data if estimate.fit.measure.columns(estimate.fit.task, data).points else None
    explained = known_contributions(estimate, removals, pairs=EXPLAINED)
    return Explorer(comparison, retrain=again, data=shown, images=images, contributions=explained)
