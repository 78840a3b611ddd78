"""The two logistic regressions of the paper: with a penalty that hardly says anything, and with an L1 penalty."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any

import numpy
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from influencelab.errors import InvalidParameter
from influencelab.glm.families.binomial import Binomial
from influencelab.glm.regression import Regression, regress
from influencelab.glm.tables.array_table import ArrayTable
from influencelab.recipe import Recipe
from influencelab.studies.influence_sketching.compact import Compact, compact, occupied
from influencelab.studies.influence_sketching.designs import Design
from influencelab.studies.influence_sketching.scores import losses

# Of the strength of an L1 penalty, how far its conditions for a minimum may be missed; and how many times as large as a
# feature the intercept's is, whose coefficient liblinear penalises too.
MISSED, INTERCEPT = 1e-3, 10
# Columns of an L1 model may make each other up, where this much curvature along each keeps leverages finite.
LEAST = 1e-8


@dataclass(frozen=True)
class Model(Recipe):
    """How rows are fitted, and in which columns a row has influence.

    Attributes:
        strength: of the penalty beside the mean loss.
    """

    strength: float

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise InvalidParameter(
                f"strength is {self.strength}, expected a number above 0: rare columns tell some rows' classes without "
                "error, and then no minimum exists."
            )

    @abstractmethod
    def prepared(self, design: Design) -> Compact:
        """The design in as few columns as give the same model."""

    @abstractmethod
    def fit(self, given: Compact, rows: Any = slice(None)) -> Regression:
        """The model of some rows."""

    @abstractmethod
    def curved(self, given: Compact, found: Regression) -> Regression:
        """The model of all rows in the columns along which it bends with them."""

    @abstractmethod
    def wide(self, given: Compact, curved: Regression) -> Regression:
        """The same with features as they are, to be sketched."""


@dataclass(frozen=True)
class Ridge(Model):
    """A weak penalty on squared coefficients: as good as none where a minimum exists without."""

    def prepared(self, design: Design) -> Compact:
        """Columns that occur, turned into as many as rows where these are fewer."""
        return compact(design)

    def fit(self, given: Compact, rows: Any = slice(None)) -> Regression:
        """By Newton's method."""
        return regress(given.x[rows], given.design.y[rows], weight_decay=self.strength, workers=1)

    def curved(self, given: Compact, found: Regression) -> Regression:
        """Itself."""
        return found

    def wide(self, given: Compact, curved: Regression) -> Regression:
        """In the columns that occur."""
        return given.wide(curved)


@dataclass(frozen=True)
class Lasso(Model):
    """An L1 penalty, by scikit-learn's liblinear; a row has influence along coefficients that are not 0."""

    def prepared(self, design: Design) -> Compact:
        """Columns that occur: no rotation keeps an L1 penalty."""
        return occupied(design)

    def fit(self, given: Compact, rows: Any = slice(None)) -> Regression:
        """Coefficients of all columns."""
        x, y = given.x[rows], given.design.y[rows]
        solver: Any = LogisticRegression(
            C=1 / (len(y) * self.strength),
            l1_ratio=1,
            solver="liblinear",
            tol=1e-7,
            max_iter=10_000,
            intercept_scaling=INTERCEPT,
            random_state=0,
        )
        solver.fit(x, y)
        return self.regression(x, y, numpy.append(solver.coef_[0], solver.intercept_[0]))

    def regression(self, x: Any, y: numpy.ndarray, coefficients: numpy.ndarray) -> Regression:
        """Coefficients as a regression that knows how far off the minimum it is, by the conditions for one."""
        predictor = x @ coefficients[:-1] + coefficients[-1]
        slopes = numpy.asarray(x.T @ (expit(predictor) - y)) / len(y)
        inner = coefficients[:-1]
        missed = numpy.where(
            inner == 0, numpy.maximum(abs(slopes) - self.strength, 0), abs(slopes + self.strength * numpy.sign(inner))
        )
        loss = float(losses(predictor, y).mean())
        about: dict[str, Any] = {"n": len(y), "weight": float(len(y)), "steps": 0, "pearson": numpy.nan}
        return Regression(
            table=ArrayTable(x, y),
            family=Binomial(),
            weight_decay=0.0,
            intercept=True,
            coefficients=coefficients,
            loss=loss + self.strength * float(abs(inner).sum()),
            grad_norm=float(numpy.linalg.norm(missed)),
            left=float(missed.max(initial=0.0)),
            converged=bool(missed.max(initial=0.0) <= MISSED * self.strength),
            **about,
        )

    def curved(self, given: Compact, found: Regression) -> Regression:
        """The columns whose coefficients are not 0, which stay so for a small change."""
        active = numpy.flatnonzero(found.coefficients[:-1])
        table = ArrayTable(given.x[:, active], given.design.y)
        kept = found.coefficients[numpy.append(active, -1)]
        return replace(found, table=table, coefficients=kept, weight_decay=LEAST)

    def wide(self, given: Compact, curved: Regression) -> Regression:
        """Itself."""
        return curved
