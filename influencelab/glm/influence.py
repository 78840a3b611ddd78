"""Influence of every row of a generalised linear model: leverage, residuals, Cook's distance and their kin."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import pandas
import scipy.linalg
from jaxtyping import Float
from numpy import ndarray

import influencelab
from influencelab.errors import InvalidData, InvalidParameter, require
from influencelab.glm.checkpoint import NOTHING, Checkpoint, check_kept
from influencelab.glm.family import Family
from influencelab.glm.leverage import forms
from influencelab.glm.link import B
from influencelab.glm.newton import dependent, factored, solved
from influencelab.glm.objective import PP, Objective, P
from influencelab.glm.passes import kept_parts
from influencelab.glm.regression import Regression, regress
from influencelab.glm.rows import Rows
from influencelab.glm.table import chosen
from influencelab.recipe import Progress, unheard
from influencelab.runner.cluster import connection
from influencelab.summary import Summarised

__all__ = ["RowInfluence", "cook_distances", "row_influence"]

CURVATURES = ("expected", "observed")
FORMS = ("one_step", "published")
DISPERSIONS = ("whole", "without")
# A leverage so near to 1 is 1.
ALONE = 1e-10


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
        return cook_of(self.pearson, self.leverage, form)

    @property
    def studentised(self) -> B:
        """Pearson residuals in units of their own spread, r / √(φ (1 − h))."""
        return self.pearson / numpy.sqrt(self.regression.dispersion * (1 - self.leverage))

    @property
    def dffits(self) -> B:
        """By how many standard errors a row's own predictor falls without it, to one step: ± |t| √(h / (1 − h))."""
        size = abs(self.studentised) * numpy.sqrt(self.leverage / (1 - self.leverage))
        return numpy.copysign(size, self.score)

    @property
    def standard_errors(self) -> P:
        """Of each coefficient, √(φ diag M⁻¹), M the curvature of Σ w ℓ and of its penalty."""
        units, lower = self.factor
        half = scipy.linalg.solve_triangular(lower, numpy.diag(units), lower=True, check_finite=False)
        return numpy.sqrt(self.regression.dispersion * (half**2).sum(0) / self.regression.weight)

    @property
    def dispersion_without(self) -> B:
        """φ of the model without each row, to one step; 1 where the family says so.

        Raises:
            InvalidData: there are too few rows for any, or a coefficient rests on a row alone.
        """
        self.check_shared()
        regression, own = self.regression, 1.0
        if regression.family.fixed_dispersion:
            return numpy.ones(regression.n)
        if regression.frequencies:
            own = numpy.concatenate([given.weights for given in regression.table.chunks()])
        left = regression.degrees - own
        if not numpy.min(left) > 0:
            raise InvalidData(
                f"{regression.n:,} rows without one leave nothing to estimate a dispersion from beside "
                f"{regression.p:,} coefficients. Give more rows."
            )
        return numpy.maximum(regression.pearson - self.pearson**2 / (1 - self.leverage), 0) / left

    @property
    def covariance_ratio(self) -> B:
        """The determinant of the coefficients' covariance without each row over that with it: (φ₍ᵢ₎ / φ)ᵖ / (1 − h).

        Above 1 where a row makes estimates more precise.
        """
        ratio = self.dispersion_without / self.regression.dispersion
        return ratio**self.regression.p / (1 - self.leverage)

    def dfbeta(self, rows: Any = None) -> Float[ndarray, "b p"]:
        """By how much each coefficient falls without each of some rows (by default all), to one step."""
        self.check_shared()
        return coefficient_changes(self, rows)

    def dfbetas(self, rows: Any = None, *, dispersion: str = "whole") -> Float[ndarray, "b p"]:
        """By how many of its standard errors each coefficient falls without each of some rows, to one step.

        Args:
            rows: their places; by default all.
            dispersion: of which standard errors are made: `whole` of the model with all rows, as statsmodels' GLM has
                it, or `without` of that without the row, as R has it and statsmodels' least squares.
        """
        if dispersion not in DISPERSIONS:
            raise InvalidParameter(f"dispersion is '{dispersion}', expected one of {', '.join(DISPERSIONS)}.")
        changes = self.dfbeta(rows) / self.standard_errors
        if dispersion == "whole":
            return changes
        ratio = self.dispersion_without[chosen(rows, self.regression.n)] / self.regression.dispersion
        return changes / numpy.sqrt(ratio)[:, None]

    def check_shared(self) -> None:
        """Refuse leverage of 1, where no model without the row has all coefficients.

        Raises:
            InvalidData: the row is named.
        """
        if self.leverage.max() >= 1 - ALONE:
            raise InvalidData(
                f"Row {int(self.leverage.argmax()):,} has leverage 1: a coefficient rests on it alone, and cannot be "
                "had without it. Drop its column, or add weight_decay."
            )

    def top(self, count: int = 10) -> pandas.DataFrame:
        """The rows of largest Cook's distance, the largest first."""
        order = numpy.argsort(-self.cook(), kind="stable")[:count]
        return self.table().iloc[order]

    def table(self) -> pandas.DataFrame:
        """A line a row of the data, by the index of a frame where that is given."""
        columns = {
            "cook": self.cook(),
            "leverage": self.leverage,
            "pearson": self.pearson,
            "studentised": self.studentised,
            "dffits": self.dffits,
        }
        return pandas.DataFrame(columns, index=self.regression.table.index)

    @property
    def reason(self) -> str:
        """Why these scores are exact."""
        return f"exact: a matrix of {self.regression.p:,} × {self.regression.p:,} numbers fits in memory"

    def explore(self, **settings: Any) -> Any:
        """`il.explore_rows` of these: a widget of the rows that matter most, with their values."""
        return influencelab.explore_rows(self, **settings)

    def summary(self) -> Mapping[str, str]:
        """Of what, and the largest."""
        cook, called = self.cook(), self.regression.table.called
        return {
            "rows": f"{len(cook):,}",
            "largest Cook's distance": f"{cook.max():.3g} at row {called(int(cook.argmax()))}",
            "largest leverage": f"{self.leverage.max():.3g} at row {called(int(self.leverage.argmax()))}",
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
            "sketch, il.sketched_influence(regression), or some rows alone, il.chosen_rows(regression, [0, 1])."
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


def cook_of(pearson: B, leverage: Float[ndarray, "*rows"], form: str) -> Float[ndarray, "*rows"]:
    """Cook's distances from residuals and leverages, which may be several of each row; forms are `RowInfluence.cook`'s.

    Raises:
        InvalidParameter: there is no such form.
    """
    if form not in FORMS:
        raise InvalidParameter(f"form is '{form}', expected one of {', '.join(FORMS)}.")
    return pearson**2 * leverage / (1 - leverage) ** (2 if form == "one_step" else 1)


def objective_of(regression: Regression, *, workers: int, progress: Progress, client: Any = None) -> Objective:
    """The objective that a regression minimised."""
    own = {name: getattr(regression, name) for name in ("table", "family", "weight_decay", "intercept", "n", "weight")}
    own |= {"mean": numpy.nan, "p": regression.p, "pull": regression.pull}
    return Objective(**own, workers=workers, progress=progress, client=client)


def coefficient_changes(found: RowInfluence, rows: Any = None) -> Float[ndarray, "b p"]:
    """By how much each coefficient falls without each of some rows, to one step: (W H)⁻¹ xᵢ sᵢ / (1 − hᵢ)."""
    regression = found.regression
    places = chosen(rows, regression.n)
    changes = numpy.zeros((len(places), regression.p))
    for given in regression.table.chunks():
        here = numpy.flatnonzero((places >= given.first) & (places < given.first + len(given)))
        if len(here):
            x = regression.rows(given).x[places[here] - given.first]
            x = x if isinstance(x, ndarray) else x.toarray()
            pulls = found.score[places[here]] / (1 - found.leverage[places[here]]) / regression.weight
            changes[here] = solved(found.factor, (x * pulls[:, None]).T).T
    return changes
