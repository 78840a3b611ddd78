"""Machines of two classes, one a class or a pair: what they say of probabilities, and what may be handed in."""

import warnings

import numpy
import pandas
import pytest
import scipy.sparse
import sklearn
from own_refits import points_of
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, InvalidWeights, NotConverged, SmoothedLoss

POINTS = points_of("three", 1)
X, Y, WEIGHTS = POINTS.x[:120], POINTS.y[:120], POINTS.weights[:120]
X_TEST, Y_TEST = POINTS.x_test, POINTS.y_test
ONE_A_CLASS = OneVsRestClassifier(LogisticRegression()).fit(X, Y)
MACHINES = {
    "a class": ONE_A_CLASS,
    "linear": LinearSVC().fit(X, Y),
    "stochastic": SGDClassifier("log_loss", alpha=0.01, average=True, max_iter=300, tol=None, random_state=0).fit(X, Y),
    "a pair": SVC(kernel="linear").fit(X, Y),
}


def handed_in(model, x=X, y=Y, x_test=X_TEST, y_test=Y_TEST, weights=None, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmoothedLoss)
        return il.from_sklearn(model, x, y, x_test, y_test, weights, polish="SGD" in str(model), **settings)


@pytest.mark.parametrize(
    "model",
    [
        ONE_A_CLASS,
        MACHINES["stochastic"],
        OneVsRestClassifier(LogisticRegression(class_weight="balanced", solver="liblinear")).fit(X, Y),
        OneVsRestClassifier(LogisticRegression(class_weight={0: 1.0, 1: 3.0})).fit(X, Y == 1),
    ],
    ids=["a class", "stochastic", "balanced", "two classes"],
)
def test_probabilities_are_those_that_the_class_predicts(model):
    """Up to the few steps to the minimum."""
    y_test = Y_TEST if len(model.classes_) == 3 else Y_TEST == 1
    fit = handed_in(model, y=Y if len(model.classes_) == 3 else Y == 1, y_test=y_test)
    wanted = model.predict_proba(X_TEST)
    rough = 5e-3 if fit.origin.decrement < 0.02 else 0.2
    own = il.Probability().values(fit.task, fit.data, fit.theta[None])[0].numpy()
    assert own == pytest.approx(wanted[numpy.arange(len(X_TEST)), y_test.astype(int)], abs=rough)
    outputs = fit.task.outputs(fit.theta, fit.data.x_test).numpy()
    assert outputs.T.squeeze() == pytest.approx(model.decision_function(X_TEST), abs=20 * rough)
    if len(outputs) == 3:
        given = il.Prediction(2).values(fit.task, fit.data, fit.theta[None])[0].numpy()
        assert given == pytest.approx(wanted[:, 2], abs=rough)


@pytest.mark.parametrize("name", ["linear", "a pair"])
def test_margins_of_hinges_are_refused_and_outputs_are_those_of_each_machine(name):
    model = MACHINES[name]
    fit = handed_in(model.set_params(decision_function_shape="ovo") if name == "a pair" else model)
    with pytest.raises(InvalidParameter, match="no probabilities of classes; take the measure 'loss', or 'output'"):
        il.Exact().sensitivity(fit, measure=il.Margin())
    for output in range(3):
        found = il.Output(output).values(fit.task, fit.data, fit.theta[None])[0].numpy()
        wanted = model.decision_function(X_TEST)[:, output]
        # What smoothing moved an output by is said to all digits, and that of one of these may be the largest.
        assert found == pytest.approx(wanted, abs=1e-2 if name == "linear" else 1.001 * float(fit.origin.moved))


def test_weights_of_points_reach_the_machines_inside():
    with sklearn.config_context(enable_metadata_routing=True):
        inside = LogisticRegression().set_fit_request(sample_weight=True)
        model = OneVsRestClassifier(inside).fit(X, Y, sample_weight=WEIGHTS)
    assert handed_in(model, weights=WEIGHTS).converged
    with pytest.raises(NotConverged, match=r"no minimum on this data.*with other weights"):
        handed_in(model)


def test_kernels_of_all_machines_are_one_space():
    """Each machine expands its own support vectors; together they are what each is alone."""
    model = OneVsRestClassifier(SVC(gamma=0.3)).fit(X, Y)
    fit = handed_in(model)
    assert fit.data.n == 120
    outputs = fit.task.outputs(fit.theta, fit.data.x_test).numpy()
    assert pytest.approx(model.decision_function(X_TEST), abs=float(fit.origin.moved)) == outputs.T
    alone = handed_in(model.estimators_[1], y=(Y == 1).astype(int), y_test=(Y_TEST == 1).astype(int))
    assert alone.task.weight_decay == pytest.approx(fit.task.weight_decay)


