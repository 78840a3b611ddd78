"""A data set is checked when it is made, and its hash is of its content."""

import hashlib
import tracemalloc
from dataclasses import FrozenInstanceError, replace

import jaxtyping
import pytest
import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData

NAN, INFINITY = float("nan"), float("inf")


def four_points(**changes) -> Dataset:
    """Four training and two test points of two features and two classes."""
    parts = {
        "x_train": torch.tensor([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]], dtype=torch.float64),
        "y_train": torch.tensor([0, 1, 0, 1]),
        "x_test": torch.tensor([[1.0, 1.0], [2.0, 2.0]], dtype=torch.float64),
        "y_test": torch.tensor([1, 0]),
        "train_ids": torch.tensor([10, 11, 12, 13]),
        "test_ids": torch.tensor([20, 21]),
        "classes": 2,
    }
    return Dataset(**(parts | changes))


def spoiled(name: str, value: float) -> torch.Tensor:
    """The tensor `name` of `four_points` with `value` in one place of its second row."""
    tensor = getattr(four_points(), name).clone()
    tensor[(1, *(0 for _ in tensor.shape[1:]))] = value
    return tensor


@pytest.fixture
def as_users_run_it(monkeypatch):
    """Without the shape checks of the tests, so that what a user meets is the library's own refusal."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


BAD = {
    "NaN in training": ({"x_train": spoiled("x_train", NAN)}, r"train set has 1 points with NaN.*row 1 \(id 11\)"),
    "infinity in test": ({"x_test": spoiled("x_test", -INFINITY)}, r"test set has 1 points with NaN.*row 1 \(id 21\)"),
    "label too large": ({"y_train": spoiled("y_train", 2)}, "train labels go from 0 to 2, expected 0 … 1"),
    "label negative": ({"y_test": spoiled("y_test", -1)}, "test labels go from -1 to 1"),
    "labels real": (
        {"y_train": torch.tensor([0.0, 1.0, 0.0, 1.0])},
        "train labels are torch.float32, real numbers.*Give integers",
    ),
    "one class": ({"classes": 1}, "classes is 1"),
    "too few ids": ({"train_ids": torch.arange(3)}, r"train features are \(4, 2\), labels \(4,\) and ids \(3,\)"),
    "too few labels": ({"y_test": torch.tensor([0])}, r"test features are \(2, 2\), labels \(1,\)"),
    "labels in a column": ({"y_train": torch.tensor([[0], [1], [0], [1]])}, r"labels \(4, 1\).*flat row"),
    "no features": ({"x_train": torch.zeros(4, 0)}, "train set is empty"),
    "other features in test": ({"x_test": torch.zeros(2, 3, dtype=torch.float64)}, r"\(2,\).*\(3,\)"),
    "other dtype in test": ({"x_test": torch.zeros(2, 2)}, "float64.*float32"),
    "NaN target": ({"y_train": torch.tensor([0.0, NAN, 0.0, 1.0]), "classes": 0}, "train targets are NaN"),
    "empty test set": (
        {"x_test": torch.zeros(0, 2), "y_test": torch.zeros(0).long(), "test_ids": torch.arange(0)},
        "test set is empty",
    ),
}


def test_good_data_are_taken_and_counted():
    data = four_points()
    assert (data.n, data.m) == (4, 2)
    assert four_points(classes=0).classes == 0
    with pytest.raises(FrozenInstanceError):
        data.classes = 3


@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("as_users_run_it")
def test_what_cannot_be_studied_is_refused_by_name(case):
    changes, message = BAD[case]
    with pytest.raises(InvalidData, match=message):
        four_points(**changes)


CHANGES = {
    "x_train": spoiled("x_train", 9.0),
    "y_train": torch.tensor([1, 1, 0, 1]),
    "x_test": spoiled("x_test", 9.0),
    "y_test": torch.tensor([1, 1]),
    "train_ids": torch.tensor([10, 11, 12, 14]),
    "test_ids": torch.tensor([21, 20]),
    "classes": 3,
    "name": "other",
}


@pytest.mark.parametrize("field", CHANGES)
def test_content_hash_changes_with_every_field(field):
    changed = replace(four_points(), **{field: CHANGES[field]})
    assert changed.content_hash() != four_points().content_hash()


def test_content_hash_is_of_values_and_shapes_not_of_memory():
    data = four_points()
    striped = four_points(x_train=data.x_train.t().contiguous().t())
    assert not striped.x_train.is_contiguous()
    assert striped.content_hash() == data.content_hash() == data.to("cpu").content_hash()
    square = replace(data, x_train=data.x_train.reshape(4, 2, 1), x_test=data.x_test.reshape(2, 2, 1))
    assert square.content_hash() != data.content_hash()
    narrow = replace(data, x_train=data.x_train.float(), x_test=data.x_test.float())
    assert narrow.content_hash() != data.content_hash()


def test_content_hash_agrees_with_one_over_the_bytes_and_copies_none():
    x = torch.arange(4.0, dtype=torch.float64).reshape(4, 1).repeat(1, 100_000)
    data = four_points(x_train=x, x_test=x[:2])
    tracemalloc.start()
    found = data.content_hash()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    digest = hashlib.sha256(b"data 2")
    for field in ("x_train", "y_train", "x_test", "y_test", "train_ids", "test_ids"):
        array = getattr(data, field).numpy()
        digest.update(f"{array.dtype} {array.shape}".encode() + array.tobytes())
    assert found == digest.hexdigest()
    assert peak < 0.1 * x.nbytes
