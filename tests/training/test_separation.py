"""Models that have a minimum at a glance: never one that the whole search finds to have none."""

import pytest
import torch

import influencelab as il
from influencelab.training.separation import held_by_classes, unbounded

X = torch.randn(12, 3, generator=torch.Generator().manual_seed(0)).double()
LABELS = torch.arange(12) % 3


def weights() -> torch.Tensor:
    """All points; one less; none of class 0; class 0 alone; none at all."""
    found = torch.full((5, 12), 1 / 12, dtype=torch.float64)
    found[1, 4] = 0
    found[2, LABELS == 0] = 0
    found[3, LABELS != 0] = 0
    found[4] = 0
    return found


@pytest.mark.parametrize("task", [il.Logistic(weight_decay=0.1), il.BinaryLogistic(weight_decay=0.1)])
def test_where_intercepts_alone_are_free_every_class_needs_a_point(task):
    classes = 3 if isinstance(task, il.Logistic) else 2
    data = il.Dataset(X, LABELS.clamp(max=classes - 1), X, LABELS.clamp(max=classes - 1))
    given = weights()
    held = held_by_classes(task, data, given)
    assert held.tolist() == [True, True, False, False, False]
    assert [not unbounded(task, data, each) for each in given] == held.tolist()


@pytest.mark.parametrize(
    "task", [il.Logistic(weight_decay=0.0), il.Logistic(weight_decay=0.1, penalise_intercept=True)]
)
def test_without_weight_decay_it_takes_the_whole_search(task):
    data = il.Dataset(X, LABELS, X, LABELS)
    held = held_by_classes(task, data, weights())
    assert all(not unbounded(task, data, each) for each in weights()[held])
    assert not held.any() or task.weight_decay


def test_real_targets_have_no_classes():
    data = il.Dataset(X, X[:, 0], X, X[:, 0])
    assert not held_by_classes(il.Ridge(weight_decay=0.1), data, weights()).any()
