"""The true hinge is brought to its exact minimum: by the conditions, by other solvers, and by brute force."""

import itertools
from dataclasses import replace

import numpy
import pytest
import torch
from problems import class_data
from scipy.optimize import lsq_linear
from sklearn.svm import SVC

from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidData, InvalidParameter, NotConverged
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.training.fit import fit
from influencelab.training.trainers.active_set import ActiveSet
from influencelab.training.trainers.liblinear import Liblinear
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sequential import Sequential

POLISHED = Sequential(first=Liblinear(), then=ActiveSet(), tolerance=1e-10)
DECAYS = [1e-4, 1e-2, 0.3, 10.0]


def two_classes(seed: int = 0, **settings):
    return class_data(seed, classes=2, **settings)


def sided(data):
    x = data.x_train.flatten(1).numpy()
    return numpy.where(data.y_train.numpy() == 1, 1.0, -1.0)[:, None] * x


def shortest_subgradient(z, w, theta, decay: float) -> float:
    """By bounded least squares over the slopes at the kink; every other point has one slope."""
    s = z @ theta
    kink = numpy.abs(s - 1) < 1e-9
    rest = decay * theta - w[(s < 1) & ~kink] @ z[(s < 1) & ~kink]
    if not kink.any():
        return float(numpy.linalg.norm(rest))
    return float(numpy.linalg.norm(lsq_linear(z[kink].T * w[kink], rest, (0, 1), method="bvls", tol=1e-15).fun))


def by_hand(z, w, decay: float) -> numpy.ndarray:
    """The minimum by trying, for every point, whether it is below, at or above the kink."""
    for kinds in itertools.product((0, 1, 2), repeat=len(z)):
        below, free = (numpy.flatnonzero(numpy.array(kinds) == kind) for kind in (0, 1))
        alpha = numpy.zeros(len(z))
        alpha[below] = w[below]
        if len(free):
            gram, right = z[free] @ z[free].T, decay - z[free] @ (alpha @ z)
            if numpy.linalg.matrix_rank(gram) < len(free):
                continue
            alpha[free] = numpy.linalg.solve(gram, right)
        theta, s = alpha @ z / decay, z @ (alpha @ z) / decay
        inside = ((alpha >= -1e-12) & (alpha <= w + 1e-12)).all()
        if inside and (s[below] <= 1 + 1e-12).all() and (s[numpy.array(kinds) == 2] >= 1 - 1e-12).all():
            return theta
    raise AssertionError("no combination meets the conditions")


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("seed", range(3))
def test_the_minimum_is_the_one_that_meets_the_conditions(seed, decay):
    data = two_classes(seed, n=8, m=2, features=3)
    weights = torch.rand(8, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) / 8
    found = fit(SmoothHinge(decay, t=0.0), data, ActiveSet(), weights=weights)
    assert found.converged
    assert found.theta.numpy() == pytest.approx(by_hand(sided(data), weights.numpy(), decay), abs=1e-11)


@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("features", [3, 80])
def test_the_reported_residual_is_the_shortest_subgradient(decay, features):
    data = two_classes(3, features=features)
    task, z, w = SmoothHinge(decay, t=0.0), sided(data), numpy.full(60, 1 / 60)
    for trainer in (POLISHED, ActiveSet(), Liblinear()):
        found = fit(task, data, trainer)
        assert found.grad_norm == pytest.approx(shortest_subgradient(z, w, found.theta.numpy(), decay), abs=1e-12)
        assert found.converged == (found.grad_norm <= trainer.tolerance)
    assert fit(task, data, POLISHED).converged
    if decay < 1:
        assert not fit(task, data, ActiveSet(max_steps=1)).converged


@pytest.mark.parametrize("decay", [1e-2, 0.3])
def test_a_general_solver_of_the_same_problem_agrees(decay):
    """libsvm has an intercept, so every point comes with its mirror image of the other class: the intercept is 0."""
    data = two_classes(1, n=40)
    x, y = data.x_train.numpy(), data.y_train.numpy()
    machine = SVC(kernel="linear", C=1 / (40 * decay), tol=1e-12)
    machine.fit(numpy.vstack([x, -x]), numpy.concatenate([y, 1 - y]))
    theta = fit(SmoothHinge(decay / 2, t=0.0), data, ActiveSet()).theta.numpy()
    assert abs(machine.intercept_[0]) < 1e-6
    theta_twice = fit(SmoothHinge(decay, t=0.0), data, ActiveSet(), weights=torch.full((40,), 2 / 40)).theta.numpy()
    assert theta_twice == pytest.approx(machine.coef_[0], abs=1e-5)
    assert theta == pytest.approx(theta_twice, abs=1e-10)


def test_no_other_weights_have_a_lower_objective():
    data, task = two_classes(2), SmoothHinge(0.05, t=0.0)
    found = fit(task, data, ActiveSet())
    z = sided(data)

    def objective(theta):
        return numpy.maximum(0, 1 - z @ theta).mean() + 0.025 * theta @ theta

    generator, at = numpy.random.default_rng(0), found.theta.numpy()
    assert objective(at) == pytest.approx(found.loss, rel=1e-13)
    for size in (1e-6, 1e-3, 1.0):
        assert all(objective(at + size * generator.normal(size=4)) > objective(at) for _ in range(50))


