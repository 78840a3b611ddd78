"""Cases of several factors: in each part of the tests every level meets every other, in one of them all at once."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

EXHAUSTIVE = [pytest.mark.slow, pytest.mark.exhaustive]


def crossed(*factors: Sequence[Any]) -> list[Any]:
    """All combinations of levels; but for a fraction, in which no level is missing, they are exhaustive.

    As in a fractional factorial design: of three factors or more, any two levels of any two still meet.
    """
    fewest, cases = min(map(len, factors)), []
    for places in product(*(range(len(levels)) for levels in factors)):
        chosen = [levels[place] for levels, place in zip(factors, places, strict=True)]
        cases.append(pytest.param(*chosen, marks=EXHAUSTIVE if sum(places) % fewest else []))
    return cases
