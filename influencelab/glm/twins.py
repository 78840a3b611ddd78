"""Columns that repeat another or are 0, found where no matrix of p × p is formed that would show them."""

from typing import Any

import numpy

from influencelab.errors import InvalidData
from influencelab.glm.objective import Objective, P
from influencelab.glm.passes import summed
from influencelab.glm.projection import hashed, uniform
from influencelab.glm.rows import Rows

# Sums over rows in random weights that two columns are compared by, and how near ratios of these count as equal: of
# 100,000 columns two different ones are so near with a probability below 1e-7.
SUMS, EQUAL = 3, 1e-9


def check_columns(objective: Objective, diagonal: P) -> None:
    """Refuse columns that are 0 wherever a row counts, where nothing is penalised.

    Raises:
        InvalidData: one of them.
    """
    if (flat := ~(diagonal > 0)).any():
        raise InvalidData(
            f"{objective.name(int(flat.argmax()))} is 0 in every row that counts. Drop it, or add weight_decay."
        )


def check_twins(objective: Objective) -> None:
    """Refuse a column that is another times a number, as a constant is beside the intercept, from one pass.

    Raises:
        InvalidData: both are named.
    """

    def of(given: Rows) -> tuple[Any, ...]:
        places = given.first + numpy.arange(len(given))
        drawn = uniform(hashed(0, places[:, None], numpy.arange(SUMS)[None]))
        drawn[given.weights == 0] = 0
        return (objective.joined(numpy.asarray(given.x.T @ drawn, dtype=float), drawn.sum(0)[None]),)

    sums = numpy.asarray(summed(objective.mapped(of))[0])
    ratios = sums[:, 1:] / numpy.where(sums[:, :1] == 0, numpy.nan, sums[:, :1])
    order = numpy.lexsort(ratios.T[::-1])
    apart = abs(numpy.diff(ratios[order], axis=0)) <= EQUAL * (1 + abs(ratios[order[1:]]))
    if (same := apart.all(1)).any():
        one, other = sorted(order[int(same.argmax()) :][:2].tolist())
        raise InvalidData(
            f"{objective.name(other)} is {objective.name(one)} times a number. Drop it, or add weight_decay."
        )
