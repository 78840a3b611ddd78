"""Networks of any widths: `MLP` where widths are one, and otherwise what NumPy makes of matrices in turn."""

import numpy
import pytest
import torch
from problems import class_data

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives

DATA = class_data(3, classes=3, n=12, features=2)
BENDS = {"tanh": numpy.tanh, "logistic": lambda z: 1 / (1 + numpy.exp(-z)), "identity": lambda z: z}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_alike_layers_are_those_of_the_other_network_with_all_derivatives(activation):
    one = il.FeedForward(0.1, (4, 4), activation)
    other = il.MLP(0.1, depth=2, width=4, activation=activation, penalise_bias=False)
    theta = other.start(DATA, 1)[None]
    weights = torch.linspace(0.01, 0.2, 12, dtype=torch.float64)[None]
    for found, wanted in zip(
        derivatives.objectives_and_gradients(one, DATA, theta, weights),
        derivatives.objectives_and_gradients(other, DATA, theta, weights),
        strict=True,
    ):
        assert found.numpy() == pytest.approx(wanted.numpy(), rel=1e-10, abs=1e-12)
    hessians = [derivatives.hessians(task, DATA, theta, weights).numpy() for task in (one, other)]
    assert hessians[0] == pytest.approx(hessians[1], rel=1e-9, abs=1e-11)
    assert one.kink == other.kink
    assert one.last_layer_size(DATA) == other.last_layer_size(DATA)


@pytest.mark.parametrize("activation", BENDS)
def test_outputs_are_those_of_matrices_and_activations_in_turn(activation):
    task = il.FeedForward(0.1, (3, 5), activation)
    theta = task.start(DATA, 0) + 0.1
    units, used = DATA.x_train.numpy(), 0
    for place, (rows, columns) in enumerate(((3, 3), (5, 4), (3, 6))):
        matrix = theta[used : used + rows * columns].numpy().reshape(rows, columns)
        used += rows * columns
        units = units @ matrix[:, :-1].T + matrix[:, -1]
        units = units if place == 2 else BENDS[activation](units)
    assert used == len(theta)
    assert task.outputs(theta, DATA.x_train).numpy() == pytest.approx(units.T, rel=1e-12)
    assert int(task.penalised(DATA).sum()) == used - 11
    assert not task.convex


def test_widths_and_activations_that_are_none_are_refused():
    for settings in ({"widths": (3, 0)}, {"activation": "sine"}):
        with pytest.raises(InvalidParameter, match="expected widths of at least 1, and one of tanh"):
            il.FeedForward(0.1, **settings)
