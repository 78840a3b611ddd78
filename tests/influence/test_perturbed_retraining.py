"""Every perturbation made true by retraining: closed forms, scikit-learn, an independent Newton; and predicted."""

from dataclasses import replace

import numpy
import pytest
import torch
from crossing import crossed
from oracles import Points, model, points_of, squared_error, with_ones
from perturbed import ROWS, changed, examples, minimum_losses, new_points
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem
from sklearn.linear_model import LogisticRegression
from tight_retraining import EXACT, worst

from influencelab.data.perturbations.feature_move import FeatureMove
from influencelab.data.perturbations.penalty_change import PenaltyChange
from influencelab.data.perturbations.replacement import Replacement
from influencelab.errors import InvalidParameter
from influencelab.experiments.comparison import compare
from influencelab.influence import retrainer
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.training.fit import fit
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.sgd import SGD

KINDS = ("removals", "replacement", "feature_move", "penalty_change")
TRUE_NETWORK = {"n": 200, "m": 4, "width": 2, "weight_decay": 0.05}


def normal_equations(task, points: Points, penalty) -> numpy.ndarray:
    """The test losses of the ridge regression of these arrays."""
    x, x_test = (with_ones(part, task.intercept) for part in (points.x, points.x_test))
    theta = numpy.linalg.solve((x.T * points.w) @ x + numpy.diag(penalty), x.T @ (points.w * points.y))
    return squared_error(x_test @ theta[:, None], points.y_test)


@pytest.mark.parametrize("kind", KINDS)
def test_ridge_regression_meets_its_normal_equations(kind):
    fitted = minimum(ridge_problem, n=100, m=4, weight_decay=0.05)
    by_hand, points = model(fitted.task, fitted.data), points_of(fitted.data)
    perturbation = examples(fitted.data)[kind]
    found = EXACT.retrain(fitted, perturbation)
    assert found.trusted.all()
    before = normal_equations(fitted.task, points, by_hand.penalty)
    wanted = []
    for experiment in range(perturbation.count):
        at = changed(kind, by_hand, points, perturbation, experiment)
        wanted.append(normal_equations(fitted.task, at.points, at.model.penalty) - before)
    assert worst(found.values, numpy.stack(wanted)) < 1e-8
    assert found.perturbation is perturbation


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("build", [logistic_problem, binary_problem])
def test_logistic_regression_meets_an_independent_newton(kind, build):
    fitted = minimum(build, n=100, m=4, weight_decay=0.05)
    by_hand, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    perturbation = examples(fitted.data)[kind]
    before = by_hand.losses(theta, points.x_test, points.y_test)
    wanted = numpy.stack(
        [
            minimum_losses(changed(kind, by_hand, points, perturbation, each), theta) - before
            for each in range(perturbation.count)
        ]
    )
    found = EXACT.retrain(fitted, perturbation)
    assert found.trusted.all()
    assert worst(found.values, wanted) < 1e-7
    quick = SecondOrder().retrain(fitted, perturbation)
    assert quick.trusted.all()
    assert worst(quick.values, wanted) < 1e-4


def test_logistic_regression_meets_scikit_learn_fitted_again():
    fitted = minimum(logistic_problem, n=100, m=4, weight_decay=0.05)
    data, (x, y) = fitted.data, new_points(fitted.data)

    def losses(x_train, y_train, weight_decay=0.05):
        settings = {"C": 1 / (weight_decay * 100), "solver": "newton-cg", "tol": 1e-12, "max_iter": 1000}
        fresh = LogisticRegression(**settings).fit(x_train, y_train)
        return -fresh.predict_log_proba(data.x_test.numpy())[numpy.arange(4), data.y_test.numpy()]

    before = losses(data.x_train.numpy(), data.y_train.numpy())
    wanted = {"replacement": [], "feature_move": []}
    for place, new_x, new_y in zip(ROWS.tolist(), x.numpy(), y.numpy(), strict=True):
        x_train, y_train = data.x_train.numpy().copy(), data.y_train.numpy().copy()
        x_train[place] = new_x
        wanted["feature_move"].append(losses(x_train, y_train) - before)
        y_train[place] = new_y
        wanted["replacement"].append(losses(x_train, y_train) - before)
    decays = [0.05 + change for change in examples(data)["penalty_change"].changes]
    wanted["penalty_change"] = [losses(data.x_train.numpy(), data.y_train.numpy(), each) - before for each in decays]
    for kind, truth in wanted.items():
        found = EXACT.retrain(fitted, examples(data)[kind])
        assert worst(found.values, numpy.stack(truth)) < 1e-4