def test_a_pair_that_nu_gave_a_c_of_its_own_counts_by_it():
    model = NuSVC(nu=0.6).fit(X, Y)
    fit = handed_in(model)
    entries = numpy.abs(numpy.array(fit.task.output_loss.code))
    largest = entries.max(0)
    assert largest.mean() == pytest.approx(1)
    assert largest.max() > 1.01
    with pytest.raises(NotConverged, match="no minimum on this data"):
        # Two classes part at no width at all that has so many points on its sides: C comes to 1e4.
        handed_in(NuSVC(nu=0.6, kernel="linear").fit(X, Y))
    assert "of each pair, by which its losses count" in repr(fit)


HOLE = numpy.where(numpy.arange(480).reshape(120, 4) == 7, numpy.nan, X)
BAD = {
    "other features": ({"x": X[:, :3]}, InvalidData, r"X is 120 × 3; the model .* 4"),
    "other test features": ({"x_test": X_TEST[:, :3]}, InvalidData, r"X_test is 10 × 3"),
    "a label never met": ({"y_test": Y_TEST + 1}, InvalidData, "y_test has the label 3, which the model never met"),
    "a missing class": ({"y": Y % 2}, InvalidData, "lacks some of the classes 0, 1, 2"),
    "NaN": ({"x": HOLE}, InvalidData, "NaN or infinite"),
    "weights of other rows": ({"weights": numpy.ones(119)}, InvalidWeights, r"shape \(119,\), expected \(120,\)"),
    "negative weights": ({"weights": -numpy.ones(120)}, InvalidWeights, "negative"),
    "labels of several columns": ({"y": numpy.eye(3)[Y]}, InvalidData, "one label or target a row"),
    "fewer labels": ({"y": Y[:-1]}, InvalidData, "120 and 119 rows"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", MACHINES)
def test_bad_input_is_refused_with_the_cure(name, case):
    changed, error, message = BAD[case]
    with pytest.raises(error, match=message):
        handed_in(MACHINES[name], **changed)


def test_an_unfitted_one_is_refused():
    with pytest.raises(InvalidParameter, match=r"OneVsRestClassifier is not fitted. Call its fit\(X, y\)"):
        handed_in(OneVsRestClassifier(LogisticRegression()))


@pytest.mark.parametrize("held", [scipy.sparse.csr_matrix, numpy.asfortranarray, numpy.float32, numpy.ndarray.tolist])
@pytest.mark.parametrize("name", ["a class", "linear"])
def test_other_forms_of_features_are_the_same_points(name, held):
    plain, other = handed_in(MACHINES[name]), handed_in(MACHINES[name], x=held(X), x_test=held(X_TEST))
    values = [il.NewtonStep().estimate(each).values.numpy() for each in (plain, other)]
    assert values[1] == pytest.approx(values[0], rel=1e-4 if held is numpy.float32 else 1e-9, abs=1e-8)


def test_a_nu_that_no_margin_meets_is_refused_with_its_c_and_what_would_answer():
    x = numpy.random.default_rng(0).normal(size=(60, 2))
    y = numpy.arange(60) % 2
    model = NuSVC(nu=0.9, kernel="linear").fit(x, y)
    with pytest.raises(NotConverged, match=r"nu came to a C of .*with a tol of .*no margin meets nu: take a smaller"):
        il.from_sklearn(model, x, y, x[:3], y[:3])


def test_points_in_another_order_are_the_same_points():
    order = numpy.random.default_rng(0).permutation(120)
    for model in (ONE_A_CLASS, SVC(kernel="linear").fit(X, Y)):
        fits = handed_in(model), handed_in(model, x=X[order], y=Y[order])
        values = [il.Exact().estimate(each).values.numpy() for each in fits]
        assert values[1] == pytest.approx(values[0][order], rel=1e-6, abs=1e-9)


def test_texts_are_classes_and_a_pipeline_goes_before():
    names = numpy.array(["ash", "birch", "cedar"])
    pipeline = make_pipeline(StandardScaler(), OneVsRestClassifier(RidgeClassifier())).fit(X, names[Y])
    table = pandas.DataFrame(X, columns=[f"column {place}" for place in range(X.shape[1])])
    inside = OneVsRestClassifier(make_pipeline(StandardScaler(), RidgeClassifier())).fit(table, names[Y])
    found = [il.influence(model, table, names[Y], table[:3], names[Y][:3]) for model in (pipeline, inside)]
    assert found[1].values.numpy() == pytest.approx(found[0].values.numpy(), rel=1e-9, abs=1e-12)
    assert found[1].fit.origin.held == ("the steps of the pipeline",)
    assert il.supports(OneVsRestClassifier(make_pipeline(StandardScaler(), SVC())))
    fit = handed_in(pipeline, y=names[Y], y_test=names[Y_TEST])
    assert fit.data.class_names == ("ash", "birch", "cedar")
    assert il.supports(make_pipeline(StandardScaler(), OneVsRestClassifier(SVC())))
