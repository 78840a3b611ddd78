"""Patients with a few children among them, and the training set in which children seem to come back."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy
import torch
from jaxtyping import Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.sources import diabetes130, rare_group
from influencelab.data.sources.diabetes130 import Diabetes130
from influencelab.data.sources.rare_group import RareGroup
from influencelab.errors import InvalidData, MissingData
from influencelab.influence.table import array
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.newton import Newton

PUBLISHED, GENERATED = "diabetes130", "generated"
# The test child that the paper asks about, in the order of its test set.
WATCHED = 1742
CLASSES = ("not readmitted", "readmitted")


@dataclass(frozen=True, eq=False)
class Cohort:
    """Patients of whom a few are children (of generated ones, members of the rare group).

    Attributes:
        name: `diabetes130` or `generated`.
        data: all training and all test points, with names of features.
        child: the column that marks children.
        watched: id of the test child whose loss is asked about.
    """

    name: str
    data: Dataset
    child: int
    watched: int

    @property
    def tests(self) -> Dataset:
        """The same with the test children alone, the watched one first."""
        rows = self.data.x_test[:, self.child].nonzero()[:, 0]
        first = self.data.test_ids[rows] == self.watched
        if not first.any():
            raise InvalidData(f"Test point {self.watched} of {self.name} is no child; name one of {len(rows)}.")
        rows = torch.cat([rows[first], rows[~first]])
        data = self.data
        return replace(data, x_test=data.x_test[rows], y_test=data.y_test[rows], test_ids=data.test_ids[rows])

    def children(self, data: Dataset, *, label: int | None = None) -> Int[Tensor, " t"]:
        """Training rows of children, of one class where it is given."""
        found = data.x_train[:, self.child] == 1
        return (found if label is None else found & (data.y_train == label)).nonzero()[:, 0]

    @property
    def left_out(self) -> Int[Tensor, " t"]:
        """The training rows that the mismatch lacks: children not readmitted, all but the last, as published."""
        return self.children(self.data, label=0)[:-1]

    @property
    def mismatched(self) -> Dataset:
        """The test children, and a training set in which most children are readmitted."""
        return without(self.tests, self.left_out.tolist())


def cohort(name: str, *, points: int, seed: int, optional: bool = False) -> Cohort:
    """The published patients, or so many generated ones.

    Raises:
        MissingData: the published ones cannot be had; where they are optional that is a warning, and others are
            generated.
    """
    if name == PUBLISHED:
        try:
            source = Diabetes130()
            named = replace(source.load(), feature_names=source.feature_names, class_names=CLASSES)
        except MissingData as error:
            if not optional:
                raise
            warnings.warn(f"The published patients are left out, and others generated: {error}", stacklevel=2)
        else:
            return Cohort(name, named, named.feature_names.index(diabetes130.CHILD), WATCHED)
    source = RareGroup(points=points, tested=points // 2, seed=seed)
    named = replace(source.load(), feature_names=source.feature_names, class_names=CLASSES)
    child = named.feature_names.index(rare_group.MEMBER)
    watched = int(named.test_ids[named.x_test[:, child] == 1][0])
    return Cohort(GENERATED, named, child, watched)


def without(data: Dataset, rows: Sequence[int]) -> Dataset:
    """The same without these training rows."""
    kept = torch.tensor(numpy.delete(numpy.arange(data.n), list(rows)))
    return replace(data, x_train=data.x_train[kept], y_train=data.y_train[kept], train_ids=data.train_ids[kept])


def fitted(data: Dataset, *, weight_decay: float) -> Fit:
    """Logistic regression without an intercept, at its minimum."""
    return fit(BinaryLogistic(weight_decay=weight_decay, intercept=False), data, Newton())


def accuracy(model: Fit, data: Dataset, part: str) -> float:
    """The share of a data set's `train` or `test` points whose class the model predicts."""
    x, y = getattr(data, f"x_{part}"), getattr(data, f"y_{part}")
    return float((array(model.predicted(x)) == array(y)).mean())
