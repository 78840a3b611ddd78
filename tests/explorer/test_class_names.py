"""Classes that have names are shown by these, under the numbers that the data set gives them."""

import pandas
import pytest
import torch

import influencelab as il
from influencelab.explorer.data import from_bytes
from influencelab.explorer.from_table import from_comparison, from_table

NAMES = ("tench", "springer")


@pytest.fixture
def data() -> il.Dataset:
    """Two features of fish and dogs."""
    x = torch.randn(10, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return il.Dataset(x[:6], [0, 1] * 3, x[6:], [0, 1, 0, 1], class_names=NAMES)


def again(found):
    """The points, from the bytes of their file."""
    (points,) = from_bytes(found.to_file(title="a study", largest=10**6)).points.values()
    return points


PAIRS = pandas.DataFrame(
    {"train_id": [1, 2, 5], "test_id": [0, 1, 3], "predicted": [0.1, 0.2, 0.3], "actual": [0.1, 0.2, 0.3]}
)


@pytest.mark.parametrize(
    "labels", [(["springer", "tench", "springer"], ["tench", "springer", "springer"]), ([1, 0, 1], [0, 1, 1])]
)
def test_names_and_numbers_are_those_of_the_data_set(data, labels):
    table = PAIRS.assign(train_label=labels[0], test_label=labels[1])
    points = again(from_table(table, data=data))
    assert (points.class_names, points.classes) == (NAMES, 2)
    assert points.train_labels.tolist() == [1, 0, 1]
    assert points.test_labels.tolist() == [0, 1, 1]


def test_without_a_data_set_names_go_by_the_alphabet_and_numbers_have_none():
    named = PAIRS.assign(train_label=["tench", "springer", "tench"], test_label="tench")
    points = again(from_table(named))
    assert points.class_names == ("springer", "tench")
    assert points.train_labels.tolist() == [1, 0, 1]
    assert again(from_table(PAIRS.assign(train_label=[1, 0, 1], test_label=1))).class_names == ()
    assert again(from_table(PAIRS)).class_names == ()


def test_a_comparison_brings_its_names(data):
    fitted = il.fit(il.BinaryLogistic(weight_decay=0.1), data, il.Newton())
    truth = il.SecondOrder().retrain(fitted, il.leave_one_out(6))
    comparison = il.compare(il.Exact().estimate(fitted), truth)
    for held in (data, None):
        points = again(from_comparison(comparison, held))
        assert points.class_names == NAMES
        assert points.train_labels.tolist() == [0, 1] * 3
