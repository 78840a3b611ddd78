"""Influence sketching: Cook's distance of every row from a random projection of its features."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy
import pandas
import scipy.special
from jaxtyping import Float
from numpy import ndarray

from influencelab.errors import InvalidParameter, require, whole
from influencelab.glm.influence import FORMS, objective_of
from influencelab.glm.leverage import forms
from influencelab.glm.link import B
from influencelab.glm.newton import factored
from influencelab.glm.objective import Objective
from influencelab.glm.passes import summed
from influencelab.glm.projection import Projection
from influencelab.glm.projections.sparse_sign_projection import SparseSignProjection
from influencelab.glm.regression import Regression
from influencelab.glm.rows import Rows
from influencelab.recipe import Progress, unheard
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
        if form not in FORMS:
            raise InvalidParameter(f"form is '{form}', expected one of {', '.join(FORMS)}.")
        power = 2 if form == "one_step" else 1
        return self.pearson**2 * self.leverages / (1 - self.leverages) ** power

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
        return pandas.DataFrame(found)

    def top(self, count: int = 10) -> pandas.DataFrame:
        """The rows of largest Cook's distance, the largest first."""
        return self.table().iloc[numpy.argsort(-self.cook(), kind="stable")[:count]]

    def summary(self) -> Mapping[str, str]:
        """Of what, by what, and the largest."""
        cook = self.cook()
        return {
            "rows": f"{len(cook):,}",
            "sketches": f"{len(self.leverages)} of {self.projection.k} columns, {type(self.projection).__name__}",
            "largest Cook's distance": f"{cook.max():.3g} at row {int(cook.argmax())}",
        }


def sketched_influence(
    regression: Regression,
    projection: Projection | None = None,
    *,
    sketches: int = 1,
    workers: int = 1,
    progress: Progress = unheard,
) -> SketchedInfluence:
    """Algorithm 1: Z = V^½ X Ω, W = (ZᵀZ)⁻¹, h* = zᵀ W z; with a penalty W = (ZᵀZ + Σw · weight_decay · Ωᵀ P Ω)⁻¹.

    Args:
        regression: a model at its minimum.
        projection: Ω; by default 200 columns with eight signs a row.
        sketches: independent ones, by seeds one after the other.
        workers: threads; 0 for one a core.
        progress: told of each pass; there are two.

    Raises:
        InvalidParameter: Ω has more columns than there are coefficients, or more than their information has.
        NotConverged: the model is at no minimum.
    """
    require(regression, Regression, what="regression", cure="Make one: il.regress(X, y, family=il.Poisson()).")
    projection = SparseSignProjection() if projection is None else projection
    require(projection, Projection, what="projection", cure="Give one such as il.SparseSignProjection(k=200).")
    whole(sketches, what="sketches", least=1)
    if projection.k > regression.p:
        raise InvalidParameter(
            f"k is {projection.k} and there are {regression.p} coefficients: a sketch would cost more than the exact "
            f"scores. Take il.row_influence, or k ≤ {regression.p}."
        )
    regression.check_converged()
    objective = objective_of(regression, workers=workers, progress=progress)
    drawn = [replace(projection, seed=projection.seed + number) for number in range(sketches)]
    found = grams(objective, regression, drawn)
    ways = [form_of(gram) for gram in found]

    def of(given: Rows) -> tuple[Float[ndarray, "s b"], B]:
        rows, curvature, pearson = seen(objective, regression, given)
        lengths = [way(each.project(rows.x)) for each, way in zip(drawn, ways, strict=True)]
        return curvature * numpy.stack(lengths), pearson

    parts: Any = zip(*objective.mapped(of), strict=True)
    leverages, pearson = (numpy.concatenate(each, axis=-1) for each in parts)
    return SketchedInfluence(regression, projection, leverages, pearson)


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


def seen(objective: Objective, regression: Regression, given: Rows) -> tuple[Rows, B, B]:
    """A chunk with its intercept, the curvature of each row and its Pearson residual."""
    rows = objective.rows(given)
    working = objective.family.working(rows.y, rows.predictor(regression.coefficients))
    return rows, rows.weights * working.expected, numpy.sqrt(rows.weights) * working.pearson


def grams(objective: Objective, regression: Regression, drawn: list[Projection]) -> list[Float[ndarray, "k k"]]:
    """ZᵀZ of each sketch, with the penalty as it sees it."""

    def of(given: Rows) -> tuple[Float[ndarray, "k k"], ...]:
        rows, curvature, _ = seen(objective, regression, given)
        rooted = [numpy.sqrt(curvature)[:, None] * each.project(rows.x) for each in drawn]
        return tuple(each.T @ each for each in rooted)

    found = [numpy.asarray(each) for each in summed(objective.mapped(of))]
    if objective.weight_decay:
        for each, gram in zip(drawn, found, strict=True):
            whole_rows = each.rows(0, objective.p - objective.intercept)
            squared = whole_rows.T @ whole_rows
            gram += (
                objective.weight
                * objective.weight_decay
                * numpy.asarray(getattr(squared, "toarray", lambda s=squared: s)())
            )
    return found
