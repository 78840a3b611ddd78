"""Deviances, Huber's loss with its scale and squared errors of sides, against derivatives by mpmath to 30 digits."""

import mpmath
import numpy
import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models import derivatives

mpmath.mp.dps = 30
POWERS = [(1.0, "log"), (2.0, "log"), (1.5, "log"), (3.0, "log"), (0.0, "log"), (-1.0, "log")]
POWERS += [(2.0, "inverse"), (1.5, "inverse"), (3.0, "inverse_squared"), (2.0, "inverse_squared")]
POWERS += [(0.0, "identity"), (1.0, "identity"), (-1.0, "identity"), (2.0, "identity"), (2.5, "identity")]
Z = (-0.7, 1.9)


def deviance(power, link, y):
    """Half the deviance as an integral of (m − y) m^(−power) from y to the mean."""

    def value(z):
        mean = {
            "log": mpmath.exp,
            "identity": mpmath.mpf,
            "inverse": lambda z: 1 / mpmath.mpf(z),
            "inverse_squared": lambda z: 1 / mpmath.sqrt(z),
        }[link](z)
        return mpmath.quad(lambda m: (m - y) * mpmath.power(m, -power), [mpmath.mpf(y), mean])

    return value


@pytest.mark.parametrize(("power", "link"), POWERS)
def test_a_deviance_is_its_integral_and_so_are_its_derivatives(power, link):
    loss = il.TweedieDeviance(power, link)
    for z in (each for each in Z if link == "log" or each > 0):
        for y in (0.4, 2.0):
            wanted = deviance(power, link, y)
            point, label = torch.tensor([[z]], dtype=torch.float64), torch.tensor([y], dtype=torch.float64)
            assert float(loss.values(point, label)) == pytest.approx(float(wanted(z)), rel=1e-12, abs=1e-15)
            slope, bend = (float(mpmath.diff(wanted, z, order)) for order in (1, 2))
            assert float(loss.gradients(point, label)) == pytest.approx(slope, rel=1e-12)
            assert float(loss.products(point, label, 3 * torch.ones_like(point))) == pytest.approx(3 * bend, rel=1e-11)


def test_no_count_costs_the_mean_and_its_slopes_are_finite_by_autograd_too():
    loss = il.TweedieDeviance(1.0)
    z, y = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True), torch.zeros(1, dtype=torch.float64)
    value = loss.values(z, y)
    assert value.item() == pytest.approx(numpy.exp(0.3))
    assert torch.autograd.grad(value.sum(), z)[0].item() == pytest.approx(numpy.exp(0.3))


@pytest.mark.parametrize(("power", "link"), POWERS)
def test_a_deviance_is_called_convex_only_where_no_curvature_is_negative(power, link):
    loss, y = il.TweedieDeviance(power, link), torch.tensor([0.01, 1.0, 30.0], dtype=torch.float64)
    z = torch.linspace(-4, 4, 60).double() if link == "log" else torch.linspace(0.05, 4, 60, dtype=torch.float64)
    lowest = min(float(loss.curvatures(each.expand(1, 3), y).min()) for each in z)
    assert loss.convex == (lowest >= 0)


def test_an_identity_below_0_has_an_infinite_loss():
    loss = il.TweedieDeviance(1.0, "identity")
    assert float(loss.values(torch.tensor([[-0.1]]), torch.ones(1))) == float("inf")


CHANCES = {
    "logit": lambda z: 1 / (1 + mpmath.exp(-z)),
    "probit": mpmath.ncdf,
    "cloglog": lambda z: 1 - mpmath.exp(-mpmath.exp(z)),
}


@pytest.mark.parametrize("link", CHANCES)
@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
def test_shares_of_successes_cost_minus_their_log_likelihood_a_trial(link, y):
    def wanted(z):
        chance = CHANCES[link](mpmath.mpf(z))
        return -(y * mpmath.log(chance) if y else 0) - ((1 - y) * mpmath.log(1 - chance) if y < 1 else 0)

    loss, label = il.BinomialCrossEntropy(link), torch.tensor([y], dtype=torch.float64)
    for z in (-6.0, -0.7, 0.0, 1.9, 3.0):
        point = torch.tensor([[z]], dtype=torch.float64)
        assert float(loss.mean(point)) == pytest.approx(float(CHANCES[link](z)), rel=1e-12)
        assert float(loss.values(point, label)) == pytest.approx(float(wanted(z)), rel=1e-11)
        slope, bend = (float(mpmath.diff(wanted, z, order)) for order in (1, 2))
        assert float(loss.gradients(point, label)) == pytest.approx(slope, rel=1e-10)
        assert float(loss.products(point, label, 3 * torch.ones_like(point))) == pytest.approx(3 * bend, rel=1e-9)


