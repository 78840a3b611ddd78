"""The scores that solve nothing: what they are, and that they claim no more."""

import numpy
import pytest
import torch
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem

from influencelab import make
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.training.fit import fit as train
from influencelab.training.trainers.newton import Newton

BASELINES = ("gradient_cosine", "gradient_dot", "random", "same_label")
PROBLEMS = (logistic_problem, binary_problem, ridge_problem, mlp_problem)


def slow_gradients(fit, x, y):
    """∇ℓ of each point by one backward pass a point."""
    rows = []
    for point, label in zip(x, y, strict=True):
        theta = fit.theta.clone().requires_grad_()
        outputs = fit.task.outputs(theta, point[None])[:, 0]
        if fit.data.classes == 0:
            loss = (outputs[0] - label) ** 2 / 2
        elif len(outputs) == 1:
            loss = -torch.log(torch.sigmoid(outputs[0] * (2 * label - 1)))
        else:
            loss = -torch.log_softmax(outputs, 0)[label]
        rows.append(torch.autograd.grad(loss, theta)[0])
    return torch.stack(rows).numpy()


@pytest.fixture(params=PROBLEMS)
def case(request):
    fit = minimum(request.param)
    data = fit.data
    return fit, slow_gradients(fit, data.x_train, data.y_train), slow_gradients(fit, data.x_test, data.y_test)


def test_the_dot_product_is_that_of_the_weighted_gradients(case):
    fit, ours, theirs = case
    estimate = make(Estimator, "gradient_dot").estimate(fit)
    assert numpy.allclose(estimate.values.numpy(), ours @ theirs.T / fit.data.n, atol=1e-14)


def test_the_cosine_is_that_of_the_gradients(case):
    fit, ours, theirs = case
    ours = ours / numpy.linalg.norm(ours, axis=1, keepdims=True)
    theirs = theirs / numpy.linalg.norm(theirs, axis=1, keepdims=True)
    values = make(Estimator, "gradient_cosine").estimate(fit).values.numpy()
    assert numpy.allclose(values, ours @ theirs.T, atol=1e-12)
    assert numpy.abs(values).max() <= 1 + 1e-12


def test_a_point_whose_gradient_vanishes_has_cosine_zero():
    task, data = ridge_problem(intercept=False)
    data.x_train[0], data.x_test[0] = 0, 0
    values = make(Estimator, "gradient_cosine").estimate(train(task, data, Newton())).values
    assert (values[0] == 0).all()
    assert (values[:, 0] == 0).all()
    assert values[1:, 1:].abs().min() > 0


def test_a_copy_of_a_test_point_helps_it():
    task, data = logistic_problem()
    data.x_train[7], data.y_train[7] = data.x_test[2], data.y_test[2]
    fit = train(task, data, Newton())
    assert make(Estimator, "gradient_cosine").estimate(fit).values[7, 2] == pytest.approx(1)
    assert make(Estimator, "gradient_dot").estimate(fit).values[7, 2] > 0
    assert make(Estimator, "same_label").estimate(fit).values[7, 2] == 1


def test_weights_of_points_count_in_the_dot_product_only():
    task, data = logistic_problem()
    weights = torch.ones(data.n, dtype=torch.float64) / data.n
    weights[3] *= 2
    fit = train(task, data, Newton(), weights=weights)
    dot, cosine = (make(Estimator, name).estimate(fit).values for name in ("gradient_dot", "gradient_cosine"))
    lengths = torch.from_numpy(numpy.linalg.norm(slow_gradients(fit, data.x_train, data.y_train), axis=1))
    pulls = torch.from_numpy(numpy.linalg.norm(slow_gradients(fit, data.x_test, data.y_test), axis=1))
    assert torch.allclose(dot, weights[:, None] * lengths[:, None] * pulls * cosine)


def test_random_scores_are_repeatable_and_say_nothing():
    fit = minimum(logistic_problem, n=400, m=20)
    first, again, other = (make(Estimator, "random", seed=seed).estimate(fit).values for seed in (0, 0, 1))
    # Equal bits: the same draws.
    assert torch.equal(first, again)
    truth = Exact().estimate(fit).values
    stacked = torch.stack([first.flatten(), other.flatten(), truth.flatten()])
    correlations = torch.corrcoef(stacked)[torch.triu_indices(3, 3, 1).unbind()]
    # Five standard errors of a correlation of 8,000 independent pairs.
    assert correlations.abs().max() < 5 / 8000**0.5
    assert abs(float(first.mean())) < 0.06
    assert float(first.std()) == pytest.approx(1, abs=0.05)


def test_same_label_marks_the_pairs_of_one_class():
    fit = minimum(logistic_problem)
    values = make(Estimator, "same_label").estimate(fit).values
    for i in range(fit.data.n):
        for j in range(fit.data.m):
            assert values[i, j] == float(int(fit.data.y_train[i]) == int(fit.data.y_test[j]))
    assert 0 < values.mean() < 1


def test_same_label_needs_classes():
    with pytest.raises(InvalidData, match="real targets"):
        make(Estimator, "same_label").estimate(minimum(ridge_problem))


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_rank_single_removals_and_claim_no_more(name):
    fit = minimum(logistic_problem)
    estimate = make(Estimator, name).estimate(fit)
    assert estimate.unit == "none"
    assert estimate.slopes is None
    assert estimate.values.shape == (fit.data.n, fit.data.m)
    for convention in ("drop", "renormalise"):
        # Equal bits: copies.
        assert torch.equal(estimate.predict(leave_one_out(fit.data.n, convention=convention)), estimate.values)
    with pytest.raises(InvalidParameter, match="single removals"):
        estimate.predict(groups(fit.data.n, members=[[0, 1]]))


@pytest.mark.parametrize("name", BASELINES)
def test_baselines_take_a_fit_that_is_no_minimum(name):
    task, data = logistic_problem()
    fit = train(task, data, Newton(max_steps=0))
    assert not fit.converged
    assert make(Estimator, name).estimate(fit).values.isfinite().all()


def test_gradients_without_curvature_are_not_influence():
    fit = minimum(logistic_problem)
    exact, dot = Exact().estimate(fit).values, make(Estimator, "gradient_dot").estimate(fit).values
    assert torch.corrcoef(torch.stack([exact.flatten(), dot.flatten()]))[0, 1] > 0.3, "it has some skill"
    assert (exact - dot).norm() > 0.5 * exact.norm(), "and neither the size"
