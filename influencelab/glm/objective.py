"""J of a generalised linear model and its derivatives, each from one pass over the rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
from jaxtyping import Float
from numpy import ndarray

from influencelab.errors import InvalidData
from influencelab.glm.conjugate_gradients import PK
from influencelab.glm.family import Family
from influencelab.glm.link import B
from influencelab.glm.passes import added, mapped, summed
from influencelab.glm.rows import Rows, check_rows, with_intercept
from influencelab.glm.table import Table
from influencelab.recipe import Progress, unheard

P = Float[ndarray, " p"]
PP = Float[ndarray, "p p"]
# Numbers in a matrix of p × p that is still formed: half a gigabyte.
SQUARE = 2**26


@dataclass(frozen=True, eq=False)
class Place:
    """J and its derivatives at some coefficients.

    Attributes:
        gram: the curvature of J; None where it was not asked for, or is too large to be formed.
        pearson: Σ wᵢ (y − μ)² / V(μ).
        margin: of two classes, how far the columns alone put each row on its own side at least; −inf where a response
            is no class, or where that lets no loss fall for ever.
    """

    coefficients: P
    loss: float
    gradient: P
    gram: PP | None
    pearson: float
    margin: float


@dataclass(frozen=True, eq=False)
class Objective:
    """J(β) = Σ wᵢ ℓᵢ(β) / Σ wᵢ + (weight_decay / 2) ‖Pβ‖² + pullᵀ β.

    Attributes:
        n: rows.
        weight: Σ wᵢ.
        mean: of the responses, by weight.
        client: of a cluster that works on chunks; None where threads do.
        p: coefficients, the intercept among them.
        pull: l1 times the sign of each coefficient, where these signs are held; 0 without an absolute penalty.
    """

    table: Table
    family: Family
    weight_decay: float
    intercept: bool
    workers: int
    progress: Progress
    n: int
    weight: float
    mean: float
    p: int
    pull: P | float = 0.0
    client: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What work on a chunk needs of it on a machine of a cluster."""
        return vars(self) | {"table": None, "progress": unheard, "client": None}

    @classmethod
    def of(
        cls,
        table: Table,
        family: Family,
        weight_decay: float,
        *,
        intercept: bool,
        workers: int,
        progress: Progress,
        client: Any = None,
    ) -> "Objective":
        """The objective of a table, after a look at every row of it.

        Raises:
            InvalidData: a row that cannot be used, or rows of several widths.
        """
        columns, name = table.columns, type(table).__name__

        def look(rows: Rows) -> tuple[int, float, float, int]:
            check_rows(rows, family, columns=columns, table=name)
            return len(rows), float(rows.weights.sum()), float(rows.weights @ rows.y), rows.x.shape[1]

        how: Any = {"workers": workers, "client": client, "progress": progress}
        found = list(mapped(table, look, **how, label="rows looked at"))
        widths = sorted({each[3] for each in found})
        if len(widths) != 1:
            raise InvalidData(f"{name} has rows of {widths or 'no'} columns. Give rows of one width.")
        n, weight, total = (sum(column) for column in list(zip(*found, strict=True))[:3])
        if not weight > 0:
            raise InvalidData(f"{name}: none of the {n:,} rows has any weight. Give positive weights.")
        p = widths[0] + intercept
        own = {"n": n, "weight": weight, "mean": total / weight, "p": p, "client": client}
        return cls(table, family, weight_decay, intercept, workers, progress, **own)

    @property
    def penalty(self) -> P:
        """Strength of the penalty on each coefficient."""
        found = numpy.full(self.p, self.weight_decay)
        if self.intercept:
            found[-1] = 0.0
        return found

    @property
    def dense(self) -> bool:
        """Whether a curvature of p × p is formed."""
        return self.p**2 <= SQUARE

    def penalised(self, coefficients: Float[ndarray, "*k p"]) -> Float[ndarray, "*k p"]:
        """The slope of the penalty."""
        return self.penalty * coefficients + self.pull

    def rows(self, given: Rows) -> Rows:
        """A chunk as the coefficients see it."""
        return with_intercept(given) if self.intercept else given

    def name(self, column: int) -> str:
        """What a coefficient is of, in words."""
        if self.intercept and column == self.p - 1:
            return "the intercept"
        named = self.table.columns
        return f"column '{named[column]}'" if named else f"column {column}"

    def place(self, coefficients: P, *, curved: bool = True, observed: bool = True) -> Place:
        """J and its derivatives; its curvature if asked, which is the mean over responses where not `observed`."""

        def derive(given: Rows) -> tuple[Any, ...]:
            rows = self.rows(given)
            predictor = rows.predictor(coefficients)
            working = self.family.working(rows.y, predictor)
            curvature = rows.weights * (working.observed if observed else working.expected)
            gram = rows.gram(curvature) if curved and self.dense and numpy.isfinite(curvature).all() else 0.0
            certain = numpy.isin(rows.y, (0.0, 1.0)) & self.family.separable
            sides = numpy.where(certain, (2 * rows.y - 1) * (predictor - rows.offsets), -numpy.inf)
            margin = float(sides.min(initial=numpy.inf, where=rows.weights > 0))
            sums = rows.weights @ working.loss, rows.pulled(rows.weights * working.score), gram
            return *sums, rows.weights @ working.pearson**2, margin

        total, margin = [], numpy.inf
        for *sums, least in self.mapped(derive):
            total, margin = added(total, sums), min(margin, least)
        loss, slopes, gram, pearson = total
        penalty = self.penalty
        held = float(penalty @ coefficients**2) / 2 + float(numpy.sum(self.pull * coefficients))
        return Place(
            coefficients=coefficients,
            loss=float(loss) / self.weight + held,
            gradient=self.penalised(coefficients) - numpy.asarray(slopes) / self.weight,
            gram=numpy.asarray(gram) / self.weight + numpy.diag(penalty) if curved and self.dense else None,
            pearson=float(pearson),
            margin=margin,
        )

    def first_step(self) -> tuple[PP | None, P]:
        """Gram matrix, where it is formed, and right-hand side of the first least squares; see `aimed`."""

        def derive(given: Rows) -> tuple[PP | float, P]:
            rows = self.rows(given)
            aimed, curvature = self.aimed(given)
            gram = rows.gram(curvature) if self.dense else 0.0
            return gram, rows.pulled(curvature * (aimed - rows.offsets))

        gram, pulled = summed(self.mapped(derive))
        whole = numpy.asarray(gram) / self.weight + numpy.diag(self.penalty) if self.dense else None
        return whole, numpy.asarray(pulled) / self.weight

    def aimed(self, given: Rows) -> tuple[B, B]:
        """Predictors of means between each response and all, and their curvature, from which least squares start."""
        aimed = self.family.link.predictor(self.family.start(given.y))
        return aimed, given.weights * self.family.working(given.y, aimed).expected

    def curvature(self, coefficients: P) -> Callable[[Rows], B]:
        """The function that gives the curvature of each row: its own where that is positive, else its mean."""

        def of(given: Rows) -> B:
            working = self.family.working(given.y, self.predictor(given, coefficients))
            return given.weights * numpy.where(working.observed > 0, working.observed, working.expected)

        return of

    def products(self, curvature: Callable[[Rows], B]) -> tuple[P, Callable[[PK], PK]]:
        """The diagonal of J's Hessian with these curvatures of rows, and the function that multiplies columns by it.

        Both read all rows once. No chunk gets a column of ones on the way, which would copy it.
        """
        curved: dict[int, B] = {}

        def diagonal(given: Rows) -> tuple[int, B, P]:
            bent = curvature(given)
            return given.first, bent, self.joined(given.squared_sums(bent), bent.sum())

        size = numpy.zeros(self.p)
        for first, bent, part in self.mapped(diagonal):
            curved[first], size = bent, size + part

        def product(columns: PK) -> PK:
            def along(given: Rows) -> tuple[PK]:
                moved = given.x @ columns[: given.x.shape[1]]
                moved = curved[given.first][:, None] * (moved + columns[-1] if self.intercept else moved)
                return (self.joined(numpy.asarray(given.x.T @ moved, dtype=float), moved.sum(0)[None]),)

            (found,) = summed(self.mapped(along))
            return numpy.asarray(found) / self.weight + self.penalty[:, None] * columns

        return size / self.weight + self.penalty, product

    def predictor(self, given: Rows, coefficients: P) -> B:
        """η of a chunk as the table gives it."""
        return given.predictor(coefficients[: given.x.shape[1]]) + (coefficients[-1] if self.intercept else 0.0)

    def joined(self, features: Float[ndarray, " *d"], intercept: Any) -> Float[ndarray, " *p"]:
        """A number or row a feature, and that of the intercept, where there is one."""
        return numpy.append(features, numpy.atleast_1d(intercept), axis=0) if self.intercept else features

    def farthest(self, step: P) -> float:
        """The largest change of a linear predictor by a step of the coefficients, over rows with weight."""

        def moved(given: Rows) -> float:
            rows = self.rows(given)
            return float(abs(rows.x @ step).max(initial=0.0, where=rows.weights > 0))

        return max(self.mapped(moved))

    def mapped(self, work: Any, *, after: int = 0) -> Any:
        """What `work` makes of each chunk, but for those of the first `after` rows."""
        how: Any = {"workers": self.workers, "client": self.client, "progress": self.progress}
        return mapped(self.table, work, **how, count=self.n, after=after)
