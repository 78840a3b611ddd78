"""Fitted results of statsmodels in, a fit of ours out: the same objective at the same minimum."""

from typing import Any

import numpy
import torch

from influencelab.adapters.gate import admitted
from influencelab.adapters.reading import ITERATED, SOLVED, Reading
from influencelab.adapters.stats_objective import objective_of, runaway
from influencelab.adapters.stats_points import Watched, dataset_of
from influencelab.adapters.stats_refusals import inner, refusal
from influencelab.errors import NotConverged, WrongType, named
from influencelab.training.fit import Fit, no_minimum
from influencelab.training.separation import unbounded
from influencelab.training.weights import checked_weights

__all__ = ["from_statsmodels"]

CAUSES = (
    "it did not end there: raise maxiter or lower the tolerance and fit again; or its coefficients or the arrays of "
    "its model were changed since"
)


@torch.inference_mode(mode=False)
def from_statsmodels(
    results: Any, X_test: Any = None, y_test: Any = None, *, offset_test: Any = None, polish: bool = False
) -> Fit:
    """The fit that fitted results of statsmodels are: OLS, WLS, Logit, Probit, Poisson or GLM.

    The training points are those in `results.model`, under the names of its rows and columns. Weights, numbers of
    trials, offsets and exposures of points stay theirs, and go with them. There is no penalty, so that both conventions
    of removals mean the same; the fit's is `drop`. What fitting again would estimate beside the coefficients, a
    dispersion, moves none of them.

    Coefficients are brought to the minimum by Newton's steps, and refused where they are none, as by `from_sklearn`.
    Of columns that are one another's sums predictions are answered, while coefficients, which data leave undecided
    between them, are refused when asked for (NullSpaceMass).

    Args:
        results: what `fit` returned.
        X_test: points whose loss is watched, by default the training points: for a model of a formula a table of its
            raw variables, else the columns of its design, the constant too.
        y_test: their responses, shares of successes, or two columns of successes and failures; by default the column of
            the response's name in X_test. A loss is that of one trial, at weight 1.
        offset_test: offset + log(exposure) of each, where the model has either.
        polish: whether to go on from coefficients that are no minimum instead of refusing them.

    Raises:
        WrongType: no results that are read; the message says what would answer instead.
        InvalidData: test points that the model cannot be asked about.
        NotConverged: the coefficients are no minimum, or there is none.
    """
    if reason := refusal(results):
        raise WrongType(f"{named(results)} is not read: {reason}.")
    results = inner(results)
    model = results.model
    objective = objective_of(results)
    data = dataset_of(results, objective, Watched(X_test, y_test, offset_test))
    name = f"{type(model).__name__} of statsmodels"
    weights = checked_weights(objective.weights, data, what="weights of the model")
    weights = weights / weights.sum()
    task, theta = objective.task(classes=data.classes), numpy.asarray(results.params, dtype=float).ravel()
    used = objective.weights > 0
    x, y = (numpy.asarray(each, dtype=float)[used] for each in (model.exog, model.endog))
    endless = unbounded(task, data, weights, theta=torch.from_numpy(theta)) or runaway(objective.loss, x, y)
    if endless:
        raise NotConverged(no_minimum(endless))
    if not polish and not getattr(results, "converged", True):
        raise NotConverged(
            f"By its own account {name} did not converge. Raise maxiter and fit again, or pass polish=True, which goes "
            "on from here, by Newton's method, to the minimum."
        )
    reading = Reading(task, theta, share=SOLVED if objective.solved else ITERATED, causes=CAUSES, noise=objective.noise)
    return admitted(reading, data, weights, name=name, polish=polish, held=())
