"""Every derivative of every task against finite differences of formulas written anew in NumPy."""

from dataclasses import replace

import numpy
import pytest
import torch
from oracles import along, gradient, hessian, linear_hessian, model, objective, points_of
from problems import class_data, value_data

from influencelab import names
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models import derivatives, loss_derivatives
from influencelab.models.closed_forms import linear
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.models.task import LinearTask, Task
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.models.tasks.ridge import Ridge
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.recipe import kind_name

CLASSES, TWO, VALUES = class_data(0, n=15, m=3), class_data(1, n=15, m=3, classes=2), value_data(2, n=15, m=3)
SMALL = class_data(3, n=9, m=2, features=2)
CASES = {
    "logistic": (Logistic(0.1), CLASSES),
    "logistic, intercept penalised": (Logistic(0.1, penalise_intercept=True), CLASSES),
    "logistic without intercept": (Logistic(0.0, intercept=False), CLASSES),
    "binary": (BinaryLogistic(0.1), TWO),
    "binary without intercept": (BinaryLogistic(0.0, intercept=False), TWO),
    "binary by softmax": (Logistic(0.1), TWO),
    "hinge": (SmoothHinge(0.1, t=0.4), TWO),
    "hinge with an intercept": (SmoothHinge(0.0, t=1.5, intercept=True), TWO),
    "true hinge": (SmoothHinge(0.1, t=0.0), TWO),
    "ridge": (Ridge(0.1), VALUES),
    "ridge, intercept penalised": (Ridge(0.1, penalise_intercept=True), VALUES),
    "linear network": (MLP(0.1, depth=0), CLASSES),
    "tanh network": (MLP(0.1, width=2), SMALL),
    "deep softplus network": (MLP(0.1, depth=2, width=2, activation="softplus", penalise_bias=False), SMALL),
    "selu network": (MLP(0.1, width=2, activation="selu", init="glorot"), SMALL),
    "relu network": (MLP(0.1, width=2, activation="relu", init="he"), SMALL),
    "regression network": (MLP(0.1, width=2, regression=True), value_data(4, n=9, m=2, features=2)),
}
# Activations with a kink, which finite differences must not step over.
KINKED = {"selu network": 1e-4, "relu network": 1e-4, "true hinge": 1e-4}
STEPS = {name: KINKED.get(name, 2e-2) for name in CASES}


@pytest.fixture(params=CASES)
def case(request):
    """A task, its data, two parameter vectors and two rows of unequal weights, and the task's formulas."""
    task, data = CASES[request.param]
    generator = torch.Generator().manual_seed(5)
    p = len(task.start(data, 0))
    theta = 0.5 * torch.randn(2, p, generator=generator, dtype=torch.float64)
    weights = torch.rand(2, data.n, generator=generator, dtype=torch.float64) / data.n
    return task, data, theta, weights, model(task, data), STEPS[request.param]


def test_every_task_is_tried():
    # Second differences of the convolutional network take too long: its own file holds it to torch.nn. Deviances,
    # Huber's loss, networks of any widths, absolute penalties and offsets have files of their own too.
    others = {"all_cnn", "generalised_linear", "huber_regression", "feed_forward", "signed_linear", "offset_linear"}
    others |= {"sparse_linear", "block_mlp"}
    assert {kind_name(task) for task, _ in CASES.values()} == set(names(Task)) - others


def test_losses_outputs_and_objectives_are_the_formulas(case):
    task, data, theta, weights, formulas, _ = case
    points = points_of(data)
    values = derivatives.objectives(task, data, theta, weights)
    for k in range(2):
        wanted = objective(formulas, theta[k].numpy(), points._replace(w=weights[k].numpy()))
        assert float(values[k]) == pytest.approx(wanted, rel=1e-13)
    losses = task.losses(theta, data.x_train, data.y_train)
    outputs = task.outputs(theta, data.x_train)
    for k in range(2):
        wanted = formulas.losses(theta[k].numpy(), points.x, points.y)
        assert losses[k].numpy() == pytest.approx(wanted, rel=1e-12, abs=1e-14)
        assert pytest.approx(formulas.outputs(theta[k].numpy(), points.x), rel=1e-12) == outputs[k].numpy().T


