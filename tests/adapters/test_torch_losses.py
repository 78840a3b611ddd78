"""Losses of torch: in closed form, differentiated, of one target a point or several."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_problems import DECAY, STANDS, WATCHED, X, Y, close, entropy

import influencelab as il
from influencelab.errors import InfluenceLabError, InvalidData, InvalidParameter

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


def several(seed=0, n=30, m=4):
    """Features, three targets a point, and both of the points that are watched."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n + m, 4, generator=generator).double()
    y = x[:, :3] + 0.5 * torch.randn(n + m, 3, generator=generator)
    return x[:n], y[:n], x[n:], y[n:]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_several_targets_have_the_refits_of_the_normal_equations(reduction):
    """Of a linear layer each target has its own; J is 1 / 3n or 1 of the sum of all squares."""
    x, y, x_test, y_test = several()
    design, decay = torch.cat([x, torch.ones(30, 1)], dim=1), 0.1
    held = decay * torch.diag(torch.tensor([1.0] * 4 + [0.0]).double())

    def solved(kept):
        scale = 2 / (3 * len(kept)) if reduction == "mean" else 2.0
        rows = design[kept]
        return torch.linalg.solve(scale * rows.T @ rows + held, scale * rows.T @ y[kept])

    def losses(coefficients):
        squares = (torch.cat([x_test, torch.ones(4, 1)], dim=1) @ coefficients - y_test).square()
        return squares.mean(1) if reduction == "mean" else squares.sum(1)

    whole, layer = solved(torch.arange(30)), nn.Linear(4, 3).double()
    with torch.no_grad():
        layer.weight.copy_(whole[:4].T)
        layer.bias.copy_(whole[4])
    decays = {"weight": decay, "bias": 0.0}
    fit = il.from_torch(layer, nn.MSELoss(reduction=reduction), x, y, x_test, y_test, weight_decay=decays)
    assert fit.convention == {"mean": "renormalise", "sum": "drop"}[reduction]
    assert close(fit.measures(), losses(whole), share=1e-10)
    wanted = losses(solved(torch.arange(30)[torch.arange(30) != 5])) - losses(whole)
    truth = il.SecondOrder().retrain(fit, il.leave_one_out(30, rows=[5], convention=fit.convention))
    assert truth.trusted.all()
    assert close(truth.values[0], wanted)
    predicted = il.NewtonStep(convention=fit.convention).estimate(fit).values[5]
    # One step is exact for the coefficients, and goes with the slope of the square.
    change = (solved(torch.arange(30)[torch.arange(30) != 5]) - whole) if reduction == "sum" else None
    if change is not None:
        rows = torch.cat([x_test, torch.ones(4, 1)], dim=1)
        assert close(predicted, (2 * (rows @ whole - y_test) * (rows @ change)).sum(1))


def test_what_takes_a_row_of_targets_takes_it_and_shows_it():
    x, y, x_test, y_test = several()
    fit = il.from_torch(nn.Linear(4, 3), "mse", x, y, x_test, y_test, weight_decay=DECAY, polish=True)
    assert "3 targets each" in repr(fit.data)
    estimate = il.Exact().estimate(fit)
    shown = estimate.top(0, k=1)["train_label"]
    first = y[int(estimate.top(0, k=1)["train_id"][0])]
    assert shown[0] == ", ".join(f"{each:.4g}" for each in first.tolist())
    assert len(estimate.table()) == 120
    assert shown[0][:20] in estimate._repr_html_()
    assert estimate.check(points=5).retrained.trusted.all()
    removals = il.leave_one_out(30, rows=[1, 2], convention=fit.convention)
    compared = il.compare(estimate, il.SecondOrder().retrain(fit, removals))
    assert compared.mask.all()
    il.Explorer(compared, data=fit.data)
    other = {"points": torch.tensor([3]), "n": 30, "x": x_test[:1], "y": y_test[:1], "share": 1e-3}
    replaced = il.Replacement(**other)
    actual = il.SecondOrder().retrain(fit, replaced)
    assert close(estimate.predict(replaced), actual.values, share=1e-2)
    assert float(il.EKFAC(damping=0.1).estimate(fit).values.abs().max()) > 0
    blocks = il.influence(fit, memory=8 * 6 * (30 + 15) * 2)
    assert close(blocks.values, il.influence(fit).values, share=1e-10)
    for measure, words in (
        (il.Margin(), "real targets"),
        (il.SquaredResidual(), "no mean"),
        (il.Auroc(), "real targets"),
    ):
        with pytest.raises(InfluenceLabError, match=words):
            il.influence(fit, measure=measure)
    with pytest.raises(InvalidData, match="no classes to compare"):
        il.SameLabel().estimate(fit)
    with pytest.raises(InvalidData, match=r"targets of shape \(3,\) a point, and squared_error takes one"):
        il.fit(il.Ridge(0.1), fit.data, il.Newton())


