"""Every measure by its formula in NumPy, its derivative by finite differences, its sensitivity by retraining."""

from dataclasses import replace

import numpy
import pytest
import torch
from oracles import along, gradient, model, newton, points_of, softmax
from perturbed import changed, examples
from problems import binary_problem, logistic_problem, minimum, mlp_problem, ridge_problem
from sklearn.metrics import roc_auc_score

from influencelab import make, names
from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidData, InvalidParameter, WrongType
from influencelab.experiments.comparison import compare
from influencelab.influence.estimators.conjugate_gradient import ConjugateGradient
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.measure import Measure
from influencelab.testing.bounds import SAME, check_estimate

GROUP = "group_mean_loss", "groups", (1, 2)
SETTINGS = {
    "group_mean_loss": {"groups": ((0, 2), (1, 2, 3))},
    "group_gap": {"first": (0, 2), "second": (1, 2, 3)},
    "parameters": {"entries": (4, 0)},
    "coefficients": {"names": ("x3", "x0")},
    "auroc": {"width": 0.5},
}
# Kinds of one number, or of some of θ, and of no test points.
NOT_POINTS = ("parameters", "coefficients", "group_mean_loss", "group_gap", "auroc")
# An area under the ROC curve is of two classes, and coefficients are of linear models.
PAIRS = [
    (kind, build)
    for kind in names(Measure)
    for build in (logistic_problem, binary_problem, mlp_problem)
    if not (kind == "auroc" and build is not binary_problem) and not (kind == "coefficients" and build is mlp_problem)
]
OF_CLASSES = [kind for kind in names(Measure) if kind != "auroc"]


def means(z):
    """Probabilities of classes; of two by one output that of class 1."""
    return softmax(z) if z.shape[1] > 1 else 1 / (1 + numpy.exp(-z))


def by_hand(kind, here, theta, points):
    """The formula of each measure."""
    losses = here.losses(theta, points.x_test, points.y_test)
    if kind in ("margin", "probability"):
        z = here.outputs(theta, points.x_test)
        z = numpy.column_stack([numpy.zeros_like(z), z]) if z.shape[1] == 1 else z
        p = softmax(z)[numpy.arange(len(z)), points.y_test]
        return p if kind == "probability" else numpy.log(p) - numpy.log1p(-p)
    if kind == "auroc":
        z = here.outputs(theta, points.x_test)[:, 0]
        pairs = z[points.y_test == 1][:, None] - z[points.y_test == 0]
        return numpy.array([(1 / (1 + numpy.exp(-pairs / 0.5))).mean()])
    if kind == "squared_residual":
        mean = means(here.outputs(theta, points.x_test))
        own = numpy.eye(mean.shape[1])[points.y_test] if mean.shape[1] > 1 else points.y_test[:, None]
        return ((mean - own) ** 2).sum(1)
    if kind == "coefficients":
        rows = theta.reshape(here.outputs(theta, points.x_test).shape[1], -1)
        return rows[:, [3, 0]].ravel()
    return {
        "output": here.outputs(theta, points.x_test)[:, 0],
        "prediction": means(here.outputs(theta, points.x_test))[:, 0],
        "loss": losses,
        "group_mean_loss": numpy.array([losses[[0, 2]].mean(), losses[[1, 2, 3]].mean()]),
        "group_gap": numpy.array([losses[[0, 2]].mean() - losses[[1, 2, 3]].mean()]),
        "parameters": theta[[4, 0]],
    }[kind]


