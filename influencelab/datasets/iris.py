"""Fisher's iris flowers: 150 flowers, 4 lengths in cm, 3 species."""

from dataclasses import dataclass

import numpy
from sklearn.datasets import load_iris

from influencelab.arrays import hold_out
from influencelab.dataset import Arrays, Source


@dataclass(frozen=True)
class Iris(Source):
    """scikit-learn's own copy, split at random by `seed`; small enough to retrain without every flower in turn.

    Attributes:
        held_out: how many of the 150 flowers are for testing; 20 leaves 130 for training. Ids are rows of the copy.
    """

    held_out: int = 20

    def arrays(self) -> Arrays:
        """All flowers, features (n, 4)."""
        x, y = load_iris(return_X_y=True)
        return hold_out(numpy.asarray(x), numpy.asarray(y), held_out=self.held_out, seed=self.seed)
