"""A minimum is one in any units; what has none is named; and what a fit says of itself is true of its own θ."""

from dataclasses import replace

import numpy
import pytest
import torch
from problems import binary_problem, class_data, minimum, ridge_problem, split
from scipy import optimize

from influencelab.data.removals import leave_one_out
from influencelab.data.sources.digits import Digits
from influencelab.errors import NoMinimum, NotConverged
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models import derivatives
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.ridge import Ridge
from influencelab.training.fit import fit, fit_at
from influencelab.training.minimum import LEFT, polish
from influencelab.training.separation import right, unbounded
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sequential import Sequential


def points(x, y, *, n: int, classes: int = 0):
    """A data set of the first n points, tested on the others."""
    return split(torch.tensor(x, dtype=torch.float64).reshape(len(x), -1), torch.tensor(y), n=n, classes=classes)


@pytest.mark.parametrize("trainer", [Newton(), LBFGS(), Sequential()], ids=["newton", "lbfgs", "sequential"])
@pytest.mark.parametrize("unit", [1e-12, 1e-9, 1e-6, 1.0, 1e9])
def test_influence_and_truth_are_right_whatever_the_unit_of_the_targets(trainer, unit):
    x, y = numpy.array([1.0, 2.0, 3.0]), unit * numpy.array([1.0, 2.0, 2.0])
    found = fit(Ridge(0.1, intercept=False), points([*x, 1.0], [*y, 0.0], n=3), trainer)
    curvature = (x**2).mean() + 0.1
    theta = (x * y).mean() / curvature
    assert found.converged
    assert found.steps > 0
    assert found.theta.item() == pytest.approx(theta, rel=1e-4)
    expected = theta * x * (x * theta - y) / curvature / 3
    assert Exact().estimate(found).values[:, 0].numpy() == pytest.approx(expected, rel=1e-3)
    kept = [[1, 2], [0, 2], [0, 1]]
    without = numpy.array([(x[rows] * y[rows]).sum() / ((x[rows] ** 2).sum() + 0.3) for rows in kept])
    for retrainer in (SecondOrder(), Rerun(), Rerun(start="cold")):
        truth = retrainer.retrain(found, leave_one_out(3))
        assert truth.trusted.all()
        assert truth.values[:, 0].numpy() == pytest.approx((without**2 - theta**2) / 2, rel=1e-3)


@pytest.mark.parametrize("unit", [1e-9, 1e-6, 1e6])
def test_influence_and_truth_are_right_whatever_the_unit_of_one_feature(unit):
    plain = minimum(ridge_problem)
    stretch = torch.ones_like(plain.data.x_train[0])
    stretch[0] = unit
    data = replace(plain.data, x_train=plain.data.x_train * stretch, x_test=plain.data.x_test * stretch)
    # Without a penalty the unit of a feature changes θ and nothing else.
    ours, theirs = (fit(Ridge(0.0), each, Newton()) for each in (data, plain.data))
    assert ours.converged
    for made in (lambda each: Exact().estimate(each).values, truth_of):
        assert made(ours).allclose(made(theirs), rtol=1e-6, atol=1e-9)


def truth_of(fitted):
    """Changes of the test losses by retraining, all of them valid."""
    found = SecondOrder().retrain(fitted, leave_one_out(fitted.data.n))
    assert found.trusted.all()
    return found.values


@pytest.mark.parametrize("weight_decay", [1e-4, 1e-8, 1e-10])
def test_a_small_weight_decay_still_has_its_minimum(weight_decay):
    x, y = numpy.array([-1.0, -2.5, 1.2, 3.0]), [0, 0, 1, 1]
    found = fit(BinaryLogistic(weight_decay, intercept=False), points([*x, 0.3], [*y, 1], n=4, classes=2), Newton())
    sides = numpy.abs(x)
    slope = lambda theta: weight_decay * theta - (sides / (1 + numpy.exp(sides * theta))).mean()  # noqa: E731
    assert found.converged
    assert found.theta.item() == pytest.approx(optimize.brentq(slope, 0, 100, xtol=1e-12), rel=1e-3)


SEPARABLE = points([-1.0, 1.0, 0.1], [0, 1, 1], n=2, classes=2)
ABSENT = points([-1.0, 1.0, -0.5, 0.8, 0.1], [0, 2, 0, 2, 1], n=4, classes=3)
TOUCHING = points([-1.0, 0.0, 0.0, 1.0, 0.5], [0, 0, 1, 1, 1], n=4, classes=2)
ENDLESS = {
    "separable": (BinaryLogistic(0.0, intercept=False), SEPARABLE, "separate the classes"),
    "separable by a softmax": (Logistic(0.0), SEPARABLE, "separate the classes"),
    "touching": (BinaryLogistic(0.0, intercept=False), TOUCHING, "separate the classes"),
    "an absent class": (Logistic(0.1), ABSENT, "no training point is of class 1"),
}


