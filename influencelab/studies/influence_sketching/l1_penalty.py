"""An L1 penalty."""

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from influencelab.glm.families.binomial import Binomial
from influencelab.glm.regression import Regression
from influencelab.glm.sparse_regression import ActiveColumns, sparse_regression
from influencelab.glm.tables.array_table import ArrayTable
from influencelab.studies.influence_sketching.compact import Compact, occupied
from influencelab.studies.influence_sketching.designs import Design
from influencelab.studies.influence_sketching.penalised_model import PenalisedModel
from influencelab.studies.influence_sketching.scores import losses

# Of the strength of an L1 penalty, how far its conditions for a minimum may be missed. liblinear's tolerance, and how
# many times as large as a feature the intercept's is, whose coefficient it penalises too.
MISSED, NEAR, INTERCEPT = 1e-3, 1e-5, 10
# Columns of an L1 model may make each other up, where this much curvature along each keeps leverages finite; and how
# much keeps coefficients apart without being seen in the conditions for a minimum.
LEAST, APART = 1e-8, 1e-10


@dataclass(frozen=True)
class L1Penalty(PenalisedModel):
    """An L1 penalty; a row has influence along coefficients that are not 0."""

    def prepared(self, design: Design) -> Compact:
        """Columns that occur: no rotation keeps an L1 penalty."""
        return occupied(design)

    def fit(self, given: Compact, rows: Any = slice(None)) -> Regression:
        """Coefficients of all columns: liblinear comes near the minimum, and Newton's method to it."""
        x, y = given.x[rows], given.design.y[rows]
        solver: Any = LogisticRegression(
            C=1 / (len(y) * self.strength),
            l1_ratio=1,
            solver="liblinear",
            tol=NEAR,
            max_iter=10_000,
            intercept_scaling=INTERCEPT,
            random_state=0,
        )
        solver.fit(x, y)
        near = numpy.append(solver.coef_[0], solver.intercept_[0])
        own = sparse_regression(x, y, l1=self.strength, coefficients=near, weight_decay=APART, workers=1)
        coefficients, active = numpy.zeros_like(near), cast(ActiveColumns, own.table)
        coefficients[numpy.append(active.places, -1)] = own.coefficients
        return self.regression(x, y, coefficients)

    def regression(self, x: Any, y: numpy.ndarray, coefficients: numpy.ndarray) -> Regression:
        """Coefficients as a regression that knows how far off the minimum it is, by the conditions for one."""
        predictor, inner = x @ coefficients[:-1] + coefficients[-1], coefficients[:-1]
        above = expit(predictor) - y
        slopes = numpy.asarray(x.T @ above) / len(y)
        free = numpy.maximum(abs(slopes) - self.strength, 0)
        missed = numpy.where(inner == 0, free, abs(slopes + self.strength * numpy.sign(inner)))
        missed = numpy.append(missed, abs(above.mean()))
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
