"""A linear task on the signs of an absolute penalty: J has ‖θ‖₁, and its derivatives are differences of it."""

import pytest
import torch
from problems import class_data

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives

DATA = class_data(3, classes=2, n=12, features=2)
THETA = torch.tensor([[0.7, -1.2, 0.4]], dtype=torch.float64)
WEIGHTS = torch.full((1, 12), 1 / 12, dtype=torch.float64)
LOSS = il.BinaryCrossEntropy()


def test_the_objective_is_the_plain_one_and_the_absolute_penalty():
    task = il.SignedLinear(0.1, loss=LOSS, l1=0.3, signs=(1, -1, 0), constant=2.0)
    plain = il.GeneralisedLinear(0.1, loss=LOSS, constant=2.0)
    more = 0.3 * THETA[0, :2].abs().sum()
    found, wanted = (derivatives.objectives(each, DATA, THETA, WEIGHTS) for each in (task, plain))
    assert float(found) == pytest.approx(float(wanted + more), rel=1e-12)
    assert not task.plain
    assert il.SignedLinear(0.1, loss=LOSS).plain


def test_gradient_and_hessian_are_central_differences_of_the_objective():
    task = il.SignedLinear(0.1, penalise_intercept=True, loss=LOSS, l1=0.3, signs=(1, -1, 1))
    gradient = derivatives.gradients(task, DATA, THETA, WEIGHTS)[0]
    hessian = derivatives.hessians(task, DATA, THETA, WEIGHTS)[0]
    for place, step in enumerate(1e-5 * torch.eye(3, dtype=torch.float64)):
        above, below = THETA + step, THETA - step
        values = [float(derivatives.objectives(task, DATA, each, WEIGHTS)) for each in (above, below)]
        slopes = [derivatives.gradients(task, DATA, each, WEIGHTS)[0] for each in (above, below)]
        assert float(gradient[place]) == pytest.approx((values[0] - values[1]) / 2e-5, rel=1e-7)
        assert hessian[place].numpy() == pytest.approx(((slopes[0] - slopes[1]) / 2e-5).numpy(), rel=1e-6, abs=1e-9)


def test_signs_that_are_none_or_of_other_parameters_are_refused():
    for settings in ({"l1": -1.0}, {"signs": (2,)}):
        with pytest.raises(InvalidParameter, match="expected l1 ≥ 0 and signs"):
            il.SignedLinear(0.1, **settings)
    with pytest.raises(InvalidParameter, match="give one for each"):
        derivatives.objectives(il.SignedLinear(0.1, loss=LOSS, l1=0.3, signs=(1,)), DATA, THETA, WEIGHTS)
