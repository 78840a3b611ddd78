"""What a source calls its classes and points is what results show; names that fit nothing are refused."""

from dataclasses import dataclass

import numpy
import pytest

import influencelab as il
from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.errors import InvalidData, WrongType


@dataclass(frozen=True)
class Pets(Source):
    """Three classes of numbers.

    Attributes:
        class_names: of the classes.
    """

    class_names: tuple[str, ...] = ("cat", "dog", "fish")  # pyright: ignore[reportIncompatibleMethodOverride]

    def arrays(self) -> Arrays:
        """Nine training and three test points."""
        y = numpy.arange(9) % 3
        x = numpy.random.default_rng(0).normal(size=(9, 2)) + y[:, None]
        return Arrays(x, y, x[:3], y[:3])

    @property
    def point_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """A letter each."""
        return tuple("abcdefghi"), tuple("xyz")


def test_results_show_the_names_of_classes_and_points():
    data = Pets().load()
    assert data.class_names == ("cat", "dog", "fish")
    assert list(data.shown_ids("train")) == list("abcdefghi")
    assert list(data.shown_labels(data.y_test)) == ["cat", "dog", "fish"]
    fitted = il.fit(il.Logistic(weight_decay=0.1), data, il.Newton())
    top = il.Exact().estimate(fitted).table()
    assert set(top["train_label"]) == {"cat", "dog", "fish"}
    assert set(top["test_id"]) == set("xyz")


def test_chosen_classes_and_points_keep_their_names():
    data = Pets(labels=(2, 0), train_size=4).load()
    assert data.class_names == ("fish", "cat")
    named = dict(zip("abcdefghi", ("cat", "dog", "fish") * 3, strict=True))
    shown = zip(data.shown_ids("train"), data.shown_labels(data.y_train), strict=True)
    assert all(named[point] == label for point, label in shown)


def test_names_that_fit_no_classes_are_refused():
    with pytest.raises(InvalidData, match=r"has 2 class_names, and labels is \(2, 0\)\. Give a name for each"):
        Pets(class_names=("cat", "dog"), labels=(2, 0)).load()
    with pytest.raises(InvalidData, match="2 class_names, expected 3 or none"):
        Pets(class_names=("cat", "dog")).load()
    with pytest.raises(WrongType, match="class_names is the text 'cats', expected a row of names"):
        Pets(class_names="cats").load()  # pyright: ignore[reportArgumentType]
