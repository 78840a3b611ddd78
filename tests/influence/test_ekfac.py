"""EK-FAC is the dense Kronecker algebra it stands for, and Gauss-Newton where its assumption is true."""

from dataclasses import dataclass, replace

import numpy
import pytest
import torch
import torch_networks
from oracles import softmax
from problems import class_data, images, minimum, ridge_problem, split, value_data

from influencelab.errors import InvalidParameter, NotConverged
from influencelab.influence.estimators import ekfac
from influencelab.influence.estimators.ekfac import EKFAC
from influencelab.influence.estimators.exact import Exact
from influencelab.models import derivatives, layer_curvature, loss_derivatives
from influencelab.models.task import Task
from influencelab.models.tasks.all_cnn import AllCNN
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.testing.bounds import SAME, faults
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.adam import Adam


def fitted(task: Task, data, *, steps: int = 20) -> Fit:
    """Somewhere on the way, with unequal weights."""
    weights = torch.linspace(0.5, 1.5, data.n, dtype=torch.float64) / data.n
    return fit(task, data, Adam(learning_rate=0.02, steps=steps), weights=weights)


# Each with its network by torch.nn; regression has one output whose curvature is 1.
CASES = {
    "logistic": (
        lambda: fitted(Logistic(0.05), class_data(0, n=30, m=3)),
        torch_networks.multilayer([4, 3]),
    ),
    "network": (
        lambda: fitted(MLP(0.05, depth=2, width=3), class_data(1, n=20, m=3)),
        torch_networks.multilayer([4, 3, 3, 3]),
    ),
    "network with free biases": (
        lambda: fitted(MLP(0.05, depth=1, width=3, penalise_bias=False), class_data(2, n=20, m=3)),
        torch_networks.multilayer([4, 3, 3]),
    ),
    "regression network": (
        lambda: fitted(MLP(0.05, depth=1, width=3, regression=True), value_data(3, n=20, m=3)),
        torch_networks.multilayer([4, 3, 1]),
    ),
    "convolutional network": (
        lambda: fitted(AllCNN(0.05, channels=2), images(side=6, n=8, m=2), steps=5),
        torch_networks.convolutional(6, 2, 3),
    ),
}


@pytest.fixture(params=CASES, scope="module")
def case(request):
    """A fit, and the truth about its layers."""
    build, network = CASES[request.param]
    made = build()
    return made, Truth.of(made, network)


