"""Predictions of every perturbation against finite differences, and every impostor refused by the same check."""

from functools import cache

import numpy
import pytest
import torch
from crossing import crossed
from oracles import along, gradient, hessian, model, objective, points_of
from perturbed import EXAMPLES, IMPOSTORS, changed, examples, minimum_losses, right
from problems import binary_problem, images, logistic_problem, minimum, mlp_problem, ridge_problem

from influencelab import make, names
from influencelab.data.perturbations.feature_move import FeatureMove
from influencelab.data.perturbations.replacement import Replacement
from influencelab.errors import InvalidParameter
from influencelab.influence.estimator import Estimator, Solver
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.all_cnn import AllCNN
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.testing.bounds import SAME, check_estimate, faults
from influencelab.training.fit import fit
from influencelab.training.trainers.gradient_descent import GradientDescent

PROBLEMS = {
    "logistic": lambda: minimum(logistic_problem, n=100, m=4, weight_decay=0.05),
    "binary logistic": lambda: minimum(binary_problem, seed=2, n=100, m=4, weight_decay=0.05),
    "ridge": lambda: minimum(ridge_problem, n=100, m=4, weight_decay=0.05),
}
KINDS = tuple(IMPOSTORS)
# Estimators that predict every perturbation; the others speak of removals, or of changes of weights.
SOLVERS = [name for name in names(Estimator) if hasattr(make(Estimator, name), "sensitivity")]
WEIGHTS_ONLY = {"tracin", "unrolled"}


