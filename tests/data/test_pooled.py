"""Pictures made smaller: means of squares, of the same points under the same ids."""

import numpy
import pytest

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter


def test_each_pixel_is_the_mean_of_its_square():
    whole, small = il.Digits(seed=3).load(), il.Pooled(inner=il.Digits(), side=4, seed=3).load()
    assert small.x_train.shape == (1500, 2, 2)
    assert small.train_ids.tolist() == whole.train_ids.tolist()
    assert small.y_test.tolist() == whole.y_test.tolist()
    for row, column in ((0, 0), (1, 0), (0, 1)):
        square = whole.x_test[:, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].numpy()
        numpy.testing.assert_allclose(small.x_test[:, row, column], square.mean((1, 2)), rtol=1e-12)


def test_points_are_chosen_and_scaled_here():
    data = il.Pooled(scaling="unit", train_size=20, test_size=5, labels=(3, 7)).load()
    assert (data.n, data.m, data.classes, float(data.x_train.max())) == (20, 5, 2, 1.0)


def test_what_does_not_divide_or_is_no_picture_is_refused():
    with pytest.raises(InvalidData, match="multiples of side=3"):
        il.Pooled(inner=il.Digits(), side=3).load()
    with pytest.raises(InvalidData, match="expected pictures"):
        il.Pooled(inner=il.Iris(), side=1).load()
    with pytest.raises(InvalidParameter, match="side is 0"):
        il.Pooled(side=0)
