"""Five terms of an error: closed forms, independent minimisers, telescoping, and what is refused."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy
import proximal_oracles
import pytest
import torch
from oracles import model, points_of, squared_error, with_ones
from problems import logistic_problem, mlp_problem, ridge_problem
from tight_retraining import EXACT, rms, worst

from influencelab.data.arrays import Arrays
from influencelab.data.perturbations.removals import Removals
from influencelab.data.removals import leave_one_out
from influencelab.data.source import Source
from influencelab.errors import UnknownName
from influencelab.experiments.trial import Trial
from influencelab.influence.estimators.conjugate_gradient import ConjugateGradient
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.studies.where_the_error_comes_from.decomposition import (
    STEPS,
    TERMS,
    Decomposition,
    terms_in,
    terms_of,
    valid_in,
)
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.newton import Newton

DAMPING = 0.03


class Terms(NamedTuple):
    """The terms of an error, and the truth that they are of."""

    parts: dict[str, torch.Tensor]
    truth: torch.Tensor


ANEW = Rerun(trainer=Newton(tolerance=1e-12), start="cold", require_converged=True)


def exactly(damping: float, fitted: Fit, removals: Removals, estimator) -> Terms:
    """The terms with every retrainer at its tightest."""
    decomposition = Decomposition(cold=ANEW, warm=EXACT, damping=damping)
    truths = {
        name: replace(retrainer, relative=0, floor=1e-10) if name in ("proximal", "pbrf") else retrainer
        for name, retrainer in decomposition.targets().items()
    }
    return terms_by(truths, decomposition.estimators(estimator), fitted, removals)


def terms_by(targets, estimators, fitted: Fit, removals: Removals) -> Terms:
    """The terms by these retrainers and estimators, one after the other."""
    changes = {name: retrainer.retrain(fitted, removals).values for name, retrainer in targets.items()}
    changes |= {name: each.estimate(fitted).predict(removals) for name, each in estimators.items()}
    return Terms(terms_of(changes), changes["cold"])


# Closed forms.
def test_on_ridge_without_damping_only_linearisation_remains_and_it_is_leverage():
    task, data = ridge_problem(n=25)
    fitted = fit(task, data, Newton(tolerance=1e-13))
    found = exactly(0.0, fitted, leave_one_out(25), Exact())
    size = rms(found.truth)
    for term in ("warm start", "proximity", "non-convergence", "solver"):
        assert float(found.parts[term].abs().max()) < 1e-9 * size
    by_hand, points = model(task, data), points_of(data)
    x, x_test = with_ones(points.x, True), with_ones(points.x_test, True)
    inverse = numpy.linalg.inv((x.T * points.w) @ x + numpy.diag(by_hand.penalty))
    theta = inverse @ x.T @ (points.w * points.y)
    leverage = points.w * numpy.einsum("nd,de,ne->n", x, inverse, x)
    slope = (points.w * (x @ theta - points.y))[:, None] * (x @ inverse @ x_test.T)
    residual = x_test @ theta - points.y_test
    stretched = slope / (1 - leverage)[:, None]
    wanted = residual * (stretched - slope) + 0.5 * stretched**2
    assert worst(found.parts["linearisation"], wanted) < 1e-8
    moved = squared_error((x_test @ theta + stretched)[:, :, None].reshape(-1, 1), numpy.tile(points.y_test, 25))
    before = squared_error((x_test @ theta)[:, None], points.y_test)
    assert worst(found.truth, moved.reshape(25, -1) - before) < 1e-8


def test_on_an_unconverged_logistic_fit_each_term_is_what_dense_newton_says():
    task, data = logistic_problem(n=20, m=3, weight_decay=0.05)
    fitted = fit(task, data, GradientDescent(steps=10, learning_rate=0.1))
    assert fitted.grad_norm > 1e-2
    estimator = Exact(damping=0.1, allow_unconverged=True)
    found = exactly(DAMPING, fitted, leave_one_out(20), estimator)
    groups = [[i] for i in range(20)]
    steps = {
        target: proximal_oracles.changes(proximal_oracles.held(fitted, target, damping), groups)
        for target, damping in (("loss", 0.0), ("proximal", DAMPING), ("pbrf", DAMPING))
    }
    assert float(found.parts["warm start"].abs().max()) < 1e-9 * rms(found.truth)
    assert worst(found.parts["proximity"], steps["loss"] - steps["proximal"]) < 1e-8
    assert worst(found.parts["non-convergence"], steps["proximal"] - steps["pbrf"]) < 1e-8
    assert rms(found.parts["non-convergence"]) > 0.1 * rms(found.truth)
    forgotten = proximal_oracles.rises(
        proximal_oracles.held(fitted, "proximal", DAMPING),
        [numpy.where(numpy.arange(20) == i, 0, fitted.weights.numpy()) for i in range(20)],
    )
    assert worst(found.parts["non-convergence"], forgotten - steps["pbrf"]) > 0.1
    linearised = Exact(curvature="gauss_newton", damping=DAMPING, allow_unconverged=True).estimate(fitted).values
    assert worst(found.parts["linearisation"], steps["pbrf"] - linearised.numpy()) < 1e-7


def test_a_converged_convex_fit_has_no_term_of_convergence():
    task, data = logistic_problem(n=20, m=3, weight_decay=0.05)
    fitted = fit(task, data, Newton(tolerance=1e-12))
    found = exactly(0.0, fitted, leave_one_out(20), Exact())
    assert rms(found.parts["warm start"]) < 1e-8 * rms(found.truth)
    assert rms(found.parts["proximity"]) < 1e-8 * rms(found.truth)
    # Softmax is curved: its Bregman divergence is taken at θˢ with each point's own label, and so is the plain loss.
    assert rms(found.parts["non-convergence"]) < 1e-8 * rms(found.truth)
    damped = exactly(DAMPING, fitted, leave_one_out(20), Exact())
    assert rms(damped.parts["proximity"]) > 1e-2 * rms(found.truth)
    assert rms(damped.parts["solver"]) > 1e-2 * rms(found.truth)


# The recipe.
def made(seed: int = 0, *, converged: bool = True):
    task, data = mlp_problem(n=24, m=4, weight_decay=5e-2)
    trainer = Newton() if converged else GradientDescent(steps=200)
    return fit(task, data, trainer, seed=seed)


@pytest.mark.parametrize("converged", [True, False])
def test_the_terms_of_a_network_sum_to_truth_minus_estimate(converged):
    fitted, removals = made(converged=converged), leave_one_out(24)
    estimator = ConjugateGradient(damping=DAMPING, curvature="gauss_newton", tolerance=1e-2, allow_unconverged=True)
    found = exactly(DAMPING, fitted, removals, estimator)
    assert tuple(found.parts) == TERMS
    estimate = estimator.estimate(fitted).predict(removals)
    total = torch.stack(list(found.parts.values())).sum(0)
    assert float((total - (found.truth - estimate)).abs().max()) <= 1e-12 * max(1.0, rms(found.truth))
    assert torch.allclose(found.truth, ANEW.retrain(fitted, removals).values)
    assert rms(found.parts["solver"]) > 0


def test_each_step_is_retrained_by_a_recipe_of_its_own():
    decomposition = Decomposition(cold=ANEW, damping=DAMPING)
    targets = decomposition.targets()
    assert tuple(targets) == STEPS[:4]
    assert targets["cold"] is decomposition.cold
    assert targets["warm"] is decomposition.warm
    assert (targets["proximal"].target, targets["pbrf"].target) == ("proximal", "pbrf")
    assert targets["proximal"].target_damping == targets["pbrf"].target_damping == DAMPING
    linearised = decomposition.estimators(Exact())["linearised"]
    assert (linearised.curvature, linearised.damping) == ("gauss_newton", DAMPING)


def test_a_missing_step_is_refused_by_name():
    changes = {name: torch.zeros(5, 2, dtype=torch.float64) for name in STEPS if name != "pbrf"}
    with pytest.raises(UnknownName, match="'pbrf'"):
        terms_of(changes)


# From a trial.
@dataclass(frozen=True)
class Clouds(Source):
    """The data of the logistic problem."""

    def arrays(self) -> Arrays:
        """Drawn anew from the same seed."""
        data = logistic_problem(n=20, m=3)[1]
        names = ("x_train", "y_train", "x_test", "y_test", "train_ids", "test_ids")
        return Arrays(*(getattr(data, name).numpy() for name in names))


def test_a_trial_with_these_names_can_be_taken_apart():
    decomposition = Decomposition(cold=ANEW, damping=DAMPING)
    estimators = decomposition.estimators(Exact(damping=DAMPING))
    task = logistic_problem(weight_decay=0.05)[0]
    trial = Trial(source=Clouds(), task=task, trainer=Newton(), estimators=estimators, targets=decomposition.targets())
    outcome = trial.run()
    found = terms_in(outcome)
    assert valid_in(outcome).all()
    fitted = fit(trial.task, Clouds().load(), Newton())
    again = terms_by(decomposition.targets(), estimators, fitted, leave_one_out(20))
    for term in TERMS:
        assert torch.allclose(found[term], again.parts[term], rtol=1e-6, atol=1e-9 * rms(again.truth))
    doubted = replace(outcome, trusted={**outcome.trusted, "pbrf": torch.arange(20) != 4})
    assert valid_in(doubted).tolist() == [row != 4 for row in range(20)]
