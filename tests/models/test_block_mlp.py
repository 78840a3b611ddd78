"""Networks of residual and of normalised layers, against the same written point by point with torch's own layers."""

import math

import pytest
import torch
from problems import class_data, value_data

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives

CLASSES, VALUES = class_data(3, classes=3, n=9, m=4, features=2), value_data(4, n=9, m=4, features=2)
BENDS = {"tanh": torch.tanh, "softplus": torch.nn.functional.softplus, "gelu": torch.nn.functional.gelu}
LAYERS = [
    ("residual", "tanh", 3),
    ("residual", "gelu", 2),
    ("normalised", "tanh", 3),
    ("normalised", "softplus", 2),
    ("residual", "tanh", 1),
    ("normalised", "tanh", 1),
]
# Each layer on one of the data sets; the rest of the table refuses no wrong code that these do not.
FEW = {(0, 0), (1, 1), (2, 1), (3, 0)}
CASES = [
    pytest.param(data, *layer, marks=() if (place, row) in FEW else pytest.mark.exhaustive)
    for place, layer in enumerate(LAYERS)
    for row, data in enumerate((CLASSES, VALUES))
]


def network(task: il.BlockMLP, outputs: int, theta: torch.Tensor, x: torch.Tensor, *, add: bool) -> torch.Tensor:
    """Outputs (b c): points in rows, each layer by `linear`, each norm by `layer_norm`."""
    units, used = x, 0
    for place in range(task.depth + 1):
        rows = outputs if place == task.depth else task.width
        block = theta[used : used + rows * (units.shape[1] + 1)].reshape(rows, -1)
        used += block.numel()
        z = torch.nn.functional.linear(units, block[:, :-1], block[:, -1])
        if place == task.depth:
            return z
        if task.block == "normalised":
            z = torch.nn.functional.layer_norm(z, (rows,), eps=task.epsilon)
        bent = BENDS[task.activation](z)
        units = units + bent if add and place else bent
    raise AssertionError


@pytest.mark.parametrize(("data", "block", "activation", "depth"), CASES)
def test_values_and_all_derivatives_are_those_of_torchs_own_layers(data, block, activation, depth):
    task = il.BlockMLP(
        0.03, depth=depth, width=3, block=block, activation=activation, regression=not data.classes, penalise_bias=False
    )
    start = torch.stack([task.start(data, seed) for seed in (0, 1)])
    theta = start + 0.3 * torch.randn(start.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    weights = torch.linspace(0.02, 0.2, 2 * data.n, dtype=torch.float64).reshape(2, -1)
    free = ~task.penalised(data)

    def objective(at: torch.Tensor, weight: torch.Tensor, *, add: bool = block == "residual") -> torch.Tensor:
        z = network(task, data.classes or 1, at, data.x_train, add=add)
        if data.classes:
            losses = torch.nn.functional.cross_entropy(z, data.y_train, reduction="none")
        else:
            losses = (z[:, 0] - data.y_train).square() / 2
        return weight @ losses + 0.015 * at.masked_fill(free, 0).square().sum()

    values, slopes = derivatives.objectives_and_gradients(task, data, theta, weights)
    bends = derivatives.hessians(task, data, theta, weights)
    for at, weight, value, slope, bend in zip(theta, weights, values, slopes, bends, strict=True):
        assert float(value) == pytest.approx(float(objective(at, weight)), rel=1e-12)
        wanted = torch.autograd.functional.jacobian(lambda one, w=weight: objective(one, w), at)
        assert slope.numpy() == pytest.approx(wanted.numpy(), rel=1e-9, abs=1e-13)
        hessian = torch.autograd.functional.hessian(lambda one, w=weight: objective(one, w), at)
        assert bend.numpy() == pytest.approx(hessian.numpy(), rel=1e-8, abs=1e-12)
    assert int(free.sum()) == 3 * depth + (data.classes or 1)
    # A plain layer in place of a block is another network.
    plain = float(objective(theta[0], weights[0], add=False))
    assert (depth > 1 and block == "residual") == (abs(plain - float(values[0])) > 1e-6)


def test_a_deep_residual_network_begins_near_a_shallow_one_and_layers_can_be_read():
    task = il.BlockMLP(0.1, depth=3, width=4)
    theta = task.start(CLASSES, 0)
    last = task.last_layer_size(CLASSES)
    first = 4 * 3
    theta[first:-last] = 0
    shallow = il.BlockMLP(0.1, depth=1, width=4)
    short = torch.cat([theta[:first], theta[-last:]])
    # Blocks of zeros add nothing.
    assert torch.allclose(task.outputs(theta, CLASSES.x_train), shallow.outputs(short, CLASSES.x_train), rtol=1e-14)
    factors = task.layer_factors(theta, CLASSES.x_train, CLASSES.y_train)
    assert [each.inputs.shape[0] for each in factors] == [3, 5, 5, 5]


def test_weights_before_a_norm_have_a_size_of_their_own_only_by_epsilon():
    data, scales = CLASSES, (1.0, 7.0)
    for epsilon, same in ((1e-12, True), (1.0, False)):
        task = il.BlockMLP(0.0, depth=1, width=4, block="normalised", epsilon=epsilon)
        theta = task.start(data, 0)
        size = theta.numel() - task.last_layer_size(data)
        outputs = [task.outputs(torch.cat([s * theta[:size], theta[size:]]), data.x_train) for s in scales]
        assert torch.allclose(*outputs, atol=1e-6) == same


@pytest.mark.parametrize(
    "settings",
    [{"depth": 0}, {"width": 0}, {"block": "dense"}, {"activation": "relu"}, {"epsilon": 0.0}, {"epsilon": math.inf}],
)
def test_settings_that_make_no_network_are_refused(settings):
    with pytest.raises(InvalidParameter, match="expected"):
        il.BlockMLP(0.1, **settings)
