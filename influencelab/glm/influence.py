"""Influence of every row of a generalised linear model: leverage, residuals, Cook's distance and their kin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import pandas
from jaxtyping import Float
from numpy import ndarray

from influencelab.errors import InvalidParameter, require
from influencelab.glm.checkpoint import NOTHING, Checkpoint, check_kept
from influencelab.glm.family import Family
from influencelab.glm.leverage import forms
from influencelab.glm.link import B
from influencelab.glm.newton import dependent, factored, solved
from influencelab.glm.objective import PP, Objective, P
from influencelab.glm.passes import kept_parts
from influencelab.glm.regression import Regression, regress
from influencelab.glm.rows import Rows
from influencelab.recipe import Progress, unheard
from influencelab.runner.cluster import connection
from influencelab.summary import Summarised

__all__ = ["RowInfluence", "cook_distances", "row_influence"]

CURVATURES = ("expected", "observed")
FORMS = ("one_step", "published")


@dataclass(frozen=True, eq=False, repr=False)
class RowInfluence(Summarised):
    """What each row of a regression does to it.

    Attributes:
        regression: the model.
        leverage: h, how much of its own fitted predictor a row decides; between 0 and 1.
        pearson: √w (y − μ) / √V(μ), at dispersion 1.
        score: −w ∂ℓ/∂η, the pull of a row on its own predictor.
        curvature: of which h is made, by name.
    """

    regression: Regression
    leverage: B
    pearson: B
    score: B
    curvature: str
    factor: tuple[P, PP]

    def cook(self, form: str = "one_step") -> B:
        """Cook's distance, without any division by the number of coefficients or by the dispersion.

        Args:
            form: `one_step` is r² h / (1 − h)² (Pregibon 1981), the squared length, in the curvature's metric, of
                Newton's step to the coefficients without the row; `published` is r² h / (1 − h), of Algorithm 1 of
                Wojnowicz et al. (2016).
        """
        if form not in FORMS:
            raise InvalidParameter(f"form is '{form}', expected one of {', '.join(FORMS)}.")
        power = 2 if form == "one_step" else 1
        return self.pearson**2 * self.leverage / (1 - self.leverage) ** power

    @property
    def studentised(self) -> B:
        """Pearson residuals in units of their own spread, r / √(φ (1 − h))."""
        return self.pearson / numpy.sqrt(self.regression.dispersion * (1 - self.leverage))

    @property
    def dffits(self) -> B:
        """By how many of its standard errors a row's own predictor falls without it, to one step: t √(h / (1 − h))."""
        return self.studentised * numpy.sqrt(self.leverage / (1 - self.leverage))

    def top(self, count: int = 10) -> pandas.DataFrame:
        """The rows of largest Cook's distance, the largest first."""
        order = numpy.argsort(-self.cook(), kind="stable")[:count]
        return self.table().iloc[order]

    def table(self) -> pandas.DataFrame:
        """A line a row of the data."""
        columns = {
            "cook": self.cook(),
            "leverage": self.leverage,
            "pearson": self.pearson,
            "studentised": self.studentised,
            "dffits": self.dffits,
        }
        return pandas.DataFrame(columns)

    @property
    def reason(self) -> str:
        """Why these scores are exact."""
        return f"exact: a matrix of {self.regression.p:,} × {self.regression.p:,} numbers fits in memory"

    def summary(self) -> Mapping[str, str]:
        """Of what, and the largest."""
        cook = self.cook()
        return {
            "rows": f"{len(cook):,}",
            "largest Cook's distance": f"{cook.max():.3g} at row {int(cook.argmax())}",
            "largest leverage": f"{self.leverage.max():.3g} at row {int(self.leverage.argmax())}",
        }