def small(data):
    """Changes small enough for a derivative: of labels by a share of the weight, of features and of weight decay."""
    x, _ = new_points(data)
    y = (data.y_train[ROWS] + 1) % data.classes if data.classes else data.y_train[ROWS] + 1
    return {
        "relabelled": replace(Replacement.relabel(data, ROWS, y), share=0.02),
        "replaced": Replacement(points=ROWS, x=x, y=y, n=data.n, share=0.02),
        "moved": FeatureMove(points=ROWS, moves=0.02 * (x - data.x_train[ROWS]), n=data.n),
        "penalised": PenaltyChange((1e-4, -1e-4, 2e-4, 5e-5)),
    }


@pytest.mark.parametrize("what", ["relabelled", "replaced", "moved", "penalised"])
@pytest.mark.parametrize(
    ("build", "settings"),
    [
        (logistic_problem, {"n": 100, "m": 4, "weight_decay": 0.05}),
        (ridge_problem, {"n": 100, "m": 4, "weight_decay": 0.05}),
        (mlp_problem, TRUE_NETWORK),
        (mlp_problem, {**TRUE_NETWORK, "depth": 2}),
    ],
)
def test_predictions_of_small_changes_fall_on_the_line_through_the_origin(build, settings, what):
    fitted = minimum(build, **settings)
    assert fitted.converged
    perturbation = small(fitted.data)[what]
    found = SecondOrder().retrain(fitted, perturbation)
    assert found.trusted.all()
    comparison = compare(Exact().estimate(fitted), found)
    predicted, actual = comparison.predicted.flatten(), comparison.actual.flatten()
    slope, intercept = numpy.polyfit(predicted, actual, 1)
    assert slope == pytest.approx(1, abs=0.02)
    assert abs(intercept) < 0.02 * numpy.abs(actual).max()
    assert numpy.corrcoef(predicted, actual)[0, 1] > 0.999


def test_relabelling_whole_points_is_predicted_where_there_are_many():
    fitted = minimum(logistic_problem, n=2000, m=4, weight_decay=0.1)
    y = (fitted.data.y_train[ROWS] + 1) % 3
    perturbation = Replacement.relabel(fitted.data, ROWS, y)
    comparison = compare(Exact().estimate(fitted), SecondOrder().retrain(fitted, perturbation))
    slope, _ = numpy.polyfit(comparison.predicted.flatten(), comparison.actual.flatten(), 1)
    assert slope == pytest.approx(1, abs=0.02)
    assert comparison.train_ids.tolist() == fitted.data.train_ids[ROWS].tolist()
    assert comparison.classes == 3


def test_experiments_that_change_no_single_point_are_named_by_their_number():
    fitted = minimum(logistic_problem, n=100, m=4, weight_decay=0.05)
    retrained = SecondOrder().retrain(fitted, examples(fitted.data)["penalty_change"])
    comparison = compare(Exact().estimate(fitted), retrained)
    assert comparison.train_ids.tolist() == [0, 1, 2]
    assert comparison.classes == 0


# What must not matter.
@pytest.mark.parametrize(("build", "kind"), crossed([logistic_problem, mlp_problem], list(KINDS)))
def test_the_batch_size_changes_nothing(build, kind, monkeypatch):
    fitted = minimum(build, n=100, m=4, weight_decay=0.05)
    perturbation = examples(fitted.data, size=0.1)[kind]
    whole = EXACT.retrain(fitted, perturbation)
    monkeypatch.setattr(retrainer, "BATCH", 1)
    assert whole.trusted.any()
    parts = EXACT.retrain(fitted, perturbation)
    assert torch.equal(parts.trusted, whole.trusted)
    assert worst(parts.values[whole.trusted], whole.values[whole.trusted]) < 1e-7