@pytest.mark.parametrize(("task", "data", "named"), ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("trainer", [Newton(tolerance=1e-4), Newton(), LBFGS()], ids=["rough", "newton", "lbfgs"])
def test_an_objective_without_a_minimum_is_named_and_has_no_influence(task, data, named, trainer):
    with pytest.warns(NoMinimum, match=rf"{named}.*Add weight decay"):
        found = fit(task, data, trainer)
    assert not found.converged
    with pytest.raises(NotConverged, match=named):
        Exact().estimate(found)
    assert not SecondOrder().retrain(found, leave_one_out(data.n)).trusted.any()


def test_what_has_a_minimum_is_not_named():
    clouds = class_data(0)
    weights = torch.ones(clouds.n, dtype=torch.float64) / clouds.n
    assert unbounded(Logistic(0.0), clouds, weights) == ""
    # Without the points of one class, and with a penalty on everything.
    weights[clouds.y_train == 2] = 0
    assert "class 2" in unbounded(Logistic(0.1), clouds, weights)
    assert unbounded(Logistic(0.1, penalise_intercept=True), clouds, weights) == ""
    # Those that the parameters at hand separate are seen without any program, and those they do not are not.
    wide = replace(clouds, x_train=clouds.x_train.repeat(1, 200), x_test=clouds.x_test.repeat(1, 200))
    even = torch.ones_like(weights) / clouds.n
    assert unbounded(Logistic(0.0), wide, even) == ""
    assert unbounded(Logistic(0.0), wide, even, theta=torch.ones(3 * 801).double()) == ""
    line = points(numpy.linspace(-1.0, 1.0, 50), [0] * 25 + [1] * 25, n=48, classes=2)
    assert not right(BinaryLogistic(0.0).outputs(torch.tensor([1.0, 0.5]).double(), line.x_train), line.y_train)
    assert right(BinaryLogistic(0.0).outputs(torch.tensor([1.0, 0.0]).double(), line.x_train), line.y_train)
    assert unbounded(Ridge(0.0), points([1.0, 2.0, 3.0], [0.0, 1.0, 2.0], n=2), torch.ones(2)) == ""


def test_digits_without_a_penalty_are_named_before_anything_is_trained():
    data = Digits(train_size=200, test_size=5).load()
    even = torch.full((200,), 1 / 200).double()
    assert "separate the classes" in unbounded(Logistic(0.0), data, even)
    assert unbounded(Logistic(1e-6), data, even) == ""
    # Labels at random are not separated, however long one looks.
    shuffled = replace(data, y_train=data.y_train[torch.randperm(200, generator=torch.Generator().manual_seed(0))])
    few = {name: getattr(shuffled, name)[:, 2:4, 2:4] for name in ("x_train", "x_test")}
    assert unbounded(Logistic(0.0), replace(shuffled, **few), even) == ""


def test_newton_gives_up_on_parameters_that_grow_without_end():
    trainer = Newton(tolerance=1e-200)
    trained = trainer.train(ENDLESS["separable"][0], SEPARABLE, torch.zeros(1, 1).double(), torch.ones(1, 2).double())
    assert not trained.converged.any()
    assert trained.steps < 60


def test_a_first_order_trainer_takes_its_steps_and_no_more_and_is_judged():
    data = points([1.0, 2.0, 3.0, 1.0], [1e-9, 2e-9, 2e-9, 0.0], n=3)
    few, many = (fit(Ridge(0.1, intercept=False), data, GradientDescent(0.05, steps=steps)) for steps in (3, 2000))
    assert (few.steps, many.steps) == (3, 2000)
    assert few.grad_norm < 1e-8
    assert not few.converged
    assert many.converged


def test_a_copy_with_other_parameters_measures_anew():
    found = minimum(ridge_problem)
    far = replace(found, theta=5 * found.theta)
    x, y, weights = found.task.features(found.data.x_train), found.data.y_train, found.weights
    left = x @ far.theta - y
    decay = found.weight_decay * found.task.penalised(found.data) * far.theta
    assert far.grad_norm == pytest.approx(float((x.T @ (weights * left) + decay).norm()))
    assert far.loss == pytest.approx(float((weights * left**2).sum() / 2 + (decay @ far.theta) / 2))
    assert not far.converged
    with pytest.raises(NotConverged):
        Exact().estimate(far)
    assert replace(far, theta=found.theta).converged
    assert not replace(found, task=replace(found.task, weight_decay=9.0)).converged


def test_given_parameters_become_a_fit_by_measuring_them():
    found = minimum(ridge_problem)
    there = fit_at(found.task, found.data, found.theta, trainer=found.trainer)
    assert there.converged
    assert there.grad_norm == pytest.approx(found.grad_norm, abs=1e-12)
    assert there.loss == pytest.approx(found.loss)
    assert Exact().estimate(there).values.allclose(Exact().estimate(found).values)
    assert not fit_at(found.task, found.data, found.theta + 0.1, trainer=found.trainer).converged


def test_models_are_polished_together_as_each_alone_and_what_was_given_stays():
    fitted = minimum(binary_problem, n=30)
    weights = fitted.weights * (1 - torch.eye(30, dtype=torch.float64))[:4]
    far = torch.tensor([[0.0], [1e-4], [1e-2], [1.0]], dtype=torch.float64)
    start = fitted.theta + far * torch.ones_like(fitted.theta)
    given = start.clone()
    theta, step, left = polish(fitted.task, fitted.data, start, weights)
    assert torch.equal(start, given)
    alone = [polish(fitted.task, fitted.data, *pair) for pair in zip(start.split(1), weights.split(1), strict=True)]
    for row, found in enumerate(alone):
        assert theta[row].allclose(found[0][0], rtol=0, atol=1e-8)
        assert float(found[2]) < LEFT
    assert float(derivatives.gradients(fitted.task, fitted.data, theta + step, weights).norm(dim=1).max()) < 1e-12
    assert (left < LEFT).all()