def row_influence(
    regression: Regression,
    *,
    curvature: str = "expected",
    workers: int = 1,
    scheduler: str = "",
    progress: Progress = unheard,
    kept: Checkpoint = NOTHING,
) -> RowInfluence:
    """Exact leverage and residuals of every row, from two passes.

    Args:
        regression: a model at its minimum.
        curvature: `expected`, of which iterated least squares is made, or `observed`, of the responses themselves, as
            statsmodels takes; they differ where the link is not canonical.
        workers: threads; 0 for one a core.
        scheduler: the address of a dask scheduler, such as `tcp://10.0.0.1:8786`, whose workers do the work instead.
        progress: told of each pass.
        kept: where finished parts are kept, so that a call that was interrupted goes on from there.

    Raises:
        NotConverged: the model is at no minimum.
        InvalidData: columns that others make up.
        Unavailable: no scheduler is there, or its workers keep dying.
    """
    require(regression, Regression, what="regression", cure="Make one: il.regress(X, y, family=il.Poisson()).")
    if curvature not in CURVATURES:
        raise InvalidParameter(f"curvature is '{curvature}', expected one of {', '.join(CURVATURES)}.")
    check_kept(kept)
    regression.check_converged()
    with connection(scheduler) as client:
        objective = objective_of(regression, workers=workers, progress=progress, client=client)
        return of_rows(objective, regression, curvature, kept)


def of_rows(objective: Objective, regression: Regression, curvature: str, kept: Checkpoint) -> RowInfluence:
    """Exact leverage and residuals of every row, of one of the two curvatures."""
    observed, coefficients = curvature == "observed", regression.coefficients
    found = kept.load(f"gram-{curvature}")
    gram = found["gram"] if found else objective.place(coefficients, observed=observed).gram
    if gram is None:
        raise InvalidParameter(
            f"Exact leverage needs a matrix of {objective.p:,} × {objective.p:,} numbers, which is too large. Take a "
            "sketch: il.sketched_influence(regression, k=200)."
        )
    factor = factored(gram)
    if factor is None:
        raise dependent(objective, gram)
    if not found:
        kept.keep(f"gram-{curvature}", gram=gram)
    form = forms(factor)

    def of(given: Rows) -> tuple[B, B, B]:
        rows = objective.rows(given)
        working = objective.family.working(rows.y, rows.predictor(coefficients))
        bent = rows.weights * (working.observed if observed else working.expected)
        root = numpy.sqrt(rows.weights)
        return bent * form(rows.x) / objective.weight, root * working.pearson, rows.weights * working.score

    leverage, pearson, score = kept_parts(objective.mapped, of, kept, name=f"scores-{curvature}")
    return RowInfluence(regression, leverage, pearson, score, curvature, factor)


def cook_distances(
    X: Any,
    y: Any = None,
    *,
    family: Family | None = None,
    weights: Any = None,
    offsets: Any = None,
    weight_decay: float = 0.0,
    intercept: bool = True,
    form: str = "one_step",
) -> B:
    """Cook's distance of every row of a generalised linear model that is fitted here, not divided by anything.

    R and statsmodels divide it by the number of coefficients and by the dispersion; `il.row_influence` has both, and
    leverage and residuals beside it. Arguments are those of `il.regress`, and `form` that of `RowInfluence.cook`.
    """
    given: Any = {"weights": weights, "offsets": offsets, "weight_decay": weight_decay, "intercept": intercept}
    return row_influence(regress(X, y, family=family, **given)).cook(form)


def objective_of(regression: Regression, *, workers: int, progress: Progress, client: Any = None) -> Objective:
    """The objective that a regression minimised."""
    own = {name: getattr(regression, name) for name in ("table", "family", "weight_decay", "intercept", "n", "weight")}
    return Objective(**own, workers=workers, progress=progress, mean=numpy.nan, p=regression.p, client=client)


def coefficient_changes(found: RowInfluence, rows: slice = slice(None)) -> Float[ndarray, "b p"]:
    """By how much each coefficient falls without each of some rows, to one step: (W H)⁻¹ xᵢ sᵢ / (1 − hᵢ)."""
    regression = found.regression
    first, last, _ = rows.indices(regression.n)
    parts = []
    for given in regression.table.chunks():
        low, high = max(first - given.first, 0), min(last - given.first, len(given))
        if low < high:
            x = regression.rows(given).x[low:high]
            pulled = (x if isinstance(x, ndarray) else x.toarray()) * found.score[
                given.first + low : given.first + high, None
            ]
            parts.append(solved(found.factor, pulled.T / regression.weight).T)
    return numpy.concatenate(parts) / (1 - found.leverage[first:last, None])
