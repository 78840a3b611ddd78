"""Leverage and Cook's distance of chosen rows, exactly, without a matrix of p × p: a system is solved for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy
import pandas
from jaxtyping import Float, Int
from numpy import ndarray

from influencelab.errors import InvalidParameter, NotConverged, real, require, whole
from influencelab.glm.conjugate_gradients import PK, conjugate_gradients
from influencelab.glm.influence import cook_of, objective_of
from influencelab.glm.link import B
from influencelab.glm.objective import P
from influencelab.glm.regression import Regression
from influencelab.glm.rows import Rows
from influencelab.glm.table import chosen, rows_at
from influencelab.recipe import Progress, unheard
from influencelab.summary import Summarised

__all__ = ["ChosenRows", "chosen_rows"]

# Numbers in the right-hand sides of one block.
NUMBERS = 2**23


@dataclass(frozen=True, eq=False, repr=False)
class ChosenRows(Summarised):
    """What some rows of a regression do to it, whatever its number of coefficients.

    Attributes:
        regression: the model.
        rows: their places.
        leverage: h, how much of its own fitted predictor a row decides.
        pearson: √w (y − μ) / √V(μ), at dispersion 1.
        residual: ‖xᵢ − W H zᵢ‖ / ‖xᵢ‖ in units of the diagonal, zᵢ the solution; h is too small by about its square.
        products: passes over all rows that this took.
    """

    regression: Regression
    rows: Int[ndarray, " r"]
    leverage: Float[ndarray, " r"]
    pearson: Float[ndarray, " r"]
    residual: Float[ndarray, " r"]
    products: int

    def cook(self, form: str = "one_step") -> Float[ndarray, " r"]:
        """Cook's distance in a form of `RowInfluence.cook`, not divided by anything."""
        return cook_of(self.pearson, self.leverage, form)

    def table(self) -> pandas.DataFrame:
        """A line a row, by its place, in the order asked for."""
        columns = {"cook": self.cook(), "leverage": self.leverage, "pearson": self.pearson, "residual": self.residual}
        return pandas.DataFrame(columns, index=pandas.Index(self.rows, name="row"))

    def summary(self) -> Mapping[str, str]:
        """How many, the largest, and how well they were solved for."""
        found = {"rows": f"{len(self.rows):,}"}
        if len(self.rows):
            cook = self.cook()
            found["largest Cook's distance"] = f"{cook.max():.3g} at row {int(self.rows[cook.argmax()])}"
            found["largest residual"] = f"{self.residual.max():.1e} after {self.products:,} products"
        return found


def chosen_rows(
    regression: Regression,
    rows: Any,
    *,
    tolerance: float = 1e-8,
    most: int = 2000,
    workers: int = 1,
    progress: Progress = unheard,
) -> ChosenRows:
    """Exact leverage of some rows, by conjugate gradients in units of the diagonal; a product is a pass over all rows.

    What a sketch ranks first can so be scored exactly with any number of coefficients:
    `il.chosen_rows(regression, sketch.top(50).index)`. With up to 8,192 `il.row_influence` has all rows at once.

    Args:
        regression: a model at its minimum; a penalty makes for few products.
        rows: their places.
        tolerance: of each residual.
        most: products for one block of rows.
        workers: threads; 0 for one a core.
        progress: told of each pass.

    Raises:
        InvalidParameter: no such row.
        NotConverged: the model is at no minimum, or a residual stays larger than the tolerance.
    """
    require(regression, Regression, what="regression", cure="Make one: il.regress(X, y, family=il.Poisson()).")
    tolerance = real(tolerance, what="tolerance", expected="a number between 0 and 1, such as 1e-8")
    if not 0 < tolerance < 1:
        raise InvalidParameter(f"tolerance is {tolerance:g}, expected a number between 0 and 1, such as 1e-8.")
    whole(most, what="most", least=1)
    places = chosen(rows, regression.n)
    regression.check_converged()
    objective = objective_of(regression, workers=workers, progress=progress)

    def curvature(given: Rows) -> B:
        predictor = objective.predictor(given, regression.coefficients)
        return given.weights * objective.family.working(given.y, predictor).expected

    diagonal, product = objective.products(curvature)
    leverage, pearson, residual = (numpy.zeros(len(places)) for _ in range(3))
    step, products = max(1, NUMBERS // regression.p), 0
    for first in range(0, len(places), step):
        some = slice(first, first + step)
        own = objective.rows(rows_at(regression.table, places[some]))
        found = conjugate_gradients(product, diagonal, own.x.T.copy(), tolerance=tolerance / 2, most=most)
        residual[some] = left_over(own.x.T, product(found.solution), diagonal)
        products += found.products + 1
        if not residual[some].max() <= tolerance:
            raise NotConverged(
                f"Row {int(places[some][residual[some].argmax()]):,} is solved for to {residual[some].max():.1e} after "
                f"{found.products} products, expected {tolerance:.0e}. Raise most or tolerance, or add weight_decay."
            )
        working = objective.family.working(own.y, own.predictor(regression.coefficients))
        lengths = numpy.einsum("rp,pr->r", own.x, found.solution)
        leverage[some] = own.weights * working.expected * lengths / regression.weight
        pearson[some] = numpy.sqrt(own.weights) * working.pearson
    return ChosenRows(regression, places, leverage, pearson, residual, products)


def left_over(right: PK, reached: PK, diagonal: P) -> Float[ndarray, " k"]:
    """How much of each right-hand side is not reached, in units of the diagonal."""
    ease = 1 / numpy.where(diagonal > 0, diagonal, 1.0)[:, None]
    size = (ease * right**2).sum(0)
    return numpy.sqrt((ease * (right - reached) ** 2).sum(0) / numpy.where(size > 0, size, 1.0))
