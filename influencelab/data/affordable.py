"""How much memory features may take."""

import math
from collections.abc import Iterable

import psutil

from influencelab.errors import InvalidData

# Of the memory that is free, what features may take: as they are, or once their zeros are written out.
SHARE = 0.25


def available() -> float:
    """Bytes that features may take."""
    return SHARE * psutil.virtual_memory().available


def check_affordable(shape: Iterable[int], *, what: str) -> None:
    """Refuse what is sparse and would take too much memory with its zeros."""
    if (taken := 8 * math.prod(int(each) for each in shape)) > available():
        how, cure = (
            "in float64 with its zeros, as derivatives need it",
            "Take a linear model, which needs none, or give",
        )
        refuse(shape, what=what, taken=taken, how=how, cure=cure)


def refuse(shape: Iterable[int], *, what: str, taken: float, how: str, cure: str = "Give") -> None:
    """The error about memory."""
    sizes, free = [int(each) for each in shape], psutil.virtual_memory().available
    raise InvalidData(
        f"{what} is a sparse matrix of {' × '.join(map(str, sizes))}, which takes {taken / 2**30:,.1f} GB {how}; "
        f"expected at most {SHARE:.0%} of the {free / 2**30:,.1f} GB of memory that are free. {cure} fewer columns, "
        "such as by sklearn.decomposition.TruncatedSVD, or rows."
    )