@cache
def rates(problem, kind):
    """How fast each test loss changes as each experiment begins: Romberg's differences of minima by Newton (r m)."""
    fitted = PROBLEMS[problem]()
    by_hand, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    perturbation = examples(fitted.data)[kind]

    def losses(share, experiment):
        return minimum_losses(changed(kind, by_hand, points, perturbation, experiment, share), theta)

    return numpy.stack(
        [along(lambda share, e=each: losses(share, e), 0.0, 1.0, step=0.05) for each in range(perturbation.count)]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_prediction_is_the_derivative_of_retraining(problem, kind):
    fitted = PROBLEMS[problem]()
    found = Exact().sensitivity(fitted).predict(examples(fitted.data)[kind])
    check_estimate(found.numpy(), rates(problem, kind), bounds=SAME)


@pytest.mark.parametrize(("kind", "mistake"), [(kind, each) for kind in KINDS for each in IMPOSTORS[kind]])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_impostor_is_refused(problem, kind, mistake):
    fitted = PROBLEMS[problem]()
    change = mistake(fitted, examples(fitted.data)[kind])
    assert faults((-change @ Exact().sensitivity(fitted).values).numpy(), rates(problem, kind), bounds=SAME)


@cache
def solved(depth):
    """A network at its minimum, and H⁻¹∇L_j by the differences of its formulas (p m)."""
    fitted = minimum(mlp_problem, n=100, m=4, width=2, depth=depth)
    by_hand, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    bend = hessian(lambda here: objective(by_hand, here, points), theta)
    pulls = gradient(lambda here: by_hand.losses(here, points.x_test, points.y_test), theta)
    return fitted, numpy.linalg.solve(bend, pulls.T)


@pytest.mark.parametrize(("kind", "depth"), crossed(list(KINDS), [1, 2]))
def test_a_network_is_predicted_by_the_derivatives_of_its_formulas(kind, depth):
    fitted, turned = solved(depth)
    assert fitted.converged
    by_hand, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    perturbation = examples(fitted.data)[kind]

    def slope(share, experiment):
        at = changed(kind, by_hand, points, perturbation, experiment, share)
        return gradient(lambda here: objective(at.model, here, at.points), theta)

    changes = numpy.stack(
        [along(lambda share, e=each: slope(share, e), 0.0, 1.0) for each in range(perturbation.count)]
    )
    assert right(fitted, perturbation).numpy() == pytest.approx(changes, rel=1e-5, abs=1e-8)
    check_estimate(Exact().estimate(fitted).predict(perturbation).numpy(), -changes @ turned, bounds=SAME)


@pytest.mark.parametrize(
    "task", [AllCNN(weight_decay=0.01, channels=2), MLP(weight_decay=0.01, width=3), Logistic(0.01)]
)
def test_the_gradient_moves_with_the_features_as_it_does_at_moved_points(task):
    data = images(side=8)
    fitted, points = fit(task, data, GradientDescent(steps=3)), torch.tensor([0, 4])
    moves = torch.randn(2, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def moved(share):
        x = data.x_train[points] + float(share) * moves
        return right(fitted, Replacement(points=points, x=x, y=data.y_train[points], n=data.n)).numpy()

    found = right(fitted, FeatureMove(points=points, moves=moves, n=data.n))
    assert found.numpy() == pytest.approx(along(moved, 0.0, 1.0), rel=1e-4, abs=1e-7)
    assert found.abs().max() > 1e-3


@pytest.mark.parametrize("name", SOLVERS)
def test_every_sensitivity_of_the_same_curvature_is_the_same(name):
    fitted = PROBLEMS["logistic"]()
    found = make(Estimator, name).sensitivity(fitted)
    assert found.values.shape == (len(fitted.theta), 4)
    assert found.residual.shape == (4,)
    if name not in ("ekfac", "gradient_dot"):
        assert found.residual.max() < 1e-6
        # Along the null direction of the intercepts anything goes, and nothing follows from it.
        assert torch.allclose(found.slopes(), Exact().sensitivity(fitted).slopes(), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", EXAMPLES)
@pytest.mark.parametrize("name", names(Estimator))
def test_every_estimator_predicts_a_perturbation_or_refuses_it_by_name(name, kind):
    if name in WEIGHTS_ONLY:
        task, data = logistic_problem(n=100, m=4, weight_decay=0.05)
        fitted = fit(task, data, GradientDescent(steps=20))
    else:
        fitted = PROBLEMS["logistic"]()
    estimate, perturbation = make(Estimator, name).estimate(fitted), examples(fitted.data)[kind]
    if name in SOLVERS or kind == "removals":
        found = estimate.predict(perturbation)
        assert found.shape == (perturbation.count, 4)
        assert found.isfinite().all()
        return
    spoken_of = "changes of training weights" if name in WEIGHTS_ONLY else "single removals"
    with pytest.raises(InvalidParameter, match=f"'{name}' predicts {spoken_of}.* only, not a '{kind}'; use an est"):
        estimate.predict(perturbation)


@pytest.mark.parametrize("name", SOLVERS)
def test_an_estimate_carries_what_was_solved_and_predicts_by_it(name):
    fitted = PROBLEMS["logistic"]()
    estimate = make(Estimator, name).estimate(fitted)
    assert estimate.sensitivity is not None
    assert torch.equal(estimate.sensitivity.residual, estimate.residual)  # the same numbers, not computed again
    assert estimate.sensitivity.damping == estimate.damping
    wanted = -fitted.weights[:, None] * estimate.sensitivity.slopes()
    assert torch.allclose(estimate.values, wanted, rtol=1e-11, atol=1e-17)
    for perturbation in examples(fitted.data).values():
        found = estimate.predict(perturbation)
        assert torch.allclose(found, estimate.sensitivity.predict(perturbation), rtol=1e-9, atol=1e-14)


def test_leave_one_out_over_all_points_is_the_special_case():
    fitted = PROBLEMS["ridge"]()
    estimate = Exact().estimate(fitted)
    assert torch.allclose(-fitted.weights[:, None] * estimate.sensitivity.slopes(), estimate.values, rtol=1e-14)
    assert isinstance(estimate.estimator, Solver)


def test_predictions_are_linear_in_the_size_of_a_change_and_add_up_over_its_points():
    fitted = PROBLEMS["logistic"]()
    sensitivity = Exact().sensitivity(fitted)
    whole, half = (examples(fitted.data, size=size) for size in (1.0, 0.5))
    for kind in ("feature_move", "penalty_change"):
        assert torch.allclose(sensitivity.predict(whole[kind]), 2 * sensitivity.predict(half[kind]), rtol=1e-12)
    for kind in ("replacement", "feature_move"):
        alone = whole[kind]
        settings = {name: getattr(alone, name) for name in alone.__dataclass_fields__}
        together = type(alone)(**{**settings, "rows": torch.zeros(alone.count, dtype=torch.int64)})
        assert together.count == 1
        found = sensitivity.predict(together)
        assert torch.allclose(found, sensitivity.predict(alone).sum(0, keepdim=True), rtol=1e-11, atol=1e-15)
