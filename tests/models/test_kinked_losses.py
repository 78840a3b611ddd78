"""Squared hinges, squared errors and absolute errors with bends, against their formulas and derivatives by mpmath."""

import mpmath
import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter

mpmath.mp.dps = 30


def squared(far, cut):
    """Half a square up to the cut and a line beyond."""
    far = max(far, mpmath.mpf(0))
    return far**2 / 2 if far <= cut else cut * far - mpmath.mpf(cut) ** 2 / 2


def bent(far, t):
    """t log(1 + exp(far / t))."""
    return t * mpmath.log1p(mpmath.exp(far / t))


HUGE = 10**9
MODIFIED = {"squared hinge": (il.SquaredHinge(), HUGE), "modified Huber": (il.SquaredHinge(cut=2.0), 2)}
ERRORS = {
    "huber": (il.InsensitiveSquaredError(cut=0.3), lambda r: squared(abs(r), 0.3)),
    "squared, insensitive": (il.InsensitiveSquaredError(0.2), lambda r: squared(abs(r) - 0.2, HUGE)),
    "insensitive, cut": (il.InsensitiveSquaredError(0.2, 0.4), lambda r: squared(abs(r) - 0.2, 0.4)),
    "tube": (il.EpsilonInsensitive(0.2, t=0.05), lambda r: bent(r - 0.2, 0.05) + bent(-r - 0.2, 0.05)),
    "true tube": (il.EpsilonInsensitive(0.2), lambda r: max(abs(r) - mpmath.mpf(0.2), mpmath.mpf(0))),
}


def check(loss, z, y, wanted):
    point, label = torch.tensor([[z]], dtype=torch.float64), torch.tensor([y])
    slope, bend = (float(mpmath.diff(wanted, z, order)) for order in (1, 2))
    assert float(loss.values(point, label)) == pytest.approx(float(wanted(z)), rel=1e-13, abs=1e-15)
    assert float(loss.gradients(point, label)) == pytest.approx(slope, rel=1e-12, abs=1e-15)
    assert float(loss.products(point, label, 3 * torch.ones_like(point))) == pytest.approx(
        3 * bend, rel=1e-11, abs=1e-15
    )


@pytest.mark.parametrize("z", [-2.7, -0.4, 0.3, 0.9, 1.4, 5.0])
@pytest.mark.parametrize("name", MODIFIED)
def test_squared_hinges_are_their_formula_and_so_are_their_derivatives(name, z):
    loss, cut = MODIFIED[name]
    for label, side in ((0, -1), (1, 1)):
        check(loss, z, label, lambda at, side=side: squared(1 - side * mpmath.mpf(at), cut))


@pytest.mark.parametrize("r", [-1.9, -0.5, -0.25, -0.1, 0.0123, 0.22, 0.31, 0.7, 3.0])
@pytest.mark.parametrize("name", ERRORS)
def test_errors_with_bends_are_their_formula_and_so_are_their_derivatives(name, r):
    loss, wanted = ERRORS[name]
    check(loss, 0.75 + r, 0.75, lambda at: wanted(mpmath.mpf(at) - mpmath.mpf(0.75)))


@pytest.mark.parametrize("t", [1e-6, 1e-3, 0.1])
def test_a_smooth_tube_far_from_its_bends_is_the_true_one(t):
    z, y = torch.tensor([[-1e4, -3.0, 0.0, 0.1, 3.0, 1e4]], dtype=torch.float64), torch.zeros(6, dtype=torch.float64)
    smooth, true = il.EpsilonInsensitive(0.2, t=t), il.EpsilonInsensitive(0.2)
    assert smooth.values(z, y).numpy() == pytest.approx(true.values(z, y).numpy(), rel=1e-12, abs=0.7 * t)
    assert smooth.products(z, y, z).isfinite().all()


def test_settings_and_labels_that_no_bend_has_are_refused():
    for wrong in (
        lambda: il.SquaredHinge(0.0),
        lambda: il.InsensitiveSquaredError(-0.1),
        lambda: il.InsensitiveSquaredError(0.1, 0.0),
        lambda: il.EpsilonInsensitive(-1.0),
        lambda: il.EpsilonInsensitive(0.1, t=float("nan")),
    ):
        with pytest.raises(InvalidParameter, match="expected"):
            wrong()
    x = torch.zeros(4, 1, dtype=torch.float64)
    classes, targets = il.Dataset(x, [0, 1, 2, 1], x, [0, 1, 2, 1]), il.Dataset(x, x[:, 0] + 0.5, x, x[:, 0] + 0.5)
    for loss, data in ((il.SquaredHinge(), classes), (il.EpsilonInsensitive(), classes), (il.SquaredHinge(), targets)):
        with pytest.raises(InvalidData, match="needs"):
            loss.size(data)
