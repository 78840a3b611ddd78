"""Influence sketching: Cook's distance of every row from a random projection of its features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy
import pandas
import scipy.special
from jaxtyping import Float
from numpy import ndarray

import influencelab
from influencelab.errors import InvalidParameter, require, whole
from influencelab.glm.checkpoint import NOTHING, Checkpoint, check_kept
from influencelab.glm.influence import cook_of, objective_of
from influencelab.glm.leverage import forms
from influencelab.glm.link import B
from influencelab.glm.newton import factored
from influencelab.glm.objective import Objective, P
from influencelab.glm.passes import kept_parts, kept_sum
from influencelab.glm.projection import Projection
from influencelab.glm.projections.sparse_sign_projection import SparseSignProjection
from influencelab.glm.regression import Regression
from influencelab.glm.rows import Matrix, Rows
from influencelab.recipe import Progress, fingerprint, unheard
from influencelab.runner.cluster import connection
from influencelab.summary import Summarised

__all__ = ["SketchedInfluence", "sketched_influence"]


@dataclass(frozen=True, eq=False, repr=False)
class SketchedInfluence(Summarised):
    """What each row of a regression does to it, as some sketches see it.

    Attributes:
        regression: the model.
        projection: of the first sketch; the others differ in their seeds.
        leverages: h* of each row in each sketch.
        pearson: √w (y − μ) / √V(μ), at dispersion 1.
    """

    regression: Regression
    projection: Projection
    leverages: Float[ndarray, "s n"]
    pearson: B

    @property
    def leverage(self) -> B:
        """The mean over sketches. It is below the exact leverage: fewer features fit a row less."""
        return self.leverages.mean(0)

    def cook(self, form: str = "published") -> B:
        """Cook's distance, the mean over sketches, in a form of `RowInfluence.cook`; by default r² h / (1 − h)."""
        return self.cooks(form).mean(0)

    def cooks(self, form: str = "published") -> Float[ndarray, "s n"]:
        """Cook's distance of each row in each sketch."""
        return cook_of(self.pearson, self.leverages, form)

    @property
    def reason(self) -> str:
        """Why these scores are of a sketch."""
        return (
            f"sketched: {self.regression.p:,} coefficients are seen through {self.projection.k} random sums of them, "
            f"{len(self.leverages)} times over; il.chosen_rows has exact ones of a few rows, such as the first of these"
        )

    def table(self) -> pandas.DataFrame:
        """A line a row of the data; with several sketches the 95% interval of the mean Cook's distance over them."""
        found = {"cook": self.cook(), "leverage": self.leverage, "pearson": self.pearson}
        count = len(self.leverages)
        if count > 1:
            half = scipy.special.stdtrit(count - 1, 0.975) * self.cooks().std(0, ddof=1) / count**0.5
            found |= {"cook_low": numpy.maximum(found["cook"] - half, 0), "cook_high": found["cook"] + half}
        return pandas.DataFrame(found, index=self.regression.table.index)

    def top(self, count: int = 10) -> pandas.DataFrame:
        """The rows of largest Cook's distance, the largest first."""
        return self.table().iloc[numpy.argsort(-self.cook(), kind="stable")[:count]]

    def explore(self, **settings: Any) -> Any:
        """`il.explore_rows` of these: a widget of the rows that matter most, with their values."""
        return influencelab.explore_rows(self, **settings)

    def summary(self) -> Mapping[str, str]:
        """Of what, by what, and the largest."""
        cook = self.cook()
        return {
            "rows": f"{len(cook):,}",
            "sketches": f"{len(self.leverages)} of {self.projection.k} columns, {type(self.projection).__name__}",
            "largest Cook's distance": f"{cook.max():.3g} at row {self.regression.table.called(int(cook.argmax()))}",
        }


