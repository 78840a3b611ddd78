"""A fitted estimator of scikit-learn in, a fit of ours out: the same objective at the same minimum."""

from dataclasses import dataclass
from typing import Any

import torch

from influencelab.adapters.gate import admitted
from influencelab.adapters.inputs import dataset_of, weights_of
from influencelab.adapters.refusals import reader_of
from influencelab.adapters.wrappers import Opened, check_fitted, opened
from influencelab.errors import WrongType, named
from influencelab.training.fit import Fit

__all__ = ["Support", "from_sklearn", "supports"]


@dataclass(frozen=True)
class Support:
    """Whether an estimator can be read: true or false in a condition.

    Attributes:
        answer: yes or no.
        reason: of a no, with what would answer instead; '' of a yes.
    """

    answer: bool
    reason: str

    def __bool__(self) -> bool:
        """The answer."""
        return self.answer


def supports(estimator: Any) -> Support:
    """Whether `from_sklearn` reads this estimator, fitted or not, and if not, why."""
    reason = opened(estimator).refusal
    return Support(not reason, reason)


@torch.inference_mode(mode=False)
def from_sklearn(
    estimator: Any, X: Any, y: Any, X_test: Any, y_test: Any, sample_weight: Any = None, *, polish: bool = False
) -> Fit:
    """The fit that a fitted estimator is, on the data that it was fitted to.

    Its objective is taken as it is: J = Σ wᵢ ℓᵢ + (weight_decay / 2) ‖Pθ‖² with wᵢ = sᵢ / Σs, sᵢ the weights of the
    point and of its class. The coefficients are then brought to the minimum by Newton's steps (the fit says how far
    outputs moved), since influence needs one to more digits than estimators stop at.

    Fitting the estimator again without a point keeps the total penalty (`C`, the `alpha` of ridge and Huber) or the
    penalty beside the mean loss (the `alpha` of Poisson, gamma and Tweedie regressors, and of lassos). Which one is the
    fit's `convention`; predictions and removals of the other one are refused, so that no number answers another
    question: write `il.NewtonStep(convention=model.convention)` and
    `il.leave_one_out(n, convention=model.convention)`, or ask the other question of
    `dataclasses.replace(model, origin=None)`.

    A loss with a kink, such as the hinge of `SVC`, is read through a smooth one, with a SmoothedLoss warning: its
    numbers are those of the smooth model's own refits. Coefficients that an absolute penalty left at 0 stay there; the
    fit says how many points would change that by leaving. README.md of this room has what is measured of each class.

    Weights of classes stay what they were, also 'balanced' ones, and so do a pipeline's fitted steps, the C or alpha
    that was chosen, and the choice of hyperparameters.

    Args:
        estimator: fitted; see `supports`.
        X: features that it was fitted to: an array, a table (its whole row numbers become ids), or a sparse matrix,
            which stays sparse for linear models where that pays.
        y: their labels or targets, as they were.
        X_test: features of the points whose loss is watched.
        y_test: their labels or targets.
        sample_weight: as given to `fit`.
        polish: whether to go on from coefficients that are no minimum on this data instead of refusing them.

    Raises:
        WrongType: no estimator that is read; the message says what would answer instead.
        InvalidParameter: it is not fitted.
        InvalidData: features or labels that it cannot have been fitted to.
        InvalidWeights: as many weights as points were not given, or they cannot be weights.
        NotConverged: the coefficients are no minimum on this data, or there is none.
    """
    inside = opened(estimator)
    if inside.refusal:
        raise WrongType(f"{named(estimator)} is not read: {inside.refusal}.")
    check_fitted(estimator, inside.model)
    data = dataset_of(inside, X, y, X_test, y_test)
    weights = weights_of(inside.model, data, sample_weight)
    reading = reader_of(inside.model).read(inside.model, data, weights)
    if reading.pattern:
        reading.pattern.whole.check_any(reading.pattern.signs)
    shares, kept = torch.from_numpy(weights / weights.sum()), (*held(inside), *reading.held)
    seen = reading.data or data
    # Only smooth linear models compute with sparse features.
    seen = seen if reading.task.linear and not reading.smooth else seen.written_out()
    return admitted(reading, seen, shares, name=str(inside), polish=polish, held=kept)


def held(inside: Opened) -> tuple[str, ...]:
    """What removals leave as it is, and fitting again would not."""
    model, found = inside.model, []
    if inside.steps:
        found.append("the steps of the pipeline")
    if inside.chosen or hasattr(model, "alpha_") or hasattr(model, "C_"):
        found.append("the hyperparameters that were chosen")
    if getattr(model, "class_weight", None) == "balanced":
        found.append("the balanced weights of classes")
    return tuple(found)
