"""`NuSVC`: the `SVC` that it is, with the C that nu came to; a refit would come to another."""

from dataclasses import replace
from typing import Any

import numpy

from influencelab.adapters.readers import svc
from influencelab.adapters.reading import CAUSES, Reading
from influencelab.data.dataset import Dataset


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    return svc.refusal(estimator)


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """C is the largest coefficient of a point of weight 1: that of every point with a margin below 1."""
    shares = numpy.abs(svc.duals(estimator)) / weights[estimator.support_]
    c = shares.max(1)
    held = f"{c[0]:.4g}" if len(c) == 1 else f"{c.min():.4g} … {c.max():.4g} of each pair, by which its losses count"
    # Its solver's rule is one for outputs before they are multiplied by what C came to.
    off = svc.OFF * float(c.max())
    found = svc.reading(estimator, c, data, weights, held=(f"the C that nu came to, {held}",), off=off)
    if off * float(estimator.tol) <= svc.COARSE:
        return found
    # So that outputs are within a tenth of what the solver may leave there.
    tol = f"{svc.COARSE / off / 10:.0e}"
    causes = (
        f"(c) not to the end: nu came to a C of {held}, by which tol counts. Fit again with a tol of {tol}; where C "
        "grows as tol falls, no margin meets nu: take a smaller one"
    )
    return replace(found, causes=CAUSES.partition("or (c)")[0] + "or " + causes)