def sketched_influence(
    regression: Regression,
    projection: Projection | None = None,
    *,
    sketches: int = 1,
    workers: int = 1,
    scheduler: str = "",
    progress: Progress = unheard,
    kept: Checkpoint = NOTHING,
) -> SketchedInfluence:
    """Algorithm 1: Z = V^½ X Ω, W = (ZᵀZ)⁻¹, h* = zᵀ W z; with a penalty W = (ZᵀZ + Σw · weight_decay · Ωᵀ P Ω)⁻¹.

    Args:
        regression: a model at its minimum.
        projection: Ω; by default 200 columns with eight signs a row.
        sketches: independent ones, by seeds one after the other.
        workers: threads; 0 for one a core.
        scheduler: the address of a dask scheduler, such as `tcp://10.0.0.1:8786`, whose workers do the work instead.
        progress: told of each pass; there are two.
        kept: where finished parts are kept, so that a call that was interrupted goes on from there.

    Raises:
        InvalidParameter: Ω has more columns than there are coefficients, or more than their information has.
        NotConverged: the model is at no minimum.
        Unavailable: no scheduler is there, or its workers keep dying.
    """
    require(regression, Regression, what="regression", cure="Make one: il.regress(X, y, family=il.Poisson()).")
    projection = SparseSignProjection() if projection is None else projection
    require(projection, Projection, what="projection", cure="Give one such as il.SparseSignProjection(k=200).")
    whole(sketches, what="sketches", least=1)
    check_kept(kept)
    if projection.k > regression.p:
        raise InvalidParameter(
            f"k is {projection.k} and there are {regression.p} coefficients: a sketch would cost more than the exact "
            f"scores. Take il.row_influence, or k ≤ {regression.p}."
        )
    regression.check_converged()
    drawn = [replace(projection, seed=projection.seed + number) for number in range(sketches)]
    with connection(scheduler) as client:
        objective = objective_of(regression, workers=workers, progress=progress, client=client)
        leverages, pearson = of_rows(objective, regression.coefficients, drawn, kept)
    return SketchedInfluence(regression, projection, leverages, pearson)


def of_rows(objective: Objective, coefficients: P, drawn: list[Projection], kept: Checkpoint) -> list[ndarray]:
    """Leverage of every row in each sketch, and its Pearson residual, from two passes."""
    name = fingerprint(drawn)[:12]
    ways = [form_of(gram) for gram in grams(objective, coefficients, drawn, kept, name=f"grams-{name}")]

    def of(given: Rows) -> tuple[Float[ndarray, "s b"], B]:
        curvature, pearson = seen(objective, coefficients, given)
        lengths = [way(projected(each, given.x, objective)) for each, way in zip(drawn, ways, strict=True)]
        return curvature * numpy.stack(lengths), pearson

    return kept_parts(objective.mapped, of, kept, name=f"scores-{name}")


def form_of(gram: Float[ndarray, "k k"]) -> Callable[[Float[ndarray, "b k"]], B]:
    """The function that gives zᵀ W z of some projected rows; columns of Ω that no feature goes to are left out."""
    used = gram.diagonal() > 0
    factor = factored(gram[numpy.ix_(used, used)])
    if factor is None:
        raise InvalidParameter(
            f"The rows have information along fewer directions than the k = {len(gram)} of the sketch. Lower k, or fit "
            "with weight_decay."
        )
    form = forms(factor)
    return form if used.all() else lambda z: form(z[:, used])


def seen(objective: Objective, coefficients: P, given: Rows) -> tuple[B, B]:
    """The curvature of each row of a chunk, and its Pearson residual."""
    working = objective.family.working(given.y, objective.predictor(given, coefficients))
    return given.weights * working.expected, numpy.sqrt(given.weights) * working.pearson


def projected(projection: Projection, x: Matrix, objective: Objective) -> Float[ndarray, "b k"]:
    """X Ω of some rows; the intercept adds the last row of Ω to each, which spares a copy of them."""
    found = projection.project(x)
    if objective.intercept:
        last = projection.rows(x.shape[1], 1)
        found += last if isinstance(last, ndarray) else last.toarray()
    return found


def grams(
    objective: Objective, coefficients: P, drawn: list[Projection], kept: Checkpoint, *, name: str
) -> list[Float[ndarray, "k k"]]:
    """ZᵀZ of each sketch, with the penalty as it sees it."""

    def of(given: Rows) -> tuple[Float[ndarray, "k k"], ...]:
        curvature, _ = seen(objective, coefficients, given)
        rooted = [numpy.sqrt(curvature)[:, None] * projected(each, given.x, objective) for each in drawn]
        return tuple(each.T @ each for each in rooted)

    found = kept_sum(objective.mapped, of, kept, name=name)
    held = objective.weight * objective.weight_decay
    penalised = objective.p - objective.intercept
    return [gram + held * each.gram(penalised) for each, gram in zip(drawn, found, strict=True)] if held else found
