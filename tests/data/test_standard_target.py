"""Targets in standard deviations, and the patients they are tried on."""

import numpy
import pytest
import torch
from sklearn.datasets import load_diabetes

import influencelab as il
from influencelab.errors import InvalidData


def test_targets_are_in_standard_deviations_of_the_training_targets_alone():
    inner = il.Diabetes(train_size=50, test_size=9, seed=2)
    plain, data = inner.load(), il.StandardTarget(inner=inner).load()
    y = plain.y_train.numpy()
    assert data.classes == 0
    assert data.y_train.numpy() == pytest.approx((y - y.mean()) / y.std(), rel=1e-12)
    assert data.y_test.numpy() == pytest.approx((plain.y_test.numpy() - y.mean()) / y.std(), rel=1e-12)
    assert torch.equal(data.x_train, plain.x_train)
    assert torch.equal(data.test_ids, plain.test_ids)


def test_classes_and_targets_without_spread_are_refused():
    with pytest.raises(InvalidData, match="3 classes, expected real targets"):
        il.StandardTarget(inner=il.Iris()).load()
    with pytest.raises(InvalidData, match="no spread"):
        il.StandardTarget(inner=il.Diabetes(train_size=1)).load()


def test_patients_are_those_of_scikit_learn_in_their_own_units():
    x, y = load_diabetes(return_X_y=True, scaled=False)
    data = il.Diabetes().load()
    assert (data.n, data.m) == (300, 142)
    ids = numpy.concatenate([data.train_ids, data.test_ids])
    assert sorted(ids) == list(range(442))
    assert data.x_train.numpy() == pytest.approx(x[data.train_ids])
    assert data.y_test.numpy() == pytest.approx(y[data.test_ids])
