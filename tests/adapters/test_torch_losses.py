"""Losses of torch: in closed form, differentiated, of one target a point or several."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_problems import DECAY, STANDS, WATCHED, X, Y, close, entropy

import influencelab as il

pytestmark = pytest.mark.usefixtures("same_draws")


def test_squared_errors_are_whole_ones_and_their_sum_is_no_mean():
    """By the normal equations without each point."""
    generator = torch.Generator().manual_seed(0)
    targets = X @ torch.randn(4, generator=generator).double() + torch.randn(30, generator=generator).double()
    design, decay = torch.cat([X, torch.ones(30, 1)], dim=1), 3.0
    held = torch.diag(torch.tensor([decay] * 4 + [0.0]).double())

    def solved(kept, total):
        rows = design[kept]
        return torch.linalg.solve(2 / total * rows.T @ rows + held, 2 / total * rows.T @ targets[kept])

    watched = torch.cat([WATCHED[0], torch.ones(4, 1)], dim=1)
    for reduction, totals in (("mean", (30, 29)), ("sum", (1, 1))):
        whole, layer = solved(torch.arange(30), totals[0]), nn.Linear(4, 1).double()
        with torch.no_grad():
            layer.weight.copy_(whole[None, :4])
            layer.bias.copy_(whole[4:])
        answers = torch.zeros(4).double()
        fit = il.from_torch(
            layer, nn.MSELoss(reduction=reduction), X, targets, WATCHED[0], answers, weight_decay={"w*": decay}
        )
        refit = solved(torch.arange(30)[torch.arange(30) != 5], totals[1])
        removal = il.leave_one_out(30, rows=[5], convention=fit.convention)
        truth = il.SecondOrder().retrain(fit, removal).values[0]
        assert close(truth, (watched @ refit).square() - (watched @ whole).square())
        if reduction == "sum":  # where one step is exact
            found = il.NewtonStep().estimate(fit).values[5]
            assert close(found, 2 * (watched @ whole) * (watched @ (refit - whole)), share=1e-8)
        assert fit.measures() == pytest.approx((watched @ whole).square(), rel=1e-10)


def test_weights_of_classes_are_weights_of_points(network):
    weight = torch.tensor([1.0, 3.0]).double()
    wanted = nn.CrossEntropyLoss(weight=weight)(network(X), Y)
    fit = il.from_torch(network, nn.CrossEntropyLoss(), X, Y, *WATCHED, weight[Y], **STANDS)
    assert fit.loss == pytest.approx(float(wanted.detach()), rel=1e-12)
    total = il.from_torch(network, entropy, X, Y, *WATCHED, weight[Y], reduction="sum", **STANDS)
    assert total.loss == pytest.approx(float(wanted.detach() * weight[Y].sum()), rel=1e-12)


def test_losses_without_a_closed_form_are_differentiated(network, theirs):
    fit = il.from_torch(network, entropy, X, Y, *WATCHED, weight_decay=DECAY)
    for estimator in (il.Exact(curvature="gauss_newton"), il.NewtonStep(convention="renormalise")):
        assert close(estimator.estimate(fit).values, estimator.estimate(theirs).values)
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    found = il.from_torch(network, smooth, X, Y, *WATCHED, weight_decay=DECAY, allow_unconverged=True)
    outputs = network(WATCHED[0]).detach().log_softmax(1)
    wanted = (
        -0.95 * outputs.gather(1, WATCHED[1][:, None])[:, 0] - 0.05 * outputs.gather(1, 1 - WATCHED[1][:, None])[:, 0]
    )
    assert found.measures() == pytest.approx(wanted, rel=1e-10)
    errors = lambda z, y: functional.huber_loss(z, y, reduction="none", delta=0.5)  # noqa: E731
    for loss in (nn.HuberLoss(delta=0.5), errors):
        robust = il.from_torch(nn.Linear(4, 1), loss, X, X[:, :1], X, X[:, 1:2], parameters="weight", **STANDS)
        values = functional.huber_loss(robust.task.outputs(robust.theta, X)[0], X[:, 1], reduction="none", delta=0.5)
        assert robust.measures() == pytest.approx(values, rel=1e-12)
        assert robust.task.kink is None
    kinked = il.from_torch(nn.Linear(4, 1), nn.L1Loss(), X, X[:, :1], X, X[:, 1:2], **STANDS)
    assert kinked.task.kink == "function 'l1_loss' in the loss"
    bent = il.from_torch(
        nn.Sequential(nn.Linear(4, 2), nn.ReLU(inplace=True), nn.Linear(2, 2)), entropy, X, Y, *WATCHED, **STANDS
    )
    assert bent.task.kink == "function 'relu' in 1: ReLU(inplace=True)"
