"""Rows that people call by texts or dates are shown by these wherever results name a point."""

from dataclasses import replace

import numpy
import pandas
import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.explorer.data import from_bytes
from influencelab.explorer.retrain_on_demand import RetrainedPair

NAMES = ["anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hugo", "ines", "jana", "karl", "lena"]
X = numpy.random.default_rng(0).normal(size=(12, 3))
FRAME = pandas.DataFrame(X, columns=["age", "height", "mass"], index=NAMES)
LABELS = pandas.Series(numpy.where(numpy.arange(12) % 3, "sick", "well"), index=NAMES)


@pytest.fixture(scope="module")
def data():
    return il.Dataset(FRAME, LABELS, FRAME[8:], LABELS[8:])


@pytest.fixture(scope="module")
def estimate(data):
    return il.Exact().estimate(il.fit(il.BinaryLogistic(0.1), data, il.Newton()))


@pytest.fixture(scope="module")
def comparison(estimate):
    return il.compare(estimate, il.SecondOrder().retrain(estimate.fit, il.leave_one_out(12, rows=[1, 2, 5])))


INDEXES = {
    "texts": (NAMES, NAMES),
    "days": (pandas.date_range("2020-01-30", periods=12), [f"2020-01-{30 + day}" for day in range(2)]),
    "hours": (pandas.date_range("2020-01-30", periods=12, freq="h"), ["2020-01-30 00:00:00", "2020-01-30 01:00:00"]),
    "months": (pandas.period_range("2020-01", periods=12, freq="M"), ["2020-01", "2020-02"]),
    "categories": (pandas.CategoricalIndex(NAMES), NAMES[:2]),
    "two levels": (pandas.MultiIndex.from_product([["a", "b"], range(6)]), ["a, 0", "a, 1"]),
    "a column of texts": (pandas.Series(NAMES, index=range(5, 17)), NAMES),
}


@pytest.mark.parametrize("held", INDEXES)
def test_names_come_from_an_index_or_as_ids(held):
    index, expected = INDEXES[held]
    table = pandas.DataFrame(X, index=index)
    for found in (il.Dataset(table, X[:, 0], X, X[:, 0]), il.Dataset(X, X[:, 0], X, X[:, 0], train_ids=index)):
        assert found.shown_ids("train")[: len(expected)].tolist() == expected
        assert found.train_ids.tolist() == found.shown_ids("test").tolist() == list(range(12))


def test_whole_numbers_of_an_index_stay_the_ids():
    found = il.Dataset(FRAME.set_axis(range(100, 112)), LABELS.to_numpy(), FRAME[:2], LABELS[:2])
    assert found.shown_ids("train").tolist() == found.train_ids.tolist() == list(range(100, 112))
    assert found.train_names == ()


def test_names_stay_with_their_points_in_every_subset(data):
    rows = torch.tensor([7, 0])
    part = replace(data, x_train=data.x_train[rows], y_train=data.y_train[rows], train_ids=data.train_ids[rows])
    assert part.shown_ids("train").tolist() == ["hugo", "anna"]
    assert data.to("cpu").shown_ids("test").tolist() == NAMES[8:]
    assert data.content_hash() == replace(data, train_names=(), test_names=()).content_hash()


def test_tables_show_names_of_rows_classes_and_columns(data, estimate, comparison):
    values = estimate.values.numpy()
    pairs = estimate.table()
    shown = pairs.pivot(index="train_id", columns="test_id", values="predicted")
    assert shown.to_numpy() == pytest.approx(values)
    assert (shown.index.tolist(), shown.columns.tolist()) == (NAMES, NAMES[8:])
    top = estimate.top(1, k=1)
    assert top["train_id"].tolist() == [NAMES[values[:, 1].argmax()], NAMES[values[:, 1].argmin()]]
    assert set(comparison.table()["train_id"]) == {"bert", "cleo", "fred"}
    assert comparison.without_empty_tests().table().equals(comparison.table())
    assert "(anna, bert, cleo, dora, emil, …)" in repr(data)
    assert "3 (age, height, mass)" in repr(data)
    worst = NAMES[int(estimate.leverage.argmax())]
    assert f"(id {worst})" in repr(estimate)


def test_groups_keep_their_numbers(estimate):
    truth = il.SecondOrder().retrain(estimate.fit, il.groups(12, members=[[1, 2], [3, 4]]))
    assert set(il.compare(estimate, truth).table()["train_id"]) == {0, 1}


def test_errors_name_the_row_of_the_person():
    broken = FRAME.copy()
    broken.loc["dora", "age"] = numpy.nan
    with pytest.raises(InvalidData, match=r"row 3 \(id dora\)"):
        il.Dataset(broken, LABELS, FRAME, LABELS)


@pytest.mark.parametrize("given", ["comparison", "table"])
@pytest.mark.parametrize("known", [True, False])
def test_the_explorer_shows_names_and_retrains_by_ids(data, comparison, given, known):
    asked = []

    def retrain(settings, train_ids, test_id):  # noqa: ARG001 - what an explorer calls it with
        asked.append((train_ids, test_id))
        return RetrainedPair(0.1, 1e-9, converged=True, seconds=0.1)

    source = comparison if given == "comparison" else comparison.table()
    explorer = il.Explorer(source, data=data if known else None, retrain=retrain)
    pairs = explorer.table()
    both = pairs.merge(comparison.table(), on=["test_id", "train_id"], validate="one_to_one")
    assert len(both) == len(pairs) == 12
    assert both["predicted_x"].to_numpy() == pytest.approx(both["predicted_y"].to_numpy(), rel=1e-6)
    points = next(iter(from_bytes(explorer.view.data.to_bytes()).points.values()))
    assert points.called("train").tolist() == ["bert", "cleo", "fred"]
    assert points.features == (("age", "height", "mass") if known else ())
    row = pairs[(pairs["train_id"] == "fred") & (pairs["test_id"] == "jana")]["row"]
    explorer.retrain(row)
    if known or given == "comparison":
        assert asked == [((5,), 1)]


def test_a_table_that_names_no_point_of_the_data_is_refused(data, comparison):
    with pytest.raises(InvalidParameter, match="Point zoe is not among"):
        il.Explorer(comparison.table().replace({"train_id": {"fred": "zoe"}}), data=data)


def test_points_without_names_are_stored_as_ever(comparison):
    plain = replace(comparison, train_names=(), test_names=())
    assert b"train_names" not in il.Explorer(plain).view.data.to_bytes()


def test_labels_may_be_changed_by_the_names_of_classes(data):
    named, numbered = (il.Replacement.relabel(data, [1, 2], labels) for labels in (["well", "sick"], [1, 0]))
    assert named.y.equal(numbered.y)
    with pytest.raises(InvalidData, match="A label is 'dead', and the classes are sick, well"):
        il.Replacement.relabel(data, [1], ["dead"])