@dataclass(frozen=True)
class Truth:
    """Dense algebra of every layer, from torch.nn's hooks and explicit Kronecker products.

    Attributes:
        train: wᵢ ∇ℓᵢ of each training point (n p).
        test: ∇L_j of each test point (m p).
        jacobians: ∂z/∂θ of each training point (n c p).
        bends: wᵢ ∂²ℓᵢ/∂z² (n c c).
        bases: outputs ⊗ inputs eigenvectors of each layer.
        factors: their eigenvalues' products, as K-FAC without correction has them.
        places: where each layer's parameters stand.
    """

    train: numpy.ndarray
    test: numpy.ndarray
    jacobians: numpy.ndarray
    bends: numpy.ndarray
    bases: list[numpy.ndarray]
    factors: list[numpy.ndarray]
    places: list[slice]
    penalty: numpy.ndarray

    @classmethod
    def of(cls, made: Fit, network) -> "Truth":
        """The truth about a fit, whose network torch.nn has too."""
        x, w = made.data.x_train, made.weights.numpy()
        z = torch_networks.outputs(network, made.theta, x).detach().numpy()
        bends = numpy.ones((len(z), 1, 1))
        if made.data.classes:
            bends = numpy.array([numpy.diag(p) - numpy.outer(p, p) for p in softmax(z)])
        bends = w[:, None, None] * bends
        jacobians, bases, factors, places, used = [], [], [], [], 0
        for layer in torch_networks.seen(network, made.theta, x):
            whole = numpy.einsum("bctg,bth->bcgh", layer.jacobian, layer.inputs).reshape(*z.shape, -1)
            given = sum(w[i] * layer.inputs[i].T @ layer.inputs[i] for i in range(len(x)))
            pull = numpy.einsum("bctg,bce,betf->gf", layer.jacobian, bends, layer.jacobian)
            (one, left), (two, right) = numpy.linalg.eigh(pull), numpy.linalg.eigh(given)
            # A layer applied at T places: Grosse & Martens divide one of the two sums by T.
            scale = w.sum() * layer.inputs.shape[1]
            jacobians.append(whole)
            bases.append(numpy.kron(left, right))
            factors.append(numpy.kron(one, two) / scale)
            places.append(slice(used, used + whole.shape[2]))
            used += whole.shape[2]
        penalty = made.task.weight_decay * made.task.penalised(made.data).numpy()
        train = w[:, None] * gradients(network, made.theta, x, made.data.y_train)
        test = gradients(network, made.theta, made.data.x_test, made.data.y_test)
        return cls(train, test, numpy.concatenate(jacobians, 2), bends, bases, factors, places, penalty)

    def gauss_newton(self) -> numpy.ndarray:
        """Of the losses."""
        return numpy.einsum("bcp,bce,beq->pq", self.jacobians, self.bends, self.jacobians)

    def blocks(self, *, corrected: bool = True) -> list[numpy.ndarray]:
        """The losses' curvature of each layer as EK-FAC has it, or as K-FAC has it."""
        dense, found = self.gauss_newton(), []
        for basis, factors, place in zip(self.bases, self.factors, self.places, strict=True):
            values = numpy.diag(basis.T @ dense[place, place] @ basis) if corrected else factors
            found.append(basis @ numpy.diag(values) @ basis.T)
        return found

    def curvature(self, damping: list[float], *, corrected: bool = True) -> numpy.ndarray:
        """The matrix that EK-FAC inverts."""
        total = numpy.zeros((len(self.penalty),) * 2)
        blocks = self.blocks(corrected=corrected)
        for basis, block, place, added in zip(self.bases, blocks, self.places, damping, strict=True):
            held = numpy.diag(basis.T @ numpy.diag(self.penalty[place]) @ basis)
            total[place, place] = block + basis @ numpy.diag(held + added) @ basis.T
        return total

    def values(self, matrix: numpy.ndarray) -> numpy.ndarray:
        """wᵢ ∇ℓᵢᵀ matrix⁻¹ ∇L_j."""
        return self.train @ numpy.linalg.solve(matrix, self.test.T)


def gradients(network, theta, x, y) -> numpy.ndarray:
    """∇ℓ of each point (b p), by torch alone."""

    def losses(at):
        z = torch_networks.outputs(network, at, x)
        if y.is_floating_point():
            return (z[:, 0] - y).square() / 2
        return torch.nn.functional.cross_entropy(z, y, reduction="none")

    return torch.autograd.functional.jacobian(losses, theta).numpy()


def test_the_truth_of_the_tests_is_gauss_newton(case):
    made, truth = case
    dense = derivatives.hessians(made.task, made.data, made.theta[None], made.weights[None], kind="gauss_newton")[0]
    assert truth.gauss_newton() + numpy.diag(truth.penalty) == pytest.approx(dense.numpy(), rel=1e-9, abs=1e-12)


def test_estimates_are_dense_kronecker_algebra_layer_by_layer(case):
    made, truth = case
    estimate = EKFAC(damping=0.01, allow_unconverged=True).estimate(made)
    dampings = [0.01] * len(truth.places)
    assert estimate.values.numpy() == pytest.approx(truth.values(truth.curvature(dampings)), rel=1e-7)
    assert estimate.damping == pytest.approx(0.01)
    uncorrected = truth.values(truth.curvature(dampings, corrected=False))
    whole = truth.values(truth.gauss_newton() + numpy.diag(truth.penalty + 0.01))
    assert faults(estimate.values.numpy(), uncorrected, bounds=SAME)
    assert faults(estimate.values.numpy(), whole, bounds=SAME)


def test_every_layer_keeps_all_its_curvature(case):
    made, truth = case
    dense = truth.gauss_newton()
    for block, place in zip(ekfac.blocks(made), truth.places, strict=True):
        assert float(block.losses.sum()) == pytest.approx(numpy.trace(dense[place, place]), rel=1e-10)
        assert float(block.penalty.sum()) == pytest.approx(truth.penalty[place].sum(), rel=1e-10)
        assert float(block.losses.min()) >= 0


def test_the_residual_is_of_the_true_gauss_newton(case):
    made, truth = case
    estimate = EKFAC(damping=0.01, allow_unconverged=True).estimate(made)
    solved = numpy.linalg.solve(truth.curvature([0.01] * len(truth.places)), truth.test.T)
    true = truth.gauss_newton() + numpy.diag(truth.penalty + 0.01)
    wanted = numpy.linalg.norm(true @ solved - truth.test.T, axis=0) / numpy.linalg.norm(truth.test, axis=1)
    assert estimate.residual.numpy() == pytest.approx(wanted, rel=1e-6)
    assert wanted.min() > 0.01


