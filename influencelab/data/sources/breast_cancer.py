"""Breast tumours (Wisconsin): 569 of them, 30 measurements of cell nuclei, malignant (0) or benign (1)."""

from dataclasses import dataclass

import numpy
from sklearn.datasets import load_breast_cancer

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.source import Source


@dataclass(frozen=True)
class BreastCancer(Source):
    """scikit-learn's own copy, split at random by `seed`; its measurements differ in size, so scale them.

    Attributes:
        held_out: how many of the 569 tumours are for testing; 169 leaves 400 for training. Ids are rows of the copy.
    """

    held_out: int = 169

    def arrays(self) -> Arrays:
        """All tumours, features (n, 30)."""
        x, y = (numpy.asarray(part) for part in load_breast_cancer(return_X_y=True))
        return hold_out(x, y, held_out=self.held_out, seed=self.seed)
