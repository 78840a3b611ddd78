"""The smooth hinge to the last digits, from margins of −10,000 to 10,000 and from a bend of 1e-6 to one of 1."""

import mpmath
import pytest
import torch

from influencelab.models.losses.hinge import TIE, Hinge

WIDTHS = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 30.0]
FAR = [-1e4, -321.5, -3.0, 0.0, 0.5, 1.5, 3.0, 321.5, 1e4]
# Distances from the bend in units of t: both tails, the shoulders, and the top.
NEAR = [-800.0, -700.0, -90.0, -20.0, -1.5, -1e-3, 0.0, 1e-9, 0.7, 3.0, 37.0, 45.0, 700.0]
# Doubles below this have fewer digits; a product of two numbers near it is 0.
SMALLEST = 2.3e-308


def margins(t: float) -> torch.Tensor:
    return torch.tensor([*FAR, *(1 - t * distance for distance in NEAR)], dtype=torch.float64)


def truth(s: float, t: float) -> tuple[mpmath.mpf, mpmath.mpf, mpmath.mpf]:
    """Value, slope in s and curvature, by 50 digits, of the very numbers that float64 holds."""
    with mpmath.workdps(50):
        width = mpmath.mpf(t)
        u = (1 - mpmath.mpf(s)) / width
        # log(1 + e^u) for the sign at which e^−|u| is small, so that 50 digits are enough at u = 1e10.
        value = width * (max(u, mpmath.mpf(0)) + mpmath.log1p(mpmath.exp(-abs(u))))
        pull = 1 / (1 + mpmath.exp(-u)) if u > 0 else mpmath.exp(u) / (1 + mpmath.exp(u))
        tail = mpmath.exp(-abs(u))
        return value, -pull, tail / (1 + tail) ** 2 / width


def rounding(s: float, t: float) -> float:
    """The relative error that rounding 1 − s and its quotient alone makes of e^u: |u| times that of u, and some."""
    u = abs((1 - s) / t)
    return 1e-14 + 4e-16 * min(u, 800.0)


@pytest.mark.parametrize("t", WIDTHS)
@pytest.mark.parametrize("label", [0, 1])
def test_value_slope_and_curvature_agree_with_fifty_digits(t, label):
    loss, s = Hinge(t), margins(t)
    side = 1.0 if label else -1.0
    z, y = (side * s)[None], torch.full((len(s),), label)
    values, slopes = loss.values(z, y), side * loss.gradients(z, y)[0]
    products, blocks = loss.products(z, y, 3 * torch.ones_like(z))[0] / 3, loss.hessians(z, y)[0, 0]
    for place, margin in enumerate(s.tolist()):
        wanted = truth(margin, t)
        for found, right in zip((values, slopes, blocks, products), (*wanted, wanted[2]), strict=True):
            number = float(found[place])
            assert abs(number) < float("inf")
            assert abs(number - right) <= rounding(margin, t) * abs(right) + SMALLEST / min(t, 1.0), (margin, t)


@pytest.mark.parametrize("t", WIDTHS)
def test_the_closed_forms_are_the_derivatives_of_the_value(t):
    loss, s = Hinge(t), margins(t)
    y = torch.ones(len(s), dtype=torch.int64)
    z = s[None].clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss.values(z, y).sum(), z)
    assert torch.allclose(slope, loss.gradients(s[None], y), rtol=1e-12, atol=1e-300)


def test_an_unsafe_formula_fails_where_this_one_does_not():
    s, t = torch.tensor([-1e4, 0.5], dtype=torch.float64), 1e-6
    assert (t * torch.log1p(torch.exp((1 - s) / t))).isinf().all()
    assert Hinge(t).values(s[None], torch.ones(2, dtype=torch.int64)).isfinite().all()


def test_as_t_falls_the_loss_becomes_the_true_hinge():
    s = torch.tensor([-2.0, 0.3, 0.9, 1.2, 4.0], dtype=torch.float64)[None]
    y = torch.ones(5, dtype=torch.int64)
    true = Hinge(0.0)
    assert torch.allclose(true.values(s, y), torch.tensor([3.0, 0.7, 0.1, 0.0, 0.0], dtype=torch.float64))
    assert torch.allclose(Hinge(1e-6).values(s, y), true.values(s, y), atol=1e-12)
    # Equal bits: whole numbers.
    assert torch.equal(Hinge(1e-6).gradients(s, y).round(), true.gradients(s, y))
    assert not torch.allclose(Hinge(0.1).values(s, y), true.values(s, y), atol=1e-2)
    assert not true.hessians(s, y).any()
    assert not true.products(s, y, s).any()


def test_a_point_at_the_bend_pulls_up_to_the_stated_tie():
    s = torch.tensor([1 - TIE, 1.0, 1 + 0.99 * TIE, 1 + 1.01 * TIE], dtype=torch.float64)
    for label, side in ((1, 1.0), (0, -1.0)):
        slopes = Hinge(0.0).gradients((side * s)[None], torch.full((4,), label))[0]
        assert slopes.tolist() == [-side, -side, -side, 0.0]


def test_the_curvature_is_a_bell_of_area_one_and_height_a_quarter_of_one_over_t():
    for t in (0.001, 0.3):
        s = torch.linspace(1 - 40 * t, 1 + 40 * t, 8001, dtype=torch.float64)
        bends = Hinge(t).hessians(s[None], torch.ones(8001, dtype=torch.int64))[0, 0]
        assert float(torch.trapezoid(bends, s)) == pytest.approx(1, rel=1e-9)
        assert float(bends.max()) == pytest.approx(1 / (4 * t), rel=1e-12)