@pytest.mark.parametrize(("kind", "build"), PAIRS)
def test_values_and_gradients_are_those_of_the_formula(kind, build):
    fitted = minimum(build, n=100, m=4)
    measure, points = make(Measure, kind, **SETTINGS.get(kind, {})), points_of(fitted.data)
    here, theta = model(fitted.task, fitted.data), fitted.theta.numpy()
    both = torch.stack([fitted.theta, fitted.theta + 0.1])
    found = measure.values(fitted.task, fitted.data, both).numpy()
    for row, at in zip(found, both.numpy(), strict=True):
        assert row == pytest.approx(by_hand(kind, here, at, points), rel=1e-9, abs=1e-12)
    slopes = measure.gradients(fitted.task, fitted.data, fitted.theta).numpy()
    wanted = gradient(lambda at: by_hand(kind, here, at, points), theta)
    assert slopes == pytest.approx(wanted, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("kind", OF_CLASSES)
@pytest.mark.parametrize("change", ["removals", "replacement", "feature_move", "penalty_change"])
def test_the_sensitivity_of_any_measure_predicts_its_rate_under_any_perturbation(kind, change):
    fitted = minimum(logistic_problem, n=100, m=4, weight_decay=0.05, intercept=False)
    measure = make(Measure, kind, **SETTINGS.get(kind, {}))
    here, points, theta = model(fitted.task, fitted.data), points_of(fitted.data), fitted.theta.numpy()
    perturbation = examples(fitted.data)[change]

    def after(share, experiment):
        at = changed(change, here, points, perturbation, experiment, share)
        return by_hand(kind, here, newton(at.model, at.points, start=theta), points)

    wanted = numpy.stack(
        [along(lambda share, e=each: after(share, e), 0.0, 1.0, step=0.05) for each in range(perturbation.count)]
    )
    for estimator in (Exact(), ConjugateGradient()):
        found = estimator.sensitivity(fitted, measure=measure)
        assert found.measure == measure
        check_estimate(found.predict(perturbation).numpy(), wanted, bounds=SAME)


@pytest.mark.parametrize("kind", OF_CLASSES)
@pytest.mark.parametrize("estimator", [Exact(), NewtonStep(), ConjugateGradient()])
def test_what_is_watched_is_predicted_and_retrained(kind, estimator):
    fitted = minimum(logistic_problem, n=60, m=4, weight_decay=0.05, intercept=False)
    watched = replace(fitted, measure=make(Measure, kind, **SETTINGS.get(kind, {})))
    here, points, rows = model(fitted.task, fitted.data), points_of(fitted.data), torch.arange(0, 60, 6)
    removals = leave_one_out(60, rows=rows)

    def after(experiment):
        at = changed("removals", here, points, removals, experiment, 1.0)
        return by_hand(kind, here, newton(at.model, at.points, start=fitted.theta.numpy()), points)

    wanted = numpy.stack([after(each) for each in range(len(rows))]) - watched.measures().numpy()
    found = SecondOrder().retrain(watched, removals)
    check_estimate(found.values.numpy(), wanted, bounds=SAME)
    estimate = estimator.estimate(watched)
    held = compare(estimate, found)
    assert held.predicted == pytest.approx(estimate.values[rows].numpy())
    slope = numpy.polyfit(held.predicted.ravel(), wanted.ravel(), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.06 if isinstance(estimator, NewtonStep) else 0.15)
    assert estimate.unit == watched.unit == held.unit
    table = estimate.table()
    assert len(table) == 60 * len(watched.measures())
    assert ("test_label" in table) == (kind not in NOT_POINTS)


def test_impossible_measures_are_refused():
    fitted, values = minimum(logistic_problem), minimum(ridge_problem)
    for groups in (((),), ((0, 5),), ((-1,),)):
        with pytest.raises(InvalidParameter, match="expected one or more of 0 … 4"):
            Exact().sensitivity(fitted, measure=make(Measure, "group_mean_loss", groups=groups))
    with pytest.raises(InvalidParameter, match="expected one or more of 0 … 14"):
        Exact().sensitivity(fitted, measure=make(Measure, "parameters", entries=(15,)))
    for kind in ("output", "prediction"):
        with pytest.raises(InvalidParameter, match="output is 3, expected one of 0 … 2"):
            Exact().sensitivity(fitted, measure=make(Measure, kind, output=3))
    for kind, name, given in (("parameters", "entries", 3), ("parameters", "entries", ("a",)), GROUP):
        measure = make(Measure, kind)
        # The tests' own check of types would refuse it before.
        object.__setattr__(measure, name, given)
        with pytest.raises(WrongType, match=r"Give (positions in θ|groups), such as \("):
            Exact().sensitivity(fitted, measure=measure)
    with pytest.raises(InvalidData, match="no classes; take the measure 'loss'"):
        Exact().sensitivity(values, measure=make(Measure, "margin"))
    with pytest.raises(InvalidData, match="has 3 classes, and an area under the ROC curve needs two"):
        Exact().sensitivity(fitted, measure=make(Measure, "auroc"))
    with pytest.raises(InvalidData, match="has real targets, and an area"):
        Exact().sensitivity(values, measure=make(Measure, "auroc"))
    pair = minimum(binary_problem)
    alone = replace(pair, data=replace(pair.data, y_test=torch.ones_like(pair.data.y_test)))
    with pytest.raises(InvalidData, match=r"All 5 test points of .* are of class 1.*Watch points of both"):
        Exact().sensitivity(alone, measure=make(Measure, "auroc"))
    for width in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidParameter, match="expected a finite number above 0"):
            make(Measure, "auroc", width=width)
    for first, second in (((), (0,)), ((0,), ())):
        with pytest.raises(InvalidParameter, match="group is empty"):
            Exact().sensitivity(fitted, measure=make(Measure, "group_gap", first=first, second=second))


