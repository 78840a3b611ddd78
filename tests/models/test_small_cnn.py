"""A small network learns the pictures at hand, stays as it is, and moves with pixels as its derivative says."""

from dataclasses import replace

import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, NotFinite

SMALL = il.SmallCnn(channels=4, features=8, steps=30)


@pytest.fixture(scope="module")
def digits() -> il.Dataset:
    """Some zeros and ones."""
    return il.Digits(labels=(0, 1, 2), train_size=90, test_size=40).load()


def test_it_learns_and_a_linear_model_on_its_features_knows_other_pictures(digits):
    network = SMALL.network(digits)
    assert network.accuracy > 0.95
    features = il.extracted(digits, SMALL)
    assert features.x_train.shape == (90, 8)
    assert features.x_train.abs().max() <= 1
    model = il.fit(il.Logistic(weight_decay=0.01), features, il.Newton())
    assert model.converged
    assert model.accuracy()[1] > 0.9


def test_it_is_the_same_each_time_and_other_with_another_seed_or_other_pictures(digits):
    x = digits.x_test[:3]
    first = SMALL.network(digits)(x)
    torch.manual_seed(7)
    # Equal bits: the same code on the same arrays.
    assert torch.equal(SMALL.network(digits)(x), first)
    assert not torch.allclose(replace(SMALL, seed=1).network(digits)(x), first)
    assert not torch.allclose(SMALL.network(replace(digits, y_train=digits.y_train.roll(1)))(x), first)


def test_training_leaves_no_generator_behind_and_nothing_to_train(digits):
    before = torch.get_rng_state()
    network = SMALL.network(digits)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(not each.requires_grad for each in network.parameters())


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 9, 16), (20, 6), (3, 20, 20)])
def test_features_move_with_pixels_as_their_derivative_says(shape):
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (8, *shape), generator=generator).double()
    network = replace(SMALL, steps=2).network(il.Dataset(pixels[:6], [0, 1] * 3, pixels[6:], [0, 1]))
    toward, step = torch.randn(8, generator=generator).double(), torch.randn(shape, generator=generator).double()
    picture = pixels[6:7].clone().requires_grad_()
    (slope,) = torch.autograd.grad((network(picture) @ toward).sum(), picture)
    with torch.no_grad():
        ahead, behind = (network(picture + sign * 1e-4 * step) @ toward for sign in (1, -1))
    assert float(ahead - behind) / 2e-4 == pytest.approx(float((slope[0] * step).sum()), rel=1e-5)


def test_what_it_cannot_learn_is_refused(digits):
    with pytest.raises(InvalidData, match="real targets, expected classes"):
        SMALL.network(il.Dataset(digits.x_train, torch.rand(90), digits.x_test, torch.rand(40)))
    with pytest.raises(InvalidData, match=r"3 × 8 pixels, expected 4 a side"):
        SMALL.network(replace(digits, x_train=digits.x_train[:, :3], x_test=digits.x_test[:, :3]))
    with pytest.raises(InvalidData, match="expected a picture"):
        SMALL.network(replace(digits, x_train=digits.x_train.flatten(1), x_test=digits.x_test.flatten(1)))
    with pytest.raises(NotFinite, match="Lower its `rate`"):
        replace(SMALL, rate=1e300).network(digits)
    for wrong in ({"steps": 0}, {"channels": 0}, {"features": -1}, {"rate": 0.0}, {"rate": float("nan")}):
        with pytest.raises(InvalidParameter, match=f"{next(iter(wrong))} of SmallCnn is"):
            replace(SMALL, **wrong)
