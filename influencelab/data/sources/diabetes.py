"""Progression of diabetes in 442 patients, by 10 measurements: a regression."""

from dataclasses import dataclass

import numpy
from sklearn.datasets import load_diabetes

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.source import Source


@dataclass(frozen=True)
class Diabetes(Source):
    """scikit-learn's own copy of the data of Efron et al. (2004), in their own units, split at random by `seed`.

    The target is a measure of progression after one year, from 25 to 346. The measurements differ in unit, so scale
    them.

    Attributes:
        held_out: how many of the 442 patients are for testing. Ids are rows of the copy.
    """

    held_out: int = 142

    def arrays(self) -> Arrays:
        """All patients, features (n, 10)."""
        x, y = (numpy.asarray(part) for part in load_diabetes(return_X_y=True, scaled=False))
        return hold_out(x, y, held_out=self.held_out, seed=self.seed)
