"""Machines of two classes added up: their losses by formulas, one problem a machine, and what is refused."""

from dataclasses import replace

import numpy
import pytest
import torch
from problems import class_data

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models import derivatives
from influencelab.models.machines import machines
from influencelab.training.separation import unbounded

DATA = class_data(4, classes=3, n=40, features=2)
WEIGHTS = torch.linspace(0.5, 1.5, 40, dtype=torch.float64) / 40
PAIRS = ((2.0, 0.5, 0.0), (-2.0, 0.0, 1.0), (0.0, -0.5, -1.0))
THETA = torch.tensor([[0.7, -1.2, 0.4], [0.1, 0.9, -0.3], [-1.1, 0.2, 0.6]], dtype=torch.float64)


def outputs(x):
    return THETA[:, :2].numpy() @ x.numpy().T + THETA[:, 2:].numpy()


def by_hand(formula, code):
    """Σₐ |code| formula(side · z), point by point."""
    z, y, total = outputs(DATA.x_train), DATA.y_train.numpy(), numpy.zeros(40)
    for point in range(40):
        for machine in range(3):
            entry = code[y[point]][machine]
            if entry:
                total[point] += abs(entry) * formula(numpy.sign(entry) * z[machine, point])
    return total


REST = tuple(tuple(1.0 if row == place else -1.0 for place in range(3)) for row in range(3))
LOSSES = {
    "log loss": (il.BinaryCrossEntropy(), lambda s: numpy.log1p(numpy.exp(-s))),
    "hinge": (il.Hinge(0.3), lambda s: 0.3 * numpy.log1p(numpy.exp((1 - s) / 0.3))),
    "squared hinge": (il.SquaredHinge(), lambda s: max(0.0, 1 - s) ** 2 / 2),
    "sides": (il.SidedSquaredError(), lambda s: (s - 1) ** 2 / 2),
}


@pytest.mark.parametrize("code", [(), PAIRS], ids=["a class", "a pair"])
@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_the_sum_over_machines_and_its_derivatives_are_differences_of_it(name, code):
    inner, formula = LOSSES[name]
    loss = il.OutputCode(inner, code)
    z, y = torch.from_numpy(outputs(DATA.x_train)), DATA.y_train
    assert loss.values(z, y).numpy() == pytest.approx(by_hand(formula, code or REST), rel=1e-12)
    slopes, bends, step = loss.gradients(z, y), loss.hessians(z, y), 1e-5
    for machine in range(3):
        change = step * torch.eye(3, dtype=torch.float64)[machine][:, None]
        above, below = z + change, z - change
        slope = (loss.values(above, y) - loss.values(below, y)) / (2 * step)
        bend = (loss.gradients(above, y) - loss.gradients(below, y)) / (2 * step)
        assert slopes[machine].numpy() == pytest.approx(slope.numpy(), rel=1e-6, abs=1e-8)
        assert bends[machine].numpy() == pytest.approx(bend.numpy(), rel=1e-6, abs=1e-7)


def test_j_is_the_sum_of_the_machines_and_each_is_a_problem_of_its_own():
    task, theta = il.GeneralisedLinear(0.1, loss=il.OutputCode(il.BinaryCrossEntropy(), PAIRS)), THETA.flatten()
    whole = derivatives.objectives(task, DATA, theta[None], WEIGHTS[None])
    hessian = derivatives.hessians(task, DATA, theta[None], WEIGHTS[None])[0]
    total = 0.0
    for place, part in enumerate(machines(task, DATA, theta, WEIGHTS)):
        total += float(derivatives.objectives(part.task, part.data, part.theta[None], part.weights[None]))
        own = derivatives.hessians(part.task, part.data, part.theta[None], part.weights[None])[0]
        block = slice(3 * place, 3 * place + 3)
        assert hessian[block, block].numpy() == pytest.approx(own.numpy(), rel=1e-12)
        hessian[block, block] = 0
        # A pair sees its two classes alone.
        assert part.data.n == int((DATA.y_train != 2 - place).sum())
    assert total == pytest.approx(float(whole), rel=1e-12)
    assert not hessian.any()


def test_probabilities_of_classes_are_shares_of_what_the_machines_give():
    task, theta = il.GeneralisedLinear(0.1, loss=il.OutputCode()), THETA.flatten()[None]
    z, own = outputs(DATA.x_test), (numpy.arange(DATA.m), DATA.y_test.numpy())
    shares = (1 / (1 + numpy.exp(-z))).T
    shares = shares / shares.sum(1, keepdims=True)
    assert il.Probability().values(task, DATA, theta)[0].numpy() == pytest.approx(shares[own], rel=1e-12)
    odds = numpy.log(shares[own] / (1 - shares[own]))
    assert il.Margin().values(task, DATA, theta)[0].numpy() == pytest.approx(odds, rel=1e-12)
    for output in range(3):
        measure = il.Prediction(output)
        assert measure.values(task, DATA, theta)[0].numpy() == pytest.approx(shares[:, output], rel=1e-12)
        assert il.Output(output).values(task, DATA, theta)[0].numpy() == pytest.approx(z[output], rel=1e-12)
    far = replace(DATA, x_test=1e4 * DATA.x_test)
    assert il.Margin().values(task, far, theta).isfinite().all()


@pytest.mark.parametrize("loss", [il.OutputCode(il.Hinge(0.1)), il.OutputCode(code=PAIRS)], ids=["hinges", "pairs"])
@pytest.mark.parametrize("measure", [il.Margin(), il.Probability(), il.Prediction()])
def test_machines_that_give_no_probabilities_are_asked_for_outputs_or_losses(loss, measure):
    with pytest.raises(InvalidParameter, match="no probabilities of classes; take the measure 'loss', or 'output'"):
        measure.values(il.GeneralisedLinear(0.1, loss=loss), DATA, THETA.flatten()[None])


def test_a_machine_without_a_minimum_is_named_and_classes_a_softmax_would_part_are_not():
    """Of three classes in a row the middle one is no side of any line, though all three can be told apart."""
    x = torch.arange(9, dtype=torch.float64)[:, None]
    data = il.Dataset(x, torch.arange(9) // 3, x, torch.arange(9) // 3, classes=3)
    task, weights = il.GeneralisedLinear(0.0, loss=il.OutputCode()), torch.full((9,), 1 / 9, dtype=torch.float64)
    assert "separate the classes" in unbounded(task, data, weights)
    middle = il.GeneralisedLinear(0.0, loss=il.OutputCode(code=((-1.0,), (1.0,), (-1.0,))))
    assert unbounded(middle, data, weights) == ""
    assert "separate the classes" in unbounded(il.Logistic(0.0), data, weights)


def test_codes_of_other_classes_are_refused():
    with pytest.raises(InvalidParameter, match="rows of code differ in length"):
        il.OutputCode(code=((1.0, -1.0), (1.0,)))
    with pytest.raises(InvalidData, match="has 3 classes; the code has rows for 2"):
        il.OutputCode(code=((1.0,), (-1.0,))).size(DATA)
    with pytest.raises(InvalidData, match="machines of two classes need at least 2"):
        il.OutputCode().size(replace(DATA, y_train=DATA.x_train[:, 0], y_test=DATA.x_test[:, 0], classes=0))