def test_relative_damping_is_a_share_of_each_layers_mean_eigenvalue(case):
    made, truth = case
    recipe = EKFAC(damping=0.001, relative_damping=0.1, allow_unconverged=True)
    wanted = [0.001 + 0.1 * numpy.trace(block) / len(block) for block in truth.blocks()]
    assert recipe.dampings(made) == pytest.approx(wanted)
    estimate = recipe.estimate(made)
    assert estimate.values.numpy() == pytest.approx(truth.values(truth.curvature(wanted)), rel=1e-7)
    sizes = [place.stop - place.start for place in truth.places]
    assert estimate.damping == pytest.approx(numpy.average(wanted, weights=sizes))


def same_inputs():
    """A linear network that sees one point again and again, with labels that differ."""
    data = class_data(4, n=30, m=3)
    data.x_train[:] = data.x_train[0]
    return fitted(MLP(0.05, depth=0), data, steps=300)


@pytest.mark.parametrize("build", [lambda: minimum(ridge_problem, intercept=False), same_inputs])
def test_where_the_assumption_is_true_it_is_gauss_newton_influence(build):
    made = build()
    estimate = EKFAC(damping=0.03, allow_unconverged=True).estimate(made)
    exact = Exact(curvature="gauss_newton", damping=0.03, allow_unconverged=True).estimate(made)
    assert faults(estimate.values.numpy(), exact.values.numpy(), bounds=SAME) == []
    assert estimate.residual.max() < 1e-10
    assert faults(EKFAC(allow_unconverged=True).estimate(made).values.numpy(), exact.values.numpy(), bounds=SAME)


def test_what_is_known_of_a_fit_serves_every_damping(monkeypatch):
    made = CASES["network"][0]()
    first = EKFAC(allow_unconverged=True).estimate(made)
    monkeypatch.setattr(type(made.task), "layer_factors", None)
    second = EKFAC(damping=1.0, allow_unconverged=True).estimate(made)
    assert not torch.allclose(first.values, second.values, rtol=0.1)
    with pytest.raises(TypeError):
        EKFAC(allow_unconverged=True).estimate(replace(made))


def test_points_come_in_chunks_and_change_nothing(monkeypatch):
    made = CASES["convolutional network"][0]()
    whole = ekfac.blocks(made)
    again = replace(made)
    first = made.task.layer_factors(made.theta, made.data.x_train[:1], made.data.y_train[:1])
    monkeypatch.setattr(loss_derivatives, "CHUNK", 3 * max(map(layer_curvature.numbers, first)))
    assert [len(weights) for _, weights in ekfac.passes(again)] == [3, 3, 2]
    for one, two in zip(whole, ekfac.blocks(again), strict=True):
        assert torch.allclose(one.losses, two.losses, rtol=1e-9, atol=1e-14)


def test_it_asks_for_a_minimum_unless_told_otherwise():
    with pytest.raises(NotConverged, match="allow_unconverged=True"):
        EKFAC().estimate(CASES["network"][0]())


@dataclass(frozen=True)
class Shift(Task):
    """One parameter added to the first feature: no layer."""

    output_loss = MLP(0.0, regression=True).output_loss
    convex = True

    def start(self, data, seed):
        """0."""
        return data.x_train.new_zeros(1 + 0 * seed)

    def penalised(self, data):
        """Nothing is."""
        return data.x_train.new_zeros(1).bool()

    def outputs(self, theta, x):
        """θ + the feature."""
        return theta[..., None] + x[:, 0]


def test_a_task_without_layers_is_refused_by_name():
    x = torch.arange(5.0, dtype=torch.float64)[:, None]
    made = fit(Shift(0.0), split(x, x[:, 0], n=4, classes=0), Adam(steps=1))
    with pytest.raises(InvalidParameter, match=r"Shift is not made of layers.*'conjugate_gradient'"):
        EKFAC(allow_unconverged=True).estimate(made)


@pytest.mark.parametrize("settings", [{"damping": -1.0}, {"relative_damping": -0.1}, {"relative_damping": numpy.inf}])
def test_impossible_dampings_are_refused(settings):
    with pytest.raises(InvalidParameter, match="damping is"):
        EKFAC(**settings)
