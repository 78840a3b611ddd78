"""What a reader makes of an estimator: the task with the same objective, and the parameters that it found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

from influencelab.adapters.pattern import Pattern
from influencelab.data.dataset import Dataset
from influencelab.models.task import Task
from influencelab.training.origin import Noise

# What scikit-learn's own refit keeps when a point goes: the total penalty, or the penalty beside a mean loss.
TOTAL, MEAN = "drop", "renormalise"
# Shares of √J that Newton's decrement may have where an estimator was fitted to the data: of solvers that iterate,
# which left up to 7e-4 where they have no rule for the gradient, while one wrong target of 442 leaves 3e-3; and of
# those that solve in one step, in float64, which left up to 5e-12.
ITERATED, SOLVED = 2e-3, 1e-8
# What likely happened to coefficients that are no minimum, where data and weights are handed in beside the model.
CAUSES = (
    "it was fitted (a) with other weights: give the same sample_weight; (b) to other data or features: give the X and "
    "y of the fit, transformed as they were, or the whole pipeline; or (c) not to the end: raise max_iter and fit again"
)


@dataclass(frozen=True, eq=False)
class Smooth:
    """Smooth tasks in place of one whose loss has a kink.

    Attributes:
        at: the task whose bend has this width, in the unit of an output.
        widest: the width to begin at.
        off: by how much outputs may be away from those of a minimum, by the estimator's own rule for stopping.
        total: by how much the outputs of all points together may be off, where its rule is of their sum.
        slopes: of each point's loss, a row an output, that its own solver came to; None where it does not keep them.
    """

    at: Callable[[float], Task]
    widest: float
    off: float
    total: float = numpy.inf
    slopes: numpy.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Reading:
    """An estimator as a task and a θ.

    Attributes:
        task: whose J is the estimator's objective, up to a factor, where weights sum to 1.
        theta: its parameters, in the task's order.
        convention: of removals, which the estimator's own refit without a point follows.
        share: Newton's decrement up to which the parameters count as those of a minimum, as a share of √J.
        slope: largest |∂J/∂θ| up to which they do too: the estimator's own rule for stopping; 0 where it has none;
            one a machine, where there are several.
        data: the points under the features that the task takes, where these are not those that were handed in.
        smooth: what influence is asked of, where the task's loss has a kink; None where it has none.
        pattern: of coefficients of 0 and of signs, where a penalty is absolute; None where none is.
        held: what else removals leave as it is, and fitting again would not.
        causes: what likely happened where the parameters are no minimum.
        noise: what standard errors rest on, where the library has them.
    """

    task: Task
    theta: numpy.ndarray
    convention: str = TOTAL
    share: float = ITERATED
    slope: float | tuple[float, ...] = 0.0
    data: Dataset | None = None
    smooth: Smooth | None = None
    pattern: Pattern | None = None
    held: tuple[str, ...] = ()
    causes: str = CAUSES
    noise: Noise | None = None


def rows_of(estimator: Any, *, intercept: bool, constant: float = 1.0) -> numpy.ndarray:
    """θ of a linear estimator: its coefficients, an output a row, with the intercept last in each row."""
    weights = numpy.atleast_2d(dense(estimator.coef_).astype(numpy.float64))
    if not intercept:
        return weights.ravel()
    offsets = numpy.broadcast_to(numpy.asarray(estimator.intercept_, dtype=numpy.float64).ravel(), (len(weights),))
    return numpy.column_stack([weights, offsets / constant]).ravel()


def dense(table: Any) -> numpy.ndarray:
    """A table with its zeros."""
    return table.toarray() if hasattr(table, "toarray") else numpy.asarray(table)
