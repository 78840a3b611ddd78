"""The model without each row, exactly: chord steps with the row's own curvature taken out, for many rows at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy
from jaxtyping import Bool, Float
from numpy import ndarray

from influencelab.glm.influence import RowInfluence, objective_of, row_influence
from influencelab.glm.link import B
from influencelab.glm.newton import solved
from influencelab.glm.objective import Objective
from influencelab.glm.passes import summed
from influencelab.glm.regression import Regression
from influencelab.glm.rows import Rows
from influencelab.glm.table import chosen, rows_at
from influencelab.recipe import Progress, unheard
from influencelab.summary import Summarised

__all__ = ["RowDeletions", "row_deletions"]

# Numbers in the predictors of the models of one batch in one chunk.
NUMBERS = 2**23
# A model has arrived where its next step changes predictors by this share of √J; it is given up after so many steps, or
# where a step leaves more than this of the gradient.
ARRIVED, STEPS, CONTRACTION = 1e-10, 60, 0.9


@dataclass(frozen=True, eq=False, repr=False)
class RowDeletions(Summarised):
    """The coefficients without each of some rows.

    Attributes:
        regression: the model with all of them.
        rows: their places.
        changes: β̂ − β̂₍ᵢ₎, by how much each coefficient falls without the row (r p).
        distance: (β̂ − β̂₍ᵢ₎)ᵀ Σw H (β̂ − β̂₍ᵢ₎), of which Cook's distance is the one-step form.
        converged: which of them arrived; the others are NaN.
    """

    regression: Regression
    rows: ndarray
    changes: Float[ndarray, "r p"]
    distance: Float[ndarray, " r"]
    converged: Bool[ndarray, " r"]

    def summary(self) -> Mapping[str, str]:
        """How many, and the farthest."""
        far = numpy.nan_to_num(self.distance, nan=-1.0)
        return {
            "rows": f"{len(self.rows):,}",
            "converged": f"{int(self.converged.sum()):,}",
            "farthest": f"{far.max():.3g} at row {int(self.rows[far.argmax()])}",
        }


def row_deletions(
    regression: Regression, rows: Any = None, *, workers: int = 1, progress: Progress = unheard
) -> RowDeletions:
    """Fit the model again without each row, to the last digits, from the fit with all of them.

    Weights of the others stay; so does the penalty in total: Σ w ℓ is what loses a row.

    Args:
        regression: a model at its minimum.
        rows: their places; by default all.
        workers: threads; 0 for one a core.
        progress: told how many rows are done.

    Raises:
        InvalidParameter: no such row, or more coefficients than a dense curvature is made for.
        NotConverged: the model is at no minimum.
    """
    influence = row_influence(regression, curvature="observed", workers=workers)
    places = chosen(rows, regression.n)
    objective = objective_of(regression, workers=workers, progress=unheard)
    changes = numpy.full((len(places), regression.p), numpy.nan)
    batch = max(1, NUMBERS // max(1, min(regression.n, NUMBERS // 64)))
    for first in range(0, len(places), batch):
        some = slice(first, first + batch)
        changes[some] = without(objective, influence, places[some])
        progress(min(first + batch, len(places)), len(places), "rows left out")
    converged = numpy.isfinite(changes[:, 0])
    units, lower = influence.factor
    # H = L Lᵀ in units of the columns: its quadratic form is the length of Lᵀ times the changes in these.
    half = (changes / units) @ lower
    return RowDeletions(regression, places, changes, regression.weight * (half**2).sum(1), converged)


def without(objective: Objective, influence: RowInfluence, places: ndarray) -> Float[ndarray, "r p"]:
    """By how much coefficients fall without each of these rows; NaN where steps do not shrink."""
    regression = influence.regression
    own = objective.rows(rows_at(regression.table, places))
    start = regression.coefficients
    moved, active = numpy.zeros((len(places), regression.p)), numpy.arange(len(places))
    before, done = numpy.full(len(places), numpy.inf), numpy.zeros(len(places), dtype=bool)
    pulls = solved(influence.factor, own.x.T).T / regression.weight
    taken = numpy.einsum("rp,rp->r", own.x, pulls) * own.weights
    bent = objective.family.working(own.y, own.predictor(start)).observed
    # (H − w v x xᵀ / W)⁻¹ of each row, by Sherman and Morrison: what the row's own curvature adds to a step.
    share = own.weights * bent / (1 - taken * bent)
    for _ in range(STEPS):
        gradient = slopes(objective, own, start - moved, active)
        step = solved(influence.factor, gradient.T).T
        step += (share[active] * numpy.einsum("rp,rp->r", own.x[active], step))[:, None] * pulls[active]
        size = numpy.sqrt(numpy.maximum(numpy.einsum("rp,rp->r", step, gradient), 0) / max(regression.loss, 1e-300))
        moved[active] += step
        arrived = size <= ARRIVED
        done[active[arrived]] = True
        on = ~arrived & (size <= CONTRACTION * before[active]) & numpy.isfinite(size)
        before[active] = size
        active = active[on]
        if not len(active):
            break
    moved[~done] = numpy.nan
    return moved


def slopes(
    objective: Objective, own: Rows, coefficients: Float[ndarray, "r p"], active: ndarray
) -> Float[ndarray, "k p"]:
    """∇J of each active model at its coefficients, its own row left out."""
    some = coefficients[active]

    def of(given: Rows) -> tuple[Float[ndarray, "p k"]]:
        rows = objective.rows(given)
        found = numpy.zeros((objective.p, len(some)))
        for part in parts(len(rows), len(some)):
            predictor = rows.x[part] @ some.T + rows.offsets[part, None]
            score = objective.family.working(rows.y[part, None], predictor).score
            found += rows.x[part].T @ (rows.weights[part, None] * score)
        return (found,)

    (total,) = summed(objective.mapped(of))
    predictor = numpy.einsum("kp,kp->k", own.x[active], some) + own.offsets[active]
    score: B = own.weights[active] * objective.family.working(own.y[active], predictor).score
    pulled = numpy.asarray(total).T - score[:, None] * own.x[active]
    return objective.penalised(some) - pulled / objective.weight


def parts(rows: int, models: int) -> Iterator[slice]:
    """Some rows at a time, so that their predictors under all models stay in the processor's memory."""
    step = max(1, NUMBERS // 16 // max(1, models))
    return (slice(first, first + step) for first in range(0, rows, step))
