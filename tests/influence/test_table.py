"""Results print in a few lines, and their tables hold every pair by its ids, labels and value."""

from dataclasses import replace

import pytest
import torch
from problems import logistic_problem, value_data

import influencelab as il
from influencelab.errors import InvalidParameter

TASK, PLAIN = logistic_problem(n=15, m=4)
NAMES = ("lily", "rose", "aster")
DATA = replace(PLAIN, class_names=NAMES, train_ids=torch.arange(15) * 7, test_ids=torch.arange(4) + 100)


@pytest.fixture(scope="module")
def estimate():
    return il.Exact().estimate(il.fit(TASK, DATA, il.Newton()))


@pytest.fixture(scope="module")
def truth(estimate):
    return il.SecondOrder().retrain(estimate.fit, il.leave_one_out(15, rows=[3, 8, 2]))


def test_a_table_has_every_pair_once_with_its_own_value(estimate):
    table = estimate.table()
    assert len(table) == 15 * 4
    for row in table.itertuples():
        i, j = int(row.train_id) // 7, int(row.test_id) - 100
        assert row.predicted == float(estimate.values[i, j])
        assert row.train_label == NAMES[int(PLAIN.y_train[i])]
        assert row.test_label == NAMES[int(PLAIN.y_test[j])]


@pytest.mark.parametrize("k", [1, 3, 100])
@pytest.mark.parametrize("test", [0, 3])
def test_top_names_what_helps_and_harms_most(estimate, test, k):
    pairs = [(float(value), 7 * place) for place, value in enumerate(estimate.values[:, test])]
    helpful = sorted((pair for pair in pairs if pair[0] > 0), reverse=True)[:k]
    harmful = sorted(pair for pair in pairs if pair[0] < 0)[:k]
    table = estimate.top(test, k=k)
    assert list(zip(table["predicted"], table["train_id"], strict=True)) == [*helpful, *harmful]
    assert table["effect"].tolist() == ["helpful"] * len(helpful) + ["harmful"] * len(harmful)
    assert set(table["unit"]) == {"nats"}
    assert table["train_label"].tolist() == [NAMES[int(PLAIN.y_train[place // 7])] for place in table["train_id"]]


@pytest.mark.parametrize(("test", "k"), [(4, 1), (-1, 1), (0, 0)])
def test_top_of_no_test_point_or_of_none_is_refused(estimate, test, k):
    with pytest.raises(InvalidParameter, match=rf"test is {test} and k {k}; expected a test point 0 … 3 and k ≥ 1"):
        estimate.top(test, k=k)


def test_targets_stand_in_the_table_as_they_are():
    data = value_data(0, n=10, m=2)
    table = il.Exact().estimate(il.fit(il.Ridge(0.1), data, il.Newton())).top(1, k=2)
    assert table["train_label"].tolist() == data.y_train[table["train_id"].tolist()].tolist()


def test_a_comparison_names_the_classes_of_its_pairs(estimate, truth):
    table = il.compare(estimate, truth).table()
    expected = estimate.table().set_index(["train_id", "test_id"])
    for row in table.itertuples():
        assert row.train_label == expected.loc[(row.train_id, row.test_id), "train_label"]
        assert row.test_label == expected.loc[(row.train_id, row.test_id), "test_label"]
        assert row.predicted == pytest.approx(expected.loc[(row.train_id, row.test_id), "predicted"])


def test_groups_have_no_class_to_name(estimate):
    truth = il.SecondOrder().retrain(estimate.fit, il.groups(15, members=[[1, 2], [3]]))
    assert set(il.compare(estimate, truth).table()["train_label"]) == {-1}


def test_every_result_prints_in_three_lines_at_most_and_shows_a_table(estimate, truth):
    sensitivity, comparison = estimate.sensitivity, il.compare(estimate, truth)
    others = [il.Replacement.relabel(DATA, [1, 2], torch.tensor([0, 1])), il.PenaltyChange((0.1,))]
    for result in (DATA, estimate.fit, sensitivity, estimate, truth, truth.perturbation, comparison, *others):
        text = repr(result)
        assert text.startswith(f"{type(result).__name__}(")
        assert text.count("\n") < 3
        assert len(text) <= 360
        assert result._repr_html_().startswith("<table>")
    assert "15 training × 4 test points" in repr(estimate)
    assert "NOT converged" in repr(il.fit(TASK, DATA, il.Newton(max_steps=0)))
