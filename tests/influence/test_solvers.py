"""Conjugate gradients and LiSSA on fits, against NumPy and against the factorisation."""

from dataclasses import replace

import numpy
import pytest
import torch
from crossing import crossed
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem
from softmax_oracles import softmax_oracle

from influencelab import make
from influencelab.errors import IndefiniteCurvature, InvalidParameter, NotConverged, NullSpaceMass
from influencelab.influence.curvature import Curvature
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.conjugate_gradient import ConjugateGradient
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.lissa import Lissa
from influencelab.models import derivatives
from influencelab.training.fit import fit as train
from influencelab.training.trainers.newton import Newton

DAMPINGS = (0.0, 1e-2, 1.0)
SOLVERS = (
    ConjugateGradient(),
    ConjugateGradient(preconditioner="none"),
    Lissa(tolerance=1e-5),
    ConjugateGradient(curvature="gauss_newton"),
    Lissa(curvature="gauss_newton", tolerance=1e-5),
)
PROBLEMS = (
    (logistic_problem, {}),
    (binary_problem, {}),
    (ridge_problem, {}),
    (mlp_problem, {"n": 20, "weight_decay": 0.2}),
)


@pytest.mark.parametrize("damping", DAMPINGS)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("solver", [ConjugateGradient(tolerance=1e-10), Lissa(tolerance=1e-10, depth=20_000)])
def test_solvers_give_what_dense_numpy_gives(solver, intercept, damping):
    fit = minimum(logistic_problem, intercept=intercept)
    truth, _ = softmax_oracle(fit, damping)
    values = replace(solver, damping=damping).estimate(fit).values.numpy()
    assert numpy.abs(values - truth).max() <= 1e-7 * numpy.abs(truth).max()
    undamped, _ = softmax_oracle(fit, 0.0)
    if damping:
        assert numpy.abs(values - undamped).max() > 1e-3 * numpy.abs(truth).max(), "the damping must be felt"


@pytest.mark.parametrize(("problem", "solver", "damping"), crossed(PROBLEMS, SOLVERS, DAMPINGS))
def test_solvers_agree_with_the_factorisation_within_their_residuals(problem, solver, damping):
    build, settings = problem
    fit = minimum(build, **settings)
    estimate = replace(solver, damping=damping).estimate(fit)
    exact = Exact(curvature=solver.curvature, damping=damping).estimate(fit)
    curvature = Curvature(fit, kind=solver.curvature, damping=damping)
    ours = derivatives.point_gradients(fit.task, fit.data, fit.theta)
    theirs = derivatives.measure_gradients(fit.task, fit.data, fit.theta)
    # ∇ℓᵢᵀ (s − s*) = (C⁺ ∇ℓᵢ)ᵀ r for the residual r of s.
    reach = fit.weights * curvature.inverse_products(ours.T).norm(dim=0)
    allowed = reach[:, None] * (estimate.residual + exact.residual) * theirs.norm(dim=1)
    assert (estimate.residual <= solver.tolerance).all()
    assert ((estimate.values - exact.values).abs() <= 1.01 * allowed + 1e-15).all()
    assert estimate.damping == damping
    assert estimate.unit == fit.task.output_loss.unit


def test_many_test_points_are_solved_in_blocks():
    fit = minimum(logistic_problem, n=40, m=300)
    estimate, exact = ConjugateGradient().estimate(fit), Exact().estimate(fit)
    assert (estimate.residual <= 1e-8).all()
    assert (estimate.values - exact.values).abs().max() <= 1e-6 * exact.values.abs().max()


def test_a_network_away_from_its_minimum_is_refused_or_takes_gauss_newton():
    fit = minimum(mlp_problem)
    away = replace(fit, theta=fit.theta.flip(0) * 2, converged=False)
    assert Curvature(away).spectrum().values[0] < -1e-3, "the test needs a direction that bends down"
    with pytest.raises(NotConverged):
        ConjugateGradient().estimate(away)
    with pytest.raises(IndefiniteCurvature):
        ConjugateGradient(allow_unconverged=True).estimate(away)
    cured = ConjugateGradient(allow_unconverged=True, curvature="gauss_newton").estimate(away)
    assert (cured.residual <= 1e-8).all()


@pytest.mark.parametrize("solver", [ConjugateGradient(), ConjugateGradient(preconditioner="none"), Lissa(depth=500)])
def test_a_feature_seen_only_in_testing_has_no_influence_without_weight_decay(solver):
    task, data = ridge_problem(weight_decay=0.0)
    seen, unseen = (torch.nn.functional.pad(x, (0, 1), value=v) for x, v in ((data.x_train, 0), (data.x_test, 1)))
    fit = train(task, replace(data, x_train=seen, x_test=unseen), Newton())
    with pytest.raises(NullSpaceMass, match="damping or weight decay"):
        solver.estimate(fit)
    assert (replace(solver, damping=0.1).estimate(fit).residual <= solver.tolerance).all()


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("conjugate_gradient", {"tolerance": 0.0}),
        ("conjugate_gradient", {"max_iterations": 0}),
        ("conjugate_gradient", {"preconditioner": "ilu"}),
        ("lissa", {"tolerance": 1.0}),
        ("lissa", {"batch_size": 0}),
        ("lissa", {"depth": 0}),
        ("lissa", {"repeats": 0}),
        ("lissa", {"scale": 0.0}),
        ("lissa", {"scale": float("nan")}),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name, settings):
    with pytest.raises(InvalidParameter, match=next(iter(settings))):
        make(Estimator, name, **settings)
