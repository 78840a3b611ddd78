"""Italian wines: 178 of them, 13 chemical measurements, 3 growers."""

from dataclasses import dataclass

import numpy
from sklearn.datasets import load_wine

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.source import Source


@dataclass(frozen=True)
class Wine(Source):
    """scikit-learn's own copy, split at random by `seed`; its measurements differ in size, so scale them.

    Attributes:
        held_out: how many of the 178 wines are for testing; 58 leaves 120 for training. Ids are rows of the copy.
    """

    held_out: int = 58

    def arrays(self) -> Arrays:
        """All wines, features (n, 13)."""
        x, y = (numpy.asarray(part) for part in load_wine(return_X_y=True))
        return hold_out(x, y, held_out=self.held_out, seed=self.seed)
