"""Sources made of another: smaller pictures, standard targets; and the patients that targets are tried on."""

import numpy
import pytest
import torch
from sklearn.datasets import load_diabetes

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter


def test_each_pixel_is_the_mean_of_its_square_and_choices_stay():
    inner = il.Digits(scaling="unit", train_size=90, test_size=3, seed=4)
    plain, data = inner.load(), il.Pooled(inner=inner, side=4).load()
    assert data.x_train.shape == (90, 2, 2)
    for found, whole in ((data.x_train, plain.x_train), (data.x_test, plain.x_test)):
        for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
            square = whole[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            assert torch.allclose(found[:, row, column], square.flatten(1).mean(1), rtol=1e-14)
    for name in ("train_ids", "test_ids", "y_train", "y_test"):
        assert torch.equal(getattr(data, name), getattr(plain, name))


def test_pictures_that_cannot_be_pooled_so_are_refused():
    for settings in ({"side": 3}, {"inner": il.Iris()}):
        with pytest.raises(InvalidData, match=r"expected \(height, width\) in multiples"):
            il.Pooled(**settings).load()
    with pytest.raises(InvalidParameter, match="side is 0"):
        il.Pooled(side=0).load()


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