def test_far_out_no_share_of_successes_has_an_infinite_cost_or_none_where_it_has_one():
    z = torch.tensor([[-30.0, 30.0]], dtype=torch.float64)
    for link in ("logit", "probit"):
        loss = il.BinomialCrossEntropy(link)
        for y in (torch.tensor([0, 1]), torch.tensor([1, 0])):
            for found in (loss.values(z, y), loss.gradients(z, y), loss.products(z, y, torch.ones_like(z))):
                assert found.isfinite().all()
    with pytest.raises(InvalidData, match="needs 0 … 1"):
        loss.size(il.Dataset(z.T, [0.2, 1.3], z.T, [0.2, 0.4]))
    with pytest.raises(InvalidParameter, match="predicts no mean response"):
        il.SmoothHinge(0.1, t=0.4).output_loss.mean(z)
    with pytest.raises(InvalidParameter, match="logit, probit, cloglog"):
        il.BinomialCrossEntropy("cauchit")


def huber(epsilon, y):
    """The scale, and the scale times Huber's function of the residual in its units."""

    def value(z, scale):
        u = abs(mpmath.mpf(y) - z) / scale
        return scale + scale * (u**2 if u <= epsilon else 2 * epsilon * u - epsilon**2)

    return value


@pytest.mark.parametrize("y", [0.5, 1.1, -3.0, 6.0])
def test_hubers_loss_and_its_derivatives_in_prediction_and_scale(y):
    loss, at = il.ScaledHuber(1.35), (0.2, 0.9)
    point, label = torch.tensor(at, dtype=torch.float64)[:, None], torch.tensor([y], dtype=torch.float64)
    wanted = huber(1.35, y)
    assert float(loss.values(point, label)) == pytest.approx(float(wanted(*at)), rel=1e-14)
    slopes = [float(mpmath.diff(wanted, at, order)) for order in ((1, 0), (0, 1))]
    assert loss.gradients(point, label)[:, 0].tolist() == pytest.approx(slopes, rel=1e-12, abs=1e-12)
    bends = [[float(mpmath.diff(wanted, at, order)) for order in row] for row in (((2, 0), (1, 1)), ((1, 1), (0, 2)))]
    assert loss.hessians(point, label)[:, :, 0].numpy() == pytest.approx(numpy.array(bends), rel=1e-12, abs=1e-12)


def regression_data(y):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(12, 2, generator=generator, dtype=torch.float64)
    return il.Dataset(x[:9], y[:9], x[9:], y[9:], classes=0)


COUNTS = torch.tensor([0.0, 3, 1, 2, 5, 0, 1, 1, 4, 2, 0, 1], dtype=torch.float64)
SIDES = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 1, 2, 0, 1])
TASKS = {
    "counts": (il.GeneralisedLinear(0.1), regression_data(COUNTS)),
    "a longer intercept, penalised": (
        il.GeneralisedLinear(0.1, penalise_intercept=True, constant=3.0),
        regression_data(COUNTS),
    ),
    "sides": (
        il.GeneralisedLinear(0.1, loss=il.SidedSquaredError()),
        il.Dataset(regression_data(COUNTS).x_train, SIDES[:9], regression_data(COUNTS).x_test, SIDES[9:]),
    ),
    "huber": (il.HuberRegression(0.1), regression_data(COUNTS)),
    "huber without intercept": (il.HuberRegression(0.1, intercept=False), regression_data(COUNTS)),
}


@pytest.mark.parametrize("name", TASKS)
def test_gradients_and_hessians_of_j_are_its_central_differences(name):
    task, data = TASKS[name]
    start = task.start(data, 0)
    theta = start + 0.1 * torch.randn(len(start), generator=torch.Generator().manual_seed(1), dtype=start.dtype)
    weights, eye, step = torch.full((data.n,), 1 / data.n, dtype=start.dtype), torch.eye(len(start)).double(), 1e-5

    def slope(at):
        return derivatives.gradients(task, data, at[None], weights[None])[0]

    ends = [
        derivatives.objectives(task, data, theta + sign * step * eye, weights.repeat(len(eye), 1)) for sign in (1, -1)
    ]
    assert slope(theta).numpy() == pytest.approx(((ends[0] - ends[1]) / (2 * step)).numpy(), rel=1e-6, abs=1e-8)
    bends = torch.stack([(slope(theta + step * each) - slope(theta - step * each)) / (2 * step) for each in eye])
    found = derivatives.hessians(task, data, theta[None], weights[None])[0]
    assert found.numpy() == pytest.approx(bends.numpy(), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", TASKS)
def test_the_tasks_are_trained_from_their_own_start(name):
    task, data = TASKS[name]
    assert il.fit(task, data, il.Newton()).converged


def test_targets_and_settings_that_make_no_sense_are_refused():
    with pytest.raises(InvalidData, match="targets above 0"):
        il.fit(il.GeneralisedLinear(0.1, loss=il.TweedieDeviance(2.0)), regression_data(COUNTS), il.Newton())
    with pytest.raises(InvalidData, match="targets of at least 0"):
        il.fit(il.GeneralisedLinear(0.1), regression_data(COUNTS - 1), il.Newton())
    for make in (
        lambda: il.TweedieDeviance(0.5),
        lambda: il.TweedieDeviance(1.0, "logit"),
        lambda: il.ScaledHuber(0.9),
        lambda: il.GeneralisedLinear(0.1, constant=0.0),
    ):
        with pytest.raises(InvalidParameter, match="expected"):
            make()
