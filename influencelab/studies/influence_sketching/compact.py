"""The same regression in fewer columns: those that are always 0 dropped, and more columns than rows turned into n."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy
import scipy.linalg
import scipy.sparse
from jaxtyping import Float, Int

from influencelab.glm.regression import Regression
from influencelab.glm.tables.array_table import ArrayTable
from influencelab.studies.influence_sketching.designs import Design, Tests

# Up to so many columns a table with all zeros is worked on faster.
DENSE = 1024
# Rows that repeat others leave their products singular: this share of their mean square is added to each.
JITTER = 1e-10


@dataclass(frozen=True, eq=False)
class Compact:
    """A design whose penalised minimum, leverages and deletions are those of the whole one.

    A column that is 0 in every training row has the coefficient 0. With a penalty the coefficients are sums of training
    rows, so that XXᵀ says everything: with more columns than rows X is replaced by the L of XXᵀ = L Lᵀ (n n).

    Attributes:
        design: with features as they are.
        columns: those that some training row has.
        x: features to fit.
        tests: test rows in the same columns.
        turned: L where there were more columns than rows, else None.
    """

    design: Design
    columns: Int[numpy.ndarray, " k"]
    x: Any
    tests: Mapping[str, Tests]
    turned: Float[numpy.ndarray, "n n"] | None

    @property
    def size(self) -> int:
        """Columns that are fitted: the smaller of features that occur and rows."""
        return self.x.shape[1]

    def wide(self, found: Regression) -> Regression:
        """The same minimum with features as they are, for what a rotation would change: a sketch."""
        if self.turned is None:
            return found
        x = self.design.x[:, self.columns]
        inner = scipy.linalg.solve_triangular(self.turned.T, found.coefficients[:-1])
        coefficients = numpy.append(x.T @ inner, found.coefficients[-1])
        return replace(found, table=ArrayTable(x, self.design.y), coefficients=coefficients)


def occupied(design: Design) -> Compact:
    """A design without the columns that no training row has."""
    columns = numpy.flatnonzero(design.x.sum(0))
    x = design.x[:, columns]
    tests = {part: (other[:, columns], y) for part, (other, y) in design.tests.items()}
    if len(columns) <= DENSE:
        tests = {part: (other.toarray(), y) for part, (other, y) in tests.items()}
        x = x.toarray()
    return Compact(design, columns, x, tests, None)


def compact(design: Design) -> Compact:
    """A design in as few columns as say everything to a model with a penalty on squared coefficients."""
    found = occupied(design)
    if found.size <= len(design.y):
        return found
    x = scipy.sparse.csr_array(found.x)
    products = (x @ x.T).toarray()
    products[numpy.diag_indices_from(products)] += JITTER * products.diagonal().mean()
    lower = scipy.linalg.cholesky(products, lower=True)
    tests = found.tests.items()
    turned = {part: (solved(lower, x @ scipy.sparse.csr_array(other).T), y) for part, (other, y) in tests}
    return Compact(design, found.columns, lower, turned, lower)


def solved(lower: Float[numpy.ndarray, "n n"], products: Any) -> Float[numpy.ndarray, "m n"]:
    """Test rows in the columns of L, from their products with training rows."""
    return scipy.linalg.solve_triangular(lower, products.toarray(), lower=True).T