def test_points_that_depend_on_each_other_do_not_stop_the_search():
    data = two_classes(4, n=30, features=2)
    twice = replace(
        data,
        x_train=torch.cat([data.x_train, data.x_train]),
        y_train=torch.cat([data.y_train, data.y_train]),
        train_ids=torch.arange(60),
    )
    for decay in (1e-4, 1e-2):
        once, both = (fit(SmoothHinge(decay, t=0.0), one, ActiveSet()) for one in (data, twice))
        assert both.converged
        assert torch.allclose(once.theta, both.theta, atol=1e-10)


def test_liblinear_is_the_estimator_that_was_published():
    from sklearn.svm import LinearSVC

    data, decay = two_classes(5), 0.01
    machine = LinearSVC(
        loss="hinge", C=1 / (60 * decay), fit_intercept=False, tol=1e-6, max_iter=5000, random_state=24
    ).fit(data.x_train.numpy(), data.y_train.numpy())
    assert fit(SmoothHinge(decay, t=0.0), data, Liblinear()).theta.numpy() == pytest.approx(machine.coef_[0], abs=1e-12)


def test_liblinear_is_near_the_minimum_and_not_at_it():
    data, task = two_classes(6, n=200, features=20), SmoothHinge(0.01, t=0.0)
    rough, exact = fit(task, data, Liblinear()), fit(task, data, POLISHED)
    assert (rough.theta - exact.theta).norm() < 1e-4
    assert rough.grad_norm > 1e-6 > exact.grad_norm
    with pytest.raises(NotConverged):
        Exact().estimate(rough)
    assert Exact(allow_unconverged=True).estimate(rough).values.isfinite().all()


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_retraining_from_the_fit_finds_what_training_anew_finds(convention):
    data, task = two_classes(7, n=40), SmoothHinge(0.02, t=0.0)
    fitted = fit(task, data, ActiveSet())
    retrained = Rerun(trainer=ActiveSet(), start="warm", require_converged=True).retrain(
        fitted, leave_one_out(40, convention=convention)
    )
    assert retrained.trusted.all()
    assert retrained.grad_norm.max() < 1e-13
    assert retrained.control.abs().max() < 1e-12
    z, z_test = sided(data), numpy.where(data.y_test == 1, 1.0, -1.0)[:, None] * data.x_test.numpy()
    for point in range(0, 40, 3):
        w = numpy.full(40, 1 / 40 if convention == "drop" else 1 / 39)
        w[point] = 0
        anew = ActiveSet().train(task, data, torch.zeros(1, 4, dtype=torch.float64), torch.from_numpy(w)[None])
        assert shortest_subgradient(z, w, anew.theta[0].numpy(), 0.02) < 1e-12
        change = numpy.maximum(0, 1 - z_test @ anew.theta[0].numpy()) - fitted.measures().numpy()
        assert retrained.values[point].numpy() == pytest.approx(change, abs=1e-11)


def test_what_was_given_stays_as_it_was_and_models_do_not_mix():
    data, task = two_classes(8), SmoothHinge(0.02, t=0.0)
    theta = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = torch.rand(3, 60, generator=torch.Generator().manual_seed(1), dtype=torch.float64) / 60
    copies = theta.clone(), weights.clone()
    for trainer in (ActiveSet(), Liblinear()):
        together = trainer.train(task, data, theta, weights)
        alone = torch.cat([trainer.train(task, data, theta[[k]], weights[[k]]).theta for k in range(3)])
        assert torch.allclose(together.theta, alone, atol=1e-12)
        assert theta.equal(copies[0])
        assert weights.equal(copies[1])


@pytest.mark.parametrize("trainer", [ActiveSet(), Liblinear()])
def test_another_loss_or_a_free_parameter_is_refused(trainer):
    data = two_classes()
    for task in (SmoothHinge(0.1, t=0.01), Logistic(0.1)):
        with pytest.raises(InvalidParameter, match=r"trains SmoothHinge\(t=0\), the true hinge, .* Use 'newton'"):
            fit(task, data, trainer)
    for task in (SmoothHinge(0.0, t=0.0), SmoothHinge(0.1, t=0.0, intercept=True)):
        with pytest.raises(InvalidParameter, match="needs weight decay on every parameter"):
            fit(task, data, trainer)
    both = SmoothHinge(0.1, t=0.0, intercept=True, penalise_intercept=True)
    assert len(fit(both, data, trainer).theta) == 5


def test_as_t_falls_the_smooth_minimum_goes_to_the_true_one():
    data = two_classes(9)
    true = fit(SmoothHinge(0.05, t=0.0), data, ActiveSet()).theta
    gaps = [float((fit(SmoothHinge(0.05, t=t), data, Newton()).theta - true).norm()) for t in (0.3, 0.03, 0.003)]
    assert gaps[0] > 3 * gaps[1] > 9 * gaps[2]


def test_float32_data_keep_their_dtype_and_find_the_same_minimum():
    data, task = two_classes(10), SmoothHinge(0.02, t=0.0)
    single = replace(data, x_train=data.x_train.float(), x_test=data.x_test.float())
    found = fit(task, single, POLISHED)
    assert found.theta.dtype == torch.float32
    assert found.converged
    assert torch.allclose(found.theta.double(), fit(task, data, POLISHED).theta, atol=1e-5)


def test_points_of_one_class_only_are_refused_by_the_solver_that_needs_both():
    data = two_classes()
    one = replace(data, y_train=torch.ones_like(data.y_train))
    with pytest.raises(InvalidData, match="all training points are of one class"):
        fit(SmoothHinge(0.1, t=0.0), one, Liblinear())
    assert fit(SmoothHinge(0.1, t=0.0), one, ActiveSet()).converged
