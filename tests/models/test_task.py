"""A task of five methods in one file is enough: all else is asked of defaults, which closed forms must agree with."""

from dataclasses import dataclass, replace

import numpy
import pytest
import torch
from problems import class_data, value_data

from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimators.conjugate_gradient import ConjugateGradient
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.gradient_cosine import GradientCosine
from influencelab.influence.estimators.last_layer import LastLayer
from influencelab.influence.estimators.lissa import Lissa
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.estimators.unrolled import Unrolled
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models import derivatives
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.task import LinearTask, Task
from influencelab.models.tasks.generalised_linear import GeneralisedLinear
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.models.tasks.offset_linear import OffsetLinear
from influencelab.models.tasks.signed_linear import SignedLinear
from influencelab.training.fit import fit
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.newton import Newton


@dataclass(frozen=True)
class Bare(Task):
    """Another task's model by its five methods alone."""

    model: Task

    @property
    def output_loss(self):
        """The model's."""
        return self.model.output_loss

    @property
    def convex(self):
        """The model's."""
        return self.model.convex

    def start(self, data, seed):
        """The model's."""
        return self.model.start(data, seed)

    def penalised(self, data):
        """The model's."""
        return self.model.penalised(data)

    def outputs(self, theta, x):
        """The model's."""
        return self.model.outputs(theta, x)


def bare(task: Task) -> Bare:
    return Bare(task.weight_decay, task)


CASES = {
    "linear": (Logistic(0.05), class_data(0, n=30, m=4)),
    "network": (MLP(0.05, width=3), class_data(0, n=30, m=4)),
    "regression network": (MLP(0.05, width=3, regression=True), value_data(1, n=30, m=4)),
}


@pytest.fixture(params=CASES)
def pair(request):
    """One fit, as the task with closed forms sees it and as the bare one does."""
    task, data = CASES[request.param]
    made = fit(task, data, Newton(tolerance=1e-10))
    return made, replace(made, task=bare(task))


@pytest.mark.parametrize(
    "estimator",
    [
        Exact(damping=0.01),
        ConjugateGradient(damping=0.01, curvature="gauss_newton", tolerance=1e-12),
        GradientCosine(),
        NewtonStep(damping=0.1, curvature="gauss_newton"),
        Lissa(batch_size=4, depth=20, damping=0.1, scale=50.0, curvature="gauss_newton"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_every_estimator_takes_a_task_without_closed_forms(pair, estimator):
    closed, plain = (estimator.estimate(each).values for each in pair)
    assert torch.allclose(plain, closed, rtol=1e-7, atol=1e-10)


def test_the_whole_of_training_is_followed_without_closed_forms():
    task, data = CASES["network"]
    closed, plain = (Unrolled().estimate(fit(each, data, GradientDescent(steps=25))) for each in (task, bare(task)))
    assert torch.allclose(plain.values, closed.values, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("retrainer", [SecondOrder(), SecondOrder(target="pbrf", target_damping=0.1), Rerun()])
def test_every_retrainer_takes_a_task_without_closed_forms(pair, retrainer):
    some = leave_one_out(30, rows=torch.arange(5))
    closed, plain = (retrainer.retrain(each, some) for each in pair)
    assert plain.converged.all()
    assert torch.allclose(plain.values, closed.values, rtol=1e-3, atol=1e-9)


def test_curvature_by_definition_is_curvature_in_closed_form(pair):
    closed, plain = (Curvature(each, kind="gauss_newton") for each in pair)
    assert torch.allclose(plain.dense(), closed.dense(), rtol=1e-9, atol=1e-12)
    assert torch.allclose(plain.diagonal(), closed.diagonal(), rtol=1e-9, atol=1e-12)


def test_a_task_without_layers_says_so(pair):
    _, plain = pair
    with pytest.raises(InvalidParameter, match="Bare has no last layer"):
        LastLayer().estimate(plain)
    with pytest.raises(InvalidParameter, match="needs a network of the kind 'mlp'; the fit is of Bare"):
        Rerun(last_layer=True).retrain(plain, leave_one_out(30))
    with pytest.raises(InvalidParameter, match="outputs of Bare are not linear"):
        plain.task.features(plain.data.x_train)


def test_a_wrong_closed_form_is_seen(monkeypatch):
    task, data = CASES["network"]
    made = fit(task, data, Newton(tolerance=1e-10))
    original = type(task.derivatives(data)).hessians
    monkeypatch.setattr(type(task.derivatives(data)), "hessians", lambda *a, **k: 1.01 * original(*a, **k))
    closed = Exact(damping=0.01).estimate(replace(made)).values
    plain = Exact(damping=0.01).estimate(replace(made, task=bare(task))).values
    assert not torch.allclose(plain, closed, rtol=1e-4)


@dataclass(frozen=True)
class Squares(LinearTask):
    """Features of its own."""

    @property
    def output_loss(self):
        """Half the squared error."""
        return SquaredError()

    def features(self, x):
        """Each point and its squares."""
        return torch.cat([x, x.square()], 1)

    def width(self, data):
        """Twice as many."""
        return 2 * data.x_train.shape[1]


@pytest.mark.parametrize(
    "task",
    [
        Logistic(0.1),
        Logistic(0.1, intercept=False),
        GeneralisedLinear(0.1, loss=SquaredError(), constant=3.0),
        SignedLinear(0.1, constant=0.5),
        OffsetLinear(0.1),
        Squares(0.1),
    ],
    ids=repr,
)
def test_outputs_and_gradients_of_linear_tasks_are_those_of_features_that_are_written_out(task):
    data = class_data(0, classes=4) if isinstance(task, Logistic) else value_data(0)
    size, width = task.output_loss.size(data), task.features(data.x_train).shape[1]
    assert width == task.width(data)
    theta = torch.randn(3, size * width, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = task.features(data.x_train).numpy()
    wanted = numpy.einsum("kcd,bd->kcb", theta.view(3, size, width).numpy(), x)
    outputs = task.outputs(theta, data.x_train)
    if isinstance(task, OffsetLinear):
        wanted = wanted + data.x_train[:, -1].numpy()
    assert outputs.numpy() == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    slopes = task.output_loss.gradients(outputs, data.y_train).numpy()
    weights = torch.rand(3, data.n, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = derivatives.gradients(replace(task, weight_decay=0.0), data, theta, weights)
    wanted = numpy.einsum("kcb,kb,bd->kcd", slopes, weights.numpy(), x).reshape(3, -1)
    assert found.numpy() == pytest.approx(wanted, rel=1e-12, abs=1e-12)
