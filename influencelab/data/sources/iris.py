"""Fisher's iris flowers: 150 flowers, 4 lengths in cm, 3 species."""

from dataclasses import dataclass

import numpy
from sklearn.datasets import load_iris

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter


@dataclass(frozen=True)
class Iris(Source):
    """scikit-learn's own copy, split at random by `seed`; small enough to retrain without every flower in turn.

    Attributes:
        held_out: how many of the 150 flowers are for testing; 20 leaves 130 for training. Ids are rows of the copy.
        flowers: exactly these rows are for testing instead, as studies did that watched one flower, such as row 83.
    """

    held_out: int = 20
    flowers: tuple[int, ...] = ()

    def arrays(self) -> Arrays:
        """All flowers, features (n, 4)."""
        x, y = (numpy.asarray(part) for part in load_iris(return_X_y=True))
        if not self.flowers:
            return hold_out(x, y, held_out=self.held_out, seed=self.seed)
        if not set(self.flowers) <= set(range(len(x))) or len(set(self.flowers)) == len(x):
            raise InvalidParameter(f"flowers is {self.flowers}, expected some of the rows 0 … {len(x) - 1}, not all.")
        test, train = numpy.array(self.flowers), numpy.setdiff1d(numpy.arange(len(x)), self.flowers)
        return Arrays(x[train], y[train], x[test], y[test], train_ids=train, test_ids=test)
