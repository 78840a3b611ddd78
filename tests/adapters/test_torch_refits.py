"""Kinds of modules of torch: predictions are the changes of refits by torch alone."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch_problems import STANDS, WATCHED, X, Y, close, entropy
from torch_refits import TokenMean, Transformer, changes, descended, loaded

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter

pytestmark = pytest.mark.usefixtures("same_draws")


def test_factors_of_layers_make_the_blocks_of_the_gauss_newton_curvature():
    """Strides, paddings, dilations, positions of a linear layer, and a layer without bias."""
    module = nn.Sequential(
        nn.Conv2d(1, 2, (3, 2), stride=(1, 2), padding=1, dilation=(2, 1)),
        nn.Tanh(),
        nn.Linear(3, 2, bias=False),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8, 2),
    )
    x, y = images()
    fit = il.from_torch(module, "cross_entropy", x[:6], y[:6], x[6:8], y[6:8], **STANDS)
    dense = il.Curvature(fit, kind="gauss_newton").dense()
    used = 0
    for layer in fit.task.layer_factors(fit.theta, fit.data.x_train, fit.data.y_train):
        slopes = torch.einsum("cgtb,htb->cbgh", layer.root_slopes, layer.inputs).flatten(2)
        block = torch.einsum("cbp,cbq->pq", slopes, slopes) / 6
        assert close(block, dense[used : used + len(block), used : used + len(block)], share=1e-10)
        used += len(block)
    assert used == len(fit.theta)
    assert close(il.Curvature(fit, kind="gauss_newton").diagonal(), dense.diagonal(), share=1e-10)


def test_layers_of_another_kind_are_left_to_conjugate_gradients():
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    fit = il.from_torch(module, "cross_entropy", X, Y, *WATCHED, allow_unconverged=True)
    with pytest.raises(InvalidParameter, match=r"1\.weight is of LayerNorm.*'conjugate_gradient'"):
        il.EKFAC(damping=1.0, allow_unconverged=True).estimate(fit)
    curvature = il.Curvature(fit, kind="gauss_newton")
    assert close(curvature.diagonal(), curvature.dense().diagonal(), share=1e-10)


def test_tokens_stay_whole_and_cannot_move_a_little():
    tokens, labels = torch.randint(4, (30, 3), generator=torch.Generator().manual_seed(1)), Y
    fit = il.from_torch(TokenMean(4, 2), entropy, tokens, labels, tokens[:3], labels[:3], weight_decay=0.1, polish=True)
    assert fit.task.module.whole
    estimate = il.Exact().estimate(fit)
    move = il.FeatureMove(n=30, points=torch.tensor([0]), moves=torch.ones(1, 3).double())
    with pytest.raises(InvalidParameter, match="whole numbers, such as tokens: they cannot move a little"):
        estimate.predict(move)
    with pytest.raises(InvalidData, match=r"Some test points do not pass through the module \(IndexError"):
        il.from_torch(TokenMean(4, 2), entropy, tokens, labels, tokens + 1, labels, **STANDS)
    with pytest.raises(InvalidData, match="whole numbers"):
        il.from_torch(TokenMean(4, 2), entropy, tokens, labels, tokens[:3].double(), labels[:3], **STANDS)


def images():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(104, 1, 4, 4, generator=generator).double()
    return x, (x[:, 0, :2].mean((1, 2)) + 0.3 * torch.randn(104, generator=generator) > 0).long()


def sentences():
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(4, (104, 4), generator=generator)
    return x, ((x == 1).sum(1) + 0.7 * torch.randn(104, generator=generator) > 0.8).long()


def frozen_statistics():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
    module(images()[0].float())
    return module.eval()


def grouped():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.GroupNorm(2, 2, eps=0.1), nn.Flatten(), nn.Linear(8, 2))


def texts():
    """Tokens, and at each position the next one, which is mostly the one after in the alphabet."""
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(4, (104, 1), generator=generator)
    for _ in range(3):
        step = 1 + (torch.rand(104, 1, generator=generator) > 0.6) * torch.randint(3, (104, 1), generator=generator)
        text = torch.cat([text, (text[:, -1:] + step) % 4], dim=1)
    return text[:, :-1], text[:, 1:]


def measurements():
    """Three real targets a point."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(104, 3, generator=generator).double()
    return x, torch.tanh(x) + 0.5 * torch.randn(104, 3, generator=generator)


def tags():
    """Of three labels those that a point has."""
    x, y = measurements()
    return x, (y > 0).double()


def of_each(loss):
    """The mean over a point's targets."""
    return lambda outputs, targets: loss(outputs, targets, reduction="none").flatten(1).mean(1)


def next_tokens(outputs, targets):
    """Minus the mean log-probability of the next tokens, classes standing last."""
    return of_each(functional.cross_entropy)(outputs.transpose(1, 2), targets)


def three():
    return nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 3))


# The module, its points, its weight decay, the loss that is handed in, and the same by torch of each point.
KINDS = {
    "MLP": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 2), nn.Tanh(), nn.Linear(2, 2)), images, 0.3),
    "GroupNorm": (grouped, images, 0.3),
    "frozen BatchNorm": (frozen_statistics, images, 0.2),
    "embeddings": (lambda: TokenMean(4, 2), sentences, 0.05),
    "transformer": (Transformer, sentences, 0.03),
    "next tokens": (lambda: Transformer(outputs=4, causal=True), texts, 0.03, next_tokens, next_tokens),
    "three targets": (three, measurements, 0.03, "mse", of_each(functional.mse_loss)),
    "several labels": (three, tags, 0.03, "bce_with_logits", of_each(functional.binary_cross_entropy_with_logits)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_predictions_are_the_changes_of_refits_by_torch_alone(name):
    make, points, decay, *losses = KINDS[name]
    given, each = losses or ("cross_entropy", entropy)
    module, (x, y) = make().double(), points()
    module = descended(module, each, x[:100], y[:100], decay=decay)
    watched = x[100:], y[100:]
    fit = il.from_torch(module, given, x[:100], y[:100], *watched, weight_decay=decay, polish=True)
    rows, at, data = torch.tensor([0, 30]), loaded(module, fit), (x[:100], y[:100], watched)
    actual = changes(at, each, *data, rows.tolist(), decay=decay)
    truth = il.SecondOrder().retrain(fit, il.leave_one_out(100, rows=rows, convention="renormalise"))
    assert truth.trusted.all()
    assert close(truth.values, actual, share=1e-5)
    predicted = il.NewtonStep(convention="renormalise").estimate(fit).values[rows]
    slope = float((predicted * actual).sum() / predicted.square().sum())
    assert math.isclose(slope, 1, abs_tol=0.06)
    # Differences in a point's weight are slopes themselves.
    ends = [changes(at, each, *data, [30], decay=decay, share=share, rescaled=False) for share in (1.05, 0.95)]
    assert close(il.Exact().estimate(fit).slopes[30:31] / 100, (ends[0] - ends[1]) / 0.1, share=1e-3)