def test_next_tokens_by_torchs_own_loss_and_by_a_function_are_the_same():
    generator = torch.Generator().manual_seed(1)
    text = torch.randint(4, (34, 4), generator=generator)
    points = text[:30, :-1], text[:30, 1:], text[30:, :-1], text[30:, 1:]

    class Next(nn.Module):
        """Outputs of the next token from this one, classes last or first."""

        def __init__(self, *, first):
            super().__init__()
            self.embed, self.head, self.first = nn.Embedding(4, 2), nn.Linear(2, 4), first

        def forward(self, x):
            """(b, t) to (b, t, classes), or (b, classes, t)."""
            found = self.head(torch.tanh(self.embed(x)))
            return found.transpose(1, 2) if self.first else found

    def by_hand(outputs, targets):
        return -outputs.log_softmax(-1).gather(-1, targets[..., None])[..., 0].mean(1)

    last, first = Next(first=False), Next(first=True)
    first.load_state_dict(last.state_dict())
    for reduction, given in (("mean", by_hand), ("sum", lambda z, y: 3 * by_hand(z, y))):
        one = il.from_torch(last, given, *points, weight_decay=DECAY, reduction=reduction, **STANDS)
        other = il.from_torch(first, nn.CrossEntropyLoss(reduction=reduction), *points, weight_decay=DECAY, **STANDS)
        assert one.loss == pytest.approx(other.loss, rel=1e-12)
        estimates = [il.Exact(damping=0.1, **STANDS).estimate(each).values for each in (one, other)]
        assert close(estimates[1], estimates[0], share=1e-9)
        assert other.unit == "nats"
    padded = points[1].clone()
    padded[::2, -1] = -100
    data = points[0], padded, points[2], points[3]
    with pytest.raises(InvalidData, match=r"15 targets of class -100, which the loss ignores.*sample_weight"):
        il.from_torch(first, nn.CrossEntropyLoss(), *data, **STANDS)
    fit = il.from_torch(first, nn.CrossEntropyLoss(reduction="sum"), *data, **STANDS)
    wanted = functional.cross_entropy(first(points[0]).double(), padded, reduction="sum")
    assert fit.loss == pytest.approx(float(wanted.detach()), rel=1e-5)
    with pytest.raises(InvalidData, match=r"y is \(30, 3\).*outputs of shape \(3, 4\).*transpose\(1, 2\)"):
        il.from_torch(last, "cross_entropy", *points, **STANDS)
    with pytest.raises(InvalidData, match=r"y goes from 0 to 4"):
        il.from_torch(first, "cross_entropy", points[0], (points[1] * 4 / 3).long(), *points[2:], **STANDS)
    with pytest.raises(InvalidData, match=r"y is \(30,\), one class a point.*outputs of shape \(4, 3\)"):
        il.from_torch(first, "cross_entropy", points[0], points[1][:, 0], points[2], points[3][:, 0], **STANDS)


def test_shares_of_classes_are_targets_of_a_cross_entropy():
    shares = torch.rand(34, 2, generator=torch.Generator().manual_seed(0)).double().softmax(1)
    layer = nn.Linear(4, 2).double()
    fit = il.from_torch(layer, "cross_entropy", X, shares[:30], X[:4], shares[30:], **STANDS)
    wanted = -(shares[:30] * layer(X).detach().log_softmax(1)).sum(1).mean()
    assert fit.loss == pytest.approx(float(wanted), rel=1e-12)


def test_ignored_classes_and_other_numbers_of_targets_are_refused():
    layer, x = nn.Linear(4, 2), (X, Y, *WATCHED)
    with pytest.raises(InvalidData, match=r"points of class 1, which the loss ignores\. Leave these points out"):
        il.from_torch(layer, nn.CrossEntropyLoss(ignore_index=1), *x, **STANDS)
    with pytest.raises(InvalidParameter, match=r"2 outputs a point, and this loss takes one a target.*y has 4 a"):
        il.from_torch(layer, nn.HuberLoss(), X, X, X, X, **STANDS)
    with pytest.raises(InvalidData, match=r"targets of shape \(2,\), a test point of \(\)"):
        il.from_torch(layer, lambda z, y: (z - y).square().sum(1), X, X[:, :2], X, X[:, :1], **STANDS)
    with pytest.raises(InvalidParameter, match=r"The loss gives \(6,\) for 3 points.*a point's own targets"):
        il.from_torch(layer, lambda z, y: (z - y).square().flatten(), X, X[:, :2], X, X[:, :2], **STANDS)
    with pytest.raises(InvalidParameter, match=r"The loss gives \(3, 2\) for 3 points"):
        il.from_torch(layer, lambda z, y: (z - y).square(), X, X[:, :2], X, X[:, :2], **STANDS)