def test_the_smoothed_area_is_the_area_where_the_width_is_small():
    fitted = minimum(binary_problem, n=60, m=40)
    scores = fitted.task.outputs(fitted.theta, fitted.data.x_test)[0].numpy()
    found = replace(fitted, measure=make(Measure, "auroc", width=1e-6)).measures()
    assert float(found) == pytest.approx(roc_auc_score(fitted.data.y_test.numpy(), scores), abs=1e-9)
    two = minimum(logistic_problem, n=60, m=40, classes=2)
    outputs = two.task.outputs(two.theta, two.data.x_test).numpy()
    found = replace(two, measure=make(Measure, "auroc", width=1e-6)).measures()
    assert float(found) == pytest.approx(roc_auc_score(two.data.y_test.numpy(), outputs[1] - outputs[0]), abs=1e-9)
    assert found.shape == (1,)


def test_coefficients_are_called_by_their_columns():
    fitted = minimum(logistic_problem)
    named = replace(fitted, data=replace(fitted.data, feature_names=("a", "b", "c", "d"), class_names=("u", "v", "w")))
    shown = make(Measure, "coefficients", names=("b", "intercept")).columns(named.task, named.data).names
    assert shown == ("b of u", "intercept of u", "b of v", "intercept of v", "b of w", "intercept of w")
    table = Exact().estimate(replace(minimum(binary_problem), measure=make(Measure, "coefficients"))).table()
    assert set(table["test_id"]) == {"x0", "x1", "x2", "x3", "intercept"}


def test_one_group_of_all_test_points_is_the_mean_loss():
    fitted = minimum(logistic_problem)
    found = Exact().sensitivity(fitted, measure=make(Measure, "group_mean_loss")).values
    assert torch.allclose(found, Exact().sensitivity(fitted).values.mean(1, keepdim=True), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("kind", ["parameters", "output", "prediction"])
def test_where_no_rise_is_better_points_lower_or_raise(kind):
    fitted = minimum(logistic_problem, n=60, m=4, weight_decay=0.05, intercept=False)
    estimate = Exact().estimate(replace(fitted, measure=make(Measure, kind)))
    table = estimate.top(0, k=2)
    assert table["effect"].tolist() == ["lowering"] * 2 + ["raising"] * 2
    # Without a point that lowers a number it is higher.
    assert (table["predicted"] > 0).tolist() == [True, True, False, False]