def test_gradients_are_finite_differences_of_the_objective(case):
    task, data, theta, weights, formulas, step = case
    found = derivatives.gradients(task, data, theta, weights)
    values, also = derivatives.objectives_and_gradients(task, data, theta, weights)
    assert torch.allclose(found, also, rtol=1e-13, atol=1e-15)
    assert torch.allclose(values, derivatives.objectives(task, data, theta, weights), rtol=1e-14)
    for k in range(2):
        points = points_of(data, weights[k].numpy())
        wanted = gradient(lambda at, points=points: objective(formulas, at, points), theta[k].numpy(), step=step)
        assert found[k].numpy() == pytest.approx(wanted, rel=1e-9, abs=1e-11)


def test_dense_hessians_are_second_differences_of_the_objective(case, request):
    task, data, theta, weights, formulas, _ = case
    found = derivatives.hessians(task, data, theta, weights)
    if request.node.callspec.params["case"] in KINKED:
        # Second differences would step over a kink; between kinks the products tell the same.
        eye = torch.eye(theta.shape[1], dtype=theta.dtype)
        assert torch.allclose(found[1], derivatives.products(task, data, theta[1], weights[1], eye), atol=1e-14)
        return
    assert torch.allclose(found, found.mT, atol=1e-15)
    points = points_of(data, weights[1].numpy())
    wanted = hessian(lambda at: objective(formulas, at, points), theta[1].numpy())
    assert found[1].numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-8)
    if isinstance(task, LinearTask):
        assert found[1].numpy() == pytest.approx(linear_hessian(formulas, theta[1].numpy(), points), abs=1e-14)


