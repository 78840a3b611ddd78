"""Recipes for data sets: where they come from, and which part of them is used."""

from abc import abstractmethod
from dataclasses import dataclass

import torch

from influencelab.data.arrays import SCALINGS, Arrays, choose, numbering, parts, scale
from influencelab.data.dataset import Dataset, check_features
from influencelab.data.names import names_in
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.recipe import Recipe, default, fingerprint, kind_name


@dataclass(frozen=True)
class Source(Recipe):
    """A recipe for a data set: where it comes from and which part of it is used, in which order of choices.

    Attributes:
        scaling: `none`, `unit` (divide by the largest absolute value a training feature takes, so pixels run from
            0 to 1) or `standard` (zero mean, unit variance, by training statistics; a feature that is constant in
            training becomes 0 there).
        labels: keep only these classes, renumbered 0, 1, … in this order; empty means all.
        train_size: keep this many training points drawn at random; 0 means all. With one seed, a smaller draw is
            part of a larger one.
        test_size: keep this many test points, drawn in the same way; 0 means all.
        test_ids: test points that are always kept, first and in this order (counted within test_size).
        seed: of the random draws and of a random split.
    """

    scaling: str = "none"
    labels: tuple[int, ...] = ()
    train_size: int = 0
    test_size: int = 0
    test_ids: tuple[int, ...] = ()
    seed: int = 0

    @abstractmethod
    def arrays(self) -> Arrays:
        """Everything there is, before any choice."""

    @property
    @default
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes 0, 1, … before any choice; empty where they have none."""
        return ()

    @property
    def chosen_names(self) -> tuple[str, ...]:
        """Names of the classes that `labels` keeps.

        Raises:
            WrongType: `class_names` is no row of names.
            InvalidData: some of these classes have none.
        """
        names = names_in(self.class_names, what="class_names")
        if not names or not self.labels:
            return names
        if max(self.labels) >= len(names):
            raise InvalidData(
                f"{kind_name(self)} has {len(names)} class_names, and labels is {self.labels}. Give a name for each of "
                "the classes 0, 1, …, or none."
            )
        return tuple(names[label] for label in self.labels)

    @property
    @default
    def point_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the ids 0, 1, … of training and of test points; empty where they have none."""
        return (), ()

    @default
    def content_version(self) -> str:
        """What the data depend on besides the settings and the code, such as a hash of a user's files; '' if nothing.

        Results are stored under it too, so it must be found without much work. Of a source of the user's own the data
        themselves count.
        """
        return ""

    def load(self) -> Dataset:
        """Read, choose and scale; features in float64.

        Raises:
            InvalidParameter: a choice that the source cannot meet.
            InvalidData: what was read cannot be studied.
            MissingData: a file could not be had.
        """
        # Before any file is read.
        if self.scaling not in SCALINGS:
            raise InvalidParameter(f"scaling is '{self.scaling}', expected one of {', '.join(SCALINGS)}.")
        if self.seed < 0:
            raise InvalidParameter(f"seed is {self.seed}, expected a whole number ≥ 0.")
        name = f"{kind_name(self)}-{fingerprint(self)[:8]}"
        train, test = parts(self.arrays())
        classes, renumber = numbering(train.y, self.labels)
        train = choose(train, seed=self.seed, size=self.train_size, labels=self.labels)
        test = choose(test, seed=self.seed, size=self.test_size, labels=self.labels, first=self.test_ids)
        for part in (train, test):
            # Before scaling, which would spread one NaN over every point.
            check_features(f"{name}: the {part.name} set", torch.from_numpy(part.x), part.ids)
        scale(train.x, test.x, scaling=self.scaling)
        train_names, test_names = self.point_names
        return Dataset(
            x_train=torch.from_numpy(train.x),
            y_train=torch.from_numpy(renumber(train.y)),
            x_test=torch.from_numpy(test.x),
            y_test=torch.from_numpy(renumber(test.y)),
            train_ids=torch.from_numpy(train.ids),
            test_ids=torch.from_numpy(test.ids),
            classes=classes,
            name=name,
            class_names=self.chosen_names,
            train_names=train_names,
            test_names=test_names,
        )
