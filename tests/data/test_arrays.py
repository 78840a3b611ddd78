"""A source's choices are what they say, whatever else is chosen, and scaling is by the training part alone."""

import tracemalloc
from dataclasses import dataclass

import jaxtyping
import numpy
import pandas
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.source import Source
from influencelab.errors import InvalidData, InvalidParameter, WrongType


def numbered(n: int = 30, m: int = 12, classes: int = 3) -> Arrays:
    """Points whose first feature is their id, so that a misplaced row shows."""
    train, test = numpy.arange(n), numpy.arange(m)
    return Arrays(
        numpy.stack([train, train % 7 + 0.5], axis=1), train % classes,
        numpy.stack([test, test % 5 - 3.5], axis=1), test % classes,
    )  # fmt: skip


def given_arrays(arrays: Arrays, **choices) -> Source:
    """A source of these arrays."""

    @dataclass(frozen=True)
    class Given(Source):
        def arrays(self) -> Arrays:
            return arrays

    return Given(**choices)


@pytest.fixture
def as_users_run_it(monkeypatch):
    """Without the shape checks of the tests, so that what a user meets is the library's own refusal."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def test_everything_is_kept_by_default():
    data = given_arrays(numbered()).load()
    assert (data.n, data.m, data.classes) == (30, 12, 3)
    assert data.x_train.dtype == torch.float64
    assert data.x_train[:, 0].tolist() == data.train_ids.tolist() == list(range(30))
    assert data.y_test.tolist() == [point % 3 for point in range(12)]


def test_named_test_points_come_first_in_their_order():
    data = given_arrays(numbered(), test_ids=(7, 2), test_size=5).load()
    assert data.test_ids[:2].tolist() == [7, 2]
    assert data.x_test[:, 0].tolist() == data.test_ids.tolist()
    assert data.m == len(set(data.test_ids.tolist())) == 5
    alone = given_arrays(numbered(), test_ids=(7, 2), test_size=2).load()
    assert alone.test_ids.tolist() == [7, 2]
    everything = given_arrays(numbered(), test_ids=(7, 2)).load()
    assert everything.test_ids.tolist() == [7, 2, 0, 1, 3, 4, 5, 6, 8, 9, 10, 11]


def test_test_points_are_named_by_id_not_by_row():
    arrays = numbered()._replace(test_ids=numpy.arange(112, 100, -1), train_ids=numpy.arange(500, 530))
    data = given_arrays(arrays, test_ids=(105,), test_size=3, train_size=4).load()
    assert data.test_ids[0] == 105
    assert data.x_test[0, 0] == 7
    assert (data.x_test[:, 0] + data.test_ids == 112).all()
    assert (data.x_train[:, 0] + 500 == data.train_ids).all()


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 30),
    first=st.lists(st.integers(0, 11), unique=True, max_size=4),
    more=st.integers(0, 8),
)
def test_a_draw_is_part_of_any_larger_one_and_ascends(seed, size, first, more):
    choices = {"seed": seed, "test_ids": tuple(first), "test_size": max(1, len(first)) + more}
    small = given_arrays(numbered(), train_size=size, **choices).load()
    large = given_arrays(numbered(), train_size=min(size + 5, 30), **choices).load()
    ids = small.train_ids.tolist()
    assert len(ids) == size
    assert ids == sorted(set(ids))
    assert set(ids) <= set(large.train_ids.tolist())
    assert small.test_ids.tolist() == large.test_ids.tolist()
    assert small.test_ids[: len(first)].tolist() == first
    others = small.test_ids[len(first) :].tolist()
    assert others == sorted(set(others) - set(first))


def test_draws_depend_on_the_seed_and_on_nothing_global():
    before = numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002 (that it is not used)
    draws = {tuple(given_arrays(numbered(), train_size=8, seed=seed).load().train_ids.tolist()) for seed in range(10)}
    assert len(draws) > 5
    again = given_arrays(numbered(), train_size=8, seed=3).load().train_ids.tolist()
    assert tuple(again) in draws
    assert before == (numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002


def test_training_and_test_points_are_drawn_apart():
    data = given_arrays(numbered(30, 30), train_size=15, test_size=15).load()
    assert data.train_ids.tolist() != data.test_ids.tolist()
    split = hold_out(numpy.zeros((30, 1)), numpy.zeros(30), held_out=15, seed=0)
    assert split.test_ids.tolist() != data.train_ids.tolist()


def test_kept_classes_are_renumbered_in_their_order():
    data = given_arrays(numbered(), labels=(2, 0), train_size=9).load()
    assert data.classes == 2
    assert [2 - 2 * label for label in data.y_train.tolist()] == [point % 3 for point in data.train_ids.tolist()]
    assert set((data.test_ids % 3).tolist()) == {0, 2}


def test_real_targets_make_a_regression():
    arrays = numbered()._replace(y_train=numpy.linspace(0, 1, 30, dtype="f4"), y_test=numpy.zeros(12, dtype="f4"))
    data = given_arrays(arrays).load()
    assert data.classes == 0
    assert data.y_train.dtype == data.y_test.dtype == torch.float64


REFUSED = {
    "a test point twice": ({"test_ids": (3, 3)}, "test_ids names a point twice"),
    "a test point that is not there": ({"test_ids": (3, 12)}, "names point 12, not one of the 12 test points"),
    "a test point counted from the end": ({"test_ids": (-1,)}, "names point -1"),
    "a test point of a class left out": ({"test_ids": (1,), "labels": (0, 2)}, r"8 test points of classes \(0, 2\)"),
    "more test points named than kept": ({"test_ids": (1, 2, 3), "test_size": 2}, "test_size is 2, expected 3 … 12"),
    "more training points than there are": ({"train_size": 31}, "train_size is 31, expected 1 … 30"),
    "a negative size": ({"train_size": -1}, "train_size is -1"),
    "an unknown class": ({"labels": (0, 3)}, r"labels is \(0, 3\).*\[0, 1, 2\]"),
    "a class twice": ({"labels": (0, 0)}, "two different classes"),
    "one class": ({"labels": (0,)}, "at least two"),
    "an unknown scaling": ({"scaling": "max"}, "scaling is 'max', expected one of none, unit, standard"),
    "a negative seed": ({"seed": -1}, "seed is -1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_choice_the_source_cannot_meet_is_refused(case):
    choices, message = REFUSED[case]
    with pytest.raises(InvalidParameter, match=message):
        given_arrays(numbered(), **choices).load()


def test_classes_of_real_targets_are_refused():
    arrays = numbered()._replace(y_train=numpy.zeros(30))
    with pytest.raises(InvalidParameter, match="targets are real numbers"):
        given_arrays(arrays, labels=(0, 1)).load()


UNREADABLE = {
    "fewer labels than points": ({"y_train": numpy.zeros(29, dtype=int)}, "30 train points, 29 labels"),
    "an id twice": ({"test_ids": numpy.zeros(12, dtype=int)}, "one id to several test points"),
    "labels in words": ({"y_train": numpy.array(["spam"] * 30)}, "Number the classes"),
    "no test point": ({"x_test": numpy.zeros((0, 2)), "y_test": numpy.zeros(0, dtype=int)}, "no test points"),
    "a test label that training lacks": ({"y_test": numpy.full(12, 3)}, "test labels go from 3 to 3"),
    "no features": ({"x_train": numpy.zeros((30, 0)), "x_test": numpy.zeros((12, 0))}, "train set is empty"),
}


@pytest.mark.parametrize("case", UNREADABLE)
@pytest.mark.usefixtures("as_users_run_it")
def test_a_source_that_reads_nonsense_is_refused(case):
    parts, message = UNREADABLE[case]
    with pytest.raises(InvalidData, match=message):
        given_arrays(numbered()._replace(**parts)).load()


@pytest.mark.parametrize("scaling", ["none", "unit", "standard"])
def test_one_nan_is_reported_as_one_point_whatever_the_scaling(scaling):
    x = numbered().x_train.copy()
    x[4, 1] = numpy.nan
    with pytest.raises(InvalidData, match=r"train set has 1 points with NaN .* row 4 \(id 4\)"):
        given_arrays(numbered()._replace(x_train=x), scaling=scaling).load()


def test_unit_divides_by_the_largest_training_feature():
    arrays = numbered()
    arrays = arrays._replace(x_train=-arrays.x_train, x_test=arrays.x_test * 10)
    data = given_arrays(arrays, scaling="unit", train_size=10, seed=1).load()
    largest = max(data.train_ids.tolist())
    assert float(data.x_train.min()) == -1.0
    assert torch.allclose(data.x_test * largest, torch.from_numpy(arrays.x_test), rtol=1e-15)
    blank = given_arrays(arrays._replace(x_train=numpy.zeros((30, 2))), scaling="unit").load()
    assert (blank.x_train == 0).all()


def test_standard_agrees_with_scikit_learn_on_training_statistics():
    generator = numpy.random.default_rng(0)
    arrays = numbered()._replace(x_train=generator.normal(5, 3, (30, 2, 4)), x_test=generator.normal(2, 9, (12, 2, 4)))
    data = given_arrays(arrays, scaling="standard", train_size=17).load()
    rows = data.train_ids.numpy()
    truth = StandardScaler().fit(arrays.x_train[rows].reshape(17, 8))
    for found, x in ((data.x_train, arrays.x_train[rows]), (data.x_test, arrays.x_test)):
        expected = truth.transform(x.reshape(len(x), 8)).reshape(x.shape)
        numpy.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_a_constant_feature_becomes_nought_although_its_mean_is_rounded():
    x = numpy.full((30, 2), 0.1)
    x[:, 1] = numpy.arange(30)
    assert x[:, 0].mean() != 0.1
    data = given_arrays(numbered()._replace(x_train=x), scaling="standard").load()
    assert (data.x_train[:, 0] == 0).all()


def test_a_spread_too_small_to_square_does_not_divide_by_nought():
    data = given_arrays(numbered()._replace(x_train=numbered().x_train * 1e-200), scaling="standard").load()
    assert float(data.x_train.abs().max()) < 1e-198


def test_scaling_leaves_the_source_arrays_as_they_were():
    arrays = numbered()
    before = arrays.x_train.copy()
    scaled = given_arrays(arrays, scaling="standard").load()
    assert numpy.array_equal(arrays.x_train, before)
    assert not numpy.array_equal(scaled.x_train.numpy(), before)


@pytest.mark.parametrize("scaling", ["none", "unit", "standard"])
def test_images_are_held_in_float64_less_than_twice(scaling):
    images = numpy.random.default_rng(0).integers(0, 256, (3_000, 28, 28), dtype=numpy.uint8)
    labels = (numpy.arange(3_000) % 10).astype(numpy.uint8)
    source = given_arrays(Arrays(images, labels, images[:5], labels[:5]), scaling=scaling)
    tracemalloc.start()
    data = source.load()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert data.x_train.nbytes < peak < 1.5 * data.x_train.nbytes


def test_hold_out_deals_every_point_once():
    x, y = numpy.arange(50.0).reshape(50, 1), numpy.arange(50) % 2
    split = hold_out(x, y, held_out=20, seed=4)
    assert sorted([*split.train_ids.tolist(), *split.test_ids.tolist()]) == list(range(50))
    assert split.x_test[:, 0].tolist() == split.test_ids.tolist()
    assert split.x_train[:, 0].tolist() == split.train_ids.tolist()
    assert len(split.y_test) == 20
    assert hold_out(x, y, held_out=20, seed=4).test_ids.tolist() == split.test_ids.tolist()
    assert hold_out(x, y, held_out=20, seed=5).test_ids.tolist() != split.test_ids.tolist()


@pytest.mark.parametrize("held_out", [-1, 0, 50])
def test_hold_out_must_leave_something_on_both_sides(held_out):
    with pytest.raises(InvalidParameter, match="expected 1 … 49"):
        hold_out(numpy.zeros((50, 1)), numpy.zeros(50, dtype=int), held_out=held_out, seed=0)


@pytest.mark.usefixtures("as_users_run_it")
@pytest.mark.parametrize("held", [torch.tensor, pandas.DataFrame, list], ids=["torch", "pandas", "lists"])
def test_a_source_may_hold_its_arrays_in_anything_that_a_data_set_takes(held):
    arrays = numbered()
    labels = pandas.Series if held is pandas.DataFrame else held
    other = Arrays(
        held(arrays.x_train), labels(arrays.y_train), held(arrays.x_test), labels(arrays.y_test), train_ids=range(30)
    )
    expected, found = given_arrays(arrays, train_size=7).load(), given_arrays(other, train_size=7).load()
    assert found.content_hash() == expected.content_hash()


@pytest.mark.usefixtures("as_users_run_it")
def test_what_is_no_arrays_of_numbers_is_refused_in_words():
    with pytest.raises(
        WrongType, match=r"What arrays\(\) returned is a tuple, expected an Arrays. Return Arrays\(x_train"
    ):
        given_arrays(tuple(numbered())).load()
    with pytest.raises(WrongType, match="y_train holds texts, expected numbers"):
        given_arrays(numbered()._replace(y_train=["a"] * 30)).load()
