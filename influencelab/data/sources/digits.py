"""Handwritten digits of 8 × 8 pixels: 1,797 images, 10 classes."""

from dataclasses import dataclass

import numpy
from sklearn.datasets import load_digits

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.source import Source


@dataclass(frozen=True)
class Digits(Source):
    """scikit-learn's own copy, with pixels from 0 to 16, split at random by `seed`.

    Attributes:
        held_out: how many of the 1,797 images are for testing; 297 leaves 1,500 for training. Ids are rows of the copy.
    """

    held_out: int = 297

    def arrays(self) -> Arrays:
        """All images, features (n, 8, 8)."""
        x, y = load_digits(return_X_y=True)
        return hold_out(numpy.reshape(x, (-1, 8, 8)), numpy.asarray(y), held_out=self.held_out, seed=self.seed)
