"""What each observation does to the penalty and to the predictions of one regression: predicted, and tuned again."""

from dataclasses import dataclass
from typing import Any

import numpy
from jaxtyping import Float

from influencelab.data.perturbations.penalty_change import PenaltyChange
from influencelab.data.removals import leave_one_out
from influencelab.influence.estimators.exact import Exact
from influencelab.models.measures.prediction import Prediction
from influencelab.models.tasks.ridge import Ridge
from influencelab.studies.ridge_penalty.criterion import Criterion, criterion
from influencelab.studies.ridge_penalty.problems import Regression
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton

# The paper's weights, from 0 to 4, and where 0, 1 and 4 stand among them.
WEIGHTS = numpy.linspace(0, 4, 33)
ZERO, ONE, LARGEST = 0, 8, -1


@dataclass(frozen=True, eq=False)
class Tuned:
    """One regression whose penalty minimises its criterion at a finite λ̂ > 0.

    Attributes:
        regression: the data.
        criterion: of all observations.
        log_penalty: log λ̂.
        curves: log λ̂ where observation j weighs WEIGHTS[k] in the sum and all others 1; ±∞ at the ends.
        deleted: log λ̂ tuned again without observation j altogether; ±∞ at the ends.
        fit_part: fit_part[j, i], the change of the prediction for observation i where j is deleted and λ̂ stays.
        penalty_part: the further change where λ̂ is then tuned again.
        predicted_fit_part: the same by `Removals`, at first order.
        predicted_penalty_part: the same by `PenaltyChange`, with −dλ̂ / dwⱼ for the change without j, to 0 at most.
        grad_norm: ‖∇J‖ of the library's fit.
    """

    regression: Regression
    criterion: Criterion
    log_penalty: float
    curves: Float[numpy.ndarray, "n k"]
    deleted: Float[numpy.ndarray, " n"]
    fit_part: Float[numpy.ndarray, "n n"]
    penalty_part: Float[numpy.ndarray, "n n"]
    predicted_fit_part: Float[numpy.ndarray, "n n"]
    predicted_penalty_part: Float[numpy.ndarray, "n n"]
    grad_norm: float

    @property
    def n(self) -> int:
        """The number of observations."""
        return len(self.deleted)

    @property
    def changes(self) -> dict[str, Float[numpy.ndarray, " n"]]:
        """The change of log λ̂ by each observation: predicted in three ways, with weight 0 in the sum, and deleted."""
        return {
            "weight_slope": -self.criterion.weight_slopes(self.log_penalty),
            "deletion_slope": -self.criterion.deletion_slopes(self.log_penalty),
            "newton_step": self.criterion.deletion_steps(self.log_penalty),
            "weight_0": self.curves[:, ZERO] - self.log_penalty,
            "deletion": self.deleted - self.log_penalty,
        }


def tune(regression: Regression) -> Tuned | None:
    """Tune, with every weight and without every observation; None where λ̂ is 0 or ∞, where nothing has a slope."""
    own = criterion(regression.x, regression.y, intercept=regression.intercept)
    t, n = own.tuned(), own.n
    if not numpy.isfinite(t):
        return None
    weights = numpy.ones((n, len(WEIGHTS), n))
    weights[numpy.arange(n), :, numpy.arange(n)] = WEIGHTS
    base = own.predictions(regression.x, t)
    deleted, fit_part, penalty_part = numpy.empty(n), numpy.empty((n, n)), numpy.empty((n, n))
    for row in range(n):
        rest = [numpy.delete(each, row, axis=0) for each in (regression.x, regression.y)]
        without = criterion(*rest, intercept=regression.intercept)
        deleted[row] = without.tuned()
        same = without.predictions(regression.x, t)
        fit_part[row] = same - base
        penalty_part[row] = without.predictions(regression.x, deleted[row]) - same
    predicted = library_parts(regression, t, -own.deletion_slopes(t))
    return Tuned(
        regression=regression,
        criterion=own,
        log_penalty=t,
        curves=own.minimise(weights.reshape(-1, n)).reshape(n, len(WEIGHTS)),
        deleted=deleted,
        fit_part=fit_part,
        penalty_part=penalty_part,
        predicted_fit_part=predicted[0],
        predicted_penalty_part=predicted[1],
        grad_norm=predicted[2],
    )


def library_parts(
    regression: Regression, log_penalty: float, changes: Float[numpy.ndarray, " n"]
) -> tuple[Float[numpy.ndarray, "n n"], Float[numpy.ndarray, "n n"], float]:
    """Changes of all predictions, by removals and by these changes of log λ, by the library; and ‖∇J‖ of its fit.

    Its loss is half the mean squared error, so that λ is n times its weight decay.
    """
    n = len(regression.y)
    decay = numpy.exp(log_penalty) / n
    kinds = {"intercept": regression.intercept != "none", "penalise_intercept": regression.intercept == "penalised"}
    fitted = fit(Ridge(weight_decay=float(decay), **kinds), regression.dataset(), Newton(tolerance=1e-12))
    solved = Exact().sensitivity(fitted, measure=Prediction())
    penalty = PenaltyChange(changes=tuple((decay * numpy.maximum(changes, -1)).tolist()))
    parts: Any = (solved.predict(each).numpy() for each in (leave_one_out(n), penalty))
    return (*parts, float(fitted.grad_norm))