def test_replacing_a_point_by_itself_and_changing_nothing_are_controls():
    fitted = minimum(mlp_problem, n=100, m=4)
    data = fitted.data
    nothing = (
        Replacement(points=ROWS, x=data.x_train[ROWS], y=data.y_train[ROWS], n=data.n),
        FeatureMove(points=ROWS, moves=torch.zeros_like(data.x_train[ROWS]), n=data.n),
        PenaltyChange((0.0, 0.0)),
    )
    for perturbation in nothing:
        assert SecondOrder().retrain(fitted, perturbation).values.abs().max() < 1e-10
        assert Exact().estimate(fitted).predict(perturbation).abs().max() < 1e-15


def test_several_points_replaced_together_are_one_experiment():
    fitted = minimum(ridge_problem, n=100, m=4, weight_decay=0.05)
    data, (x, y) = fitted.data, new_points(fitted.data)
    rows = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2])
    found = EXACT.retrain(fitted, Replacement(points=ROWS, x=x, y=y, n=data.n, rows=rows))
    by_hand, points = model(fitted.task, data), points_of(data)
    before = normal_equations(fitted.task, points, by_hand.penalty)
    for experiment in range(3):
        mine, at = rows == experiment, points_of(data)
        at = at._replace(x=at.x.copy(), y=at.y.copy())
        at.x[ROWS[mine]], at.y[ROWS[mine]] = x[mine].numpy(), y[mine].numpy()
        wanted = normal_equations(fitted.task, at, by_hand.penalty) - before
        assert found.values[experiment].numpy() == pytest.approx(wanted, rel=1e-7, abs=1e-11)


@pytest.mark.parametrize("target", ["proximal", "pbrf"])
@pytest.mark.parametrize("what", ["relabelled", "moved", "penalised"])
def test_targets_that_hold_on_to_the_fit_answer_as_damped_influence_says(what, target):
    fitted = minimum(mlp_problem, **TRUE_NETWORK)
    perturbation = small(fitted.data)[what]
    found = SecondOrder(target=target, target_damping=0.03).retrain(fitted, perturbation)
    assert found.trusted.all()
    curvature = "hessian" if target == "proximal" else "gauss_newton"
    predicted = Exact(curvature=curvature, damping=0.03).estimate(fitted).predict(perturbation)
    assert worst(found.values, predicted) < 0.05


# Published protocols.
@pytest.mark.parametrize(
    "trainer", [GradientDescent(steps=30), *(SGD(steps=30, batch_size=size, learning_rate=0.05) for size in (7, 100))]
)
@pytest.mark.parametrize("kind", ["replacement", "feature_move", "penalty_change"])
def test_a_rerun_is_training_anew_on_what_the_perturbation_leaves(trainer, kind):
    task, data = mlp_problem(n=100, m=4)
    fitted = fit(task, data, trainer)
    perturbation = examples(data)[kind]
    found = Rerun(start="cold").retrain(fitted, perturbation)
    for experiment in range(perturbation.count):
        here, again = task, data
        if kind == "penalty_change":
            here = replace(task, weight_decay=task.weight_decay + perturbation.changes[experiment])
        else:
            x, y = data.x_train.clone(), data.y_train.clone()
            new_x, new_y = new_points(data)
            x[ROWS[experiment]] = new_x[experiment]
            if kind == "replacement":
                y[ROWS[experiment]] = new_y[experiment]
            again = replace(data, x_train=x, y_train=y)
        wanted = fit(here, again, trainer).measures() - fitted.measures()
        assert torch.allclose(found.values[experiment], wanted, rtol=1e-9, atol=1e-12)


def test_a_rerun_of_the_last_layer_sees_the_new_point_through_the_layers_below():
    task, data = mlp_problem(n=100, m=4)
    fitted = fit(task, data, GradientDescent(steps=30))
    replaced = examples(data)["replacement"]
    last, whole = (Rerun(last_layer=last).retrain(fitted, replaced).values for last in (True, False))
    assert last.abs().max() > 1e-6
    assert not torch.allclose(last, whole, rtol=1e-2)


def test_a_rerun_by_batches_refuses_a_point_that_is_only_partly_replaced():
    task, data = logistic_problem(n=100, m=4)
    fitted = fit(task, data, SGD(steps=5, batch_size=7))
    with pytest.raises(InvalidParameter, match="replace it whole"):
        Rerun().retrain(fitted, replace(examples(data)["replacement"], share=0.5))