@pytest.mark.parametrize("kind", derivatives.PRODUCTS)
def test_products_are_the_dense_curvature_times_each_vector(case, kind):
    task, data, theta, weights, _, step = case
    dense = derivatives.hessians(task, data, theta, weights, kind=kind)
    vectors = torch.randn(3, theta.shape[1], generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    found = derivatives.products(task, data, theta[0], weights[0], vectors, kind=kind)
    assert torch.allclose(found, vectors @ dense[0], rtol=1e-10, atol=1e-14)
    if kind == "hessian":
        moved = along(
            lambda at: derivatives.gradients(task, data, torch.from_numpy(at)[None], weights[:1])[0].numpy(),
            theta[0].numpy(),
            vectors[0].numpy(),
            step=step / 5,
        )
        assert found[0].numpy() == pytest.approx(moved, rel=1e-8, abs=1e-10)


def test_gauss_newton_is_the_bend_of_the_loss_between_jacobians_of_the_outputs(case):
    task, data, theta, weights, formulas, step = case
    points, at = points_of(data, weights[0].numpy()), theta[0].numpy()
    jacobians = gradient(lambda here: formulas.outputs(here, points.x), at, step=step)
    outputs = torch.from_numpy(formulas.outputs(at, points.x)).T
    bends = task.output_loss.hessians(outputs, data.y_train).numpy()
    wanted = numpy.einsum("n,acn,nap,ncq->pq", points.w, bends, jacobians, jacobians) + numpy.diag(formulas.penalty)
    found = derivatives.hessians(task, data, theta, weights, kind="gauss_newton")
    assert found[0].numpy() == pytest.approx(wanted, rel=1e-8, abs=1e-10)
    mine = derivatives.output_jacobians(task, data.x_train, theta[0])
    assert mine.numpy() == pytest.approx(jacobians, rel=1e-9, abs=1e-11)
    pushed = task.output_slopes(theta[0], data.x_train, theta)
    assert pytest.approx(jacobians @ theta[1].numpy(), rel=1e-9, abs=1e-11) == pushed[1].numpy().T


def test_point_slopes_and_gradients_are_finite_differences_of_each_loss(case):
    task, data, theta, _, formulas, step = case
    points, at = points_of(data), theta[0].numpy()
    wanted = gradient(lambda here: formulas.losses(here, points.x, points.y), at, step=step)
    rows = torch.tensor([4, 1])
    dense = derivatives.point_gradients(task, data, theta[0])
    assert dense.numpy() == pytest.approx(wanted, rel=1e-9, abs=1e-11)
    assert torch.allclose(derivatives.point_gradients(task, data, theta[0], rows), dense[rows], rtol=1e-12, atol=1e-14)
    slopes = derivatives.point_slopes(task, data, theta[0], theta)
    assert slopes.numpy() == pytest.approx(wanted @ theta.numpy().T, rel=1e-9, abs=1e-10)
    weights = torch.zeros(1, data.n, dtype=torch.float64)
    weights[0, rows] = torch.tensor([2.0, 3.0], dtype=torch.float64)
    summed = task.derivatives(data).gradients(theta[:1], weights, rows)
    assert summed[0].numpy() == pytest.approx(2 * wanted[4] + 3 * wanted[1], rel=1e-9, abs=1e-10)


def test_measures_and_their_gradients_are_the_losses_of_the_test_points(case):
    task, data, theta, _, formulas, step = case
    points = points_of(data)
    found = derivatives.measures(task, data, theta)
    for k in range(2):
        wanted = formulas.losses(theta[k].numpy(), points.x_test, points.y_test)
        assert found[k].numpy() == pytest.approx(wanted, rel=1e-12, abs=1e-14)
    slopes = gradient(lambda here: formulas.losses(here, points.x_test, points.y_test), theta[0].numpy(), step=step)
    pulls = derivatives.measure_gradients(task, data, theta[0])
    assert pulls.numpy() == pytest.approx(slopes, rel=1e-9, abs=1e-11)


def everything(task, data, theta, weights):
    """All sums over points, for two models."""
    return {
        "objectives": derivatives.objectives(task, data, theta, weights),
        "gradients": derivatives.gradients(task, data, theta, weights),
        "both": derivatives.objectives_and_gradients(task, data, theta, weights)[1],
        "products": derivatives.products(task, data, theta[0], weights[0], theta),
        "bent": derivatives.products(task, data, theta[0], weights[0], theta, kind="gauss_newton"),
        "hessians": derivatives.hessians(task, data, theta, weights),
        "gauss_newton": derivatives.hessians(task, data, theta, weights, kind="gauss_newton"),
        "point_slopes": derivatives.point_slopes(task, data, theta[0], theta),
        "measures": derivatives.measures(task, data, theta),
    }


def test_chunks_change_nothing(case, monkeypatch):
    task, data, theta, weights, *_ = case
    whole = everything(task, data, theta, weights)
    monkeypatch.setattr(loss_derivatives, "CHUNK", 7)
    monkeypatch.setattr(linear, "ROWS", 4)
    assert len(list(derivatives.chunks(data.n, width=2))) > 1
    for name, found in everything(task, data, theta, weights).items():
        assert torch.allclose(found, whole[name], rtol=1e-11, atol=1e-14), name


def test_models_at_once_are_the_models_one_by_one(case):
    task, data, theta, weights, *_ = case
    together = everything(task, data, theta, weights)
    for k in range(2):
        alone = everything(task, data, theta[k : k + 1], weights[k : k + 1])
        for name in ("objectives", "gradients", "both", "hessians", "gauss_newton", "measures"):
            assert torch.allclose(together[name][k], alone[name][0], rtol=1e-12, atol=1e-15), name


def test_no_chunk_of_a_dense_curvature_holds_all_points(monkeypatch):
    """Memory must not grow with n, for Gauss-Newton as for the Hessian."""
    task, data = CASES["tanh network"]
    theta, weights = task.start(data, 0)[None], torch.full((1, data.n), 0.1, dtype=torch.float64)
    seen = []
    original = type(task).outputs
    monkeypatch.setattr(type(task), "outputs", lambda self, at, x: seen.append(len(x)) or original(self, at, x))
    monkeypatch.setattr(loss_derivatives, "CHUNK", 1)
    definitions = LossDerivatives(task, data, task.units(data))
    for kind in derivatives.PRODUCTS:
        seen.clear()
        definitions.hessians(theta, weights, kind=kind)
        assert max(seen) == 1


def test_a_chunk_holds_points_for_more_work_than_its_models_make(monkeypatch):
    task, data = CASES["tanh network"]
    monkeypatch.setattr(loss_derivatives, "CHUNK", 30)
    few, many = LossDerivatives(task, data, 10), LossDerivatives(task, data, 10, parameters=200)
    # 3 points of 10 numbers; for 5 models at least 5 · 200 / 4 numbers, which are 5 points of 50.
    assert [len(range(*rows.indices(data.n))) for rows in few.chunks(1)] == [3, 3, 3]
    assert [len(range(*rows.indices(data.n))) for rows in few.chunks(5)] == [1] * 9
    assert [len(range(*rows.indices(data.n))) for rows in many.chunks(5)] == [5, 4]


@pytest.mark.slow
def test_wide_hessians_are_filled_strip_by_strip():
    """More columns than one strip has, so that what is mirrored is tried too."""
    for task, data in (
        (Logistic(0.1), class_data(7, n=20, m=1, classes=2, features=130)),
        (Ridge(0.1), value_data(8, n=20, m=1, features=300)),
    ):
        theta = 0.1 * torch.randn(len(task.start(data, 0)), generator=torch.Generator().manual_seed(9)).double()
        weights = torch.rand(data.n, generator=torch.Generator().manual_seed(9)).double()
        found = derivatives.hessians(task, data, theta[None], weights[None])[0]
        wanted = linear_hessian(model(task, data), theta.numpy(), points_of(data, weights.numpy()))
        assert found.numpy() == pytest.approx(wanted, rel=1e-11, abs=1e-13)


@pytest.mark.parametrize("name", ["logistic", "binary", "tanh network"])
def test_losses_of_sure_models_keep_their_digits(name):
    """A loss of 1e-20 is no 0 and a gradient sums to 0 over the classes, however sure the model is."""
    task, data = CASES[name]
    theta = torch.linspace(-60, 60, len(task.start(data, 0)), dtype=torch.float64)
    outputs = task.outputs(theta, data.x_test)
    sure = outputs.argmax(0) if len(outputs) > 1 else (outputs[0] > 0).long()
    losses = task.losses(theta, data.x_test, sure)
    gaps = (outputs.amax(0) - outputs).sort(0).values[1:] if len(outputs) > 1 else outputs.abs()
    assert float(losses.min()) < 1e-12
    assert losses.numpy() == pytest.approx(torch.log1p(torch.exp(-gaps).sum(0)).numpy(), rel=1e-9)
    wrong = task.losses(theta, data.x_test, (sure + 1) % data.classes)
    assert (wrong > 10).any()
    pulls = derivatives.measure_gradients(task, replace(data, y_test=sure), theta)
    if len(outputs) > 1:
        columns = data.x_train.shape[1] + 1 if name == "logistic" else task.width + 1
        shift = pulls[:, -len(outputs) * columns :].unflatten(1, (len(outputs), -1)).sum(1)
        assert (shift.norm(dim=1) <= 1e-14 * pulls.norm(dim=1)).all()


@pytest.mark.parametrize("gap", [19.9, 20.1, 25.0, 36.0])
def test_large_losses_have_no_jump(gap):
    z = torch.tensor([[gap]], dtype=torch.float64)
    wanted = gap + numpy.log1p(numpy.exp(-gap))
    binary = BinaryLogistic(0.0).output_loss.values(z, torch.zeros(1, dtype=torch.int64))
    two = Logistic(0.0).output_loss.values(torch.cat([z * 0, z]), torch.zeros(1, dtype=torch.int64))
    assert float(binary) == pytest.approx(wanted, rel=1e-15)
    assert float(two) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize(
    ("task", "data"),
    [(Logistic(0.1), VALUES), (BinaryLogistic(0.1), CLASSES), (Ridge(0.1), CLASSES), (MLP(0.1), VALUES)],
)
def test_a_task_refuses_data_of_another_kind(task, data):
    with pytest.raises(InvalidData, match="classes"):
        task.start(data, 0)


def test_a_curvature_that_is_not_there_is_refused_by_name():
    task, data = CASES["logistic"]
    theta = task.start(data, 0)
    with pytest.raises(InvalidParameter, match="'fisher', expected one of hessian, gauss_newton"):
        derivatives.products(task, data, theta, torch.ones(data.n).double(), theta[None], kind="fisher")
    with pytest.raises(InvalidParameter, match="'fisher'"):
        derivatives.hessians(task, data, theta[None], torch.ones(1, data.n).double(), kind="fisher")


def test_starts_repeat_and_follow_their_seed_and_recipe():
    data = class_data(0, n=30, m=3, features=50)
    for init, variance in (("lecun", 1 / 50), ("he", 2 / 50), ("glorot", 2 / 90)):
        task = MLP(0.1, width=40, init=init)
        start = task.start(data, 1)
        first = start[: 40 * 51].view(40, 51)
        # Equal bits: the same draws by the same code.
        assert torch.equal(start, task.start(data, 1))
        assert not torch.equal(start, task.start(data, 2))
        assert float(first[:, :-1].var()) == pytest.approx(variance, rel=0.1)
        assert not first[:, -1].any()
