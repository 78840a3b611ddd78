"""Each loss says what it is counted in, and estimates, fits, comparisons and figures take it from there."""

import numpy
import pytest
from problems import binary_problem, class_data, minimum, ridge_problem
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.experiments.plots import axis_labels
from influencelab.explorer.data import from_bytes

UNITS = {
    "nats": lambda: minimum(binary_problem),
    "squared units of y / 2": lambda: minimum(ridge_problem),
    "hinge loss": lambda: il.fit(il.SmoothHinge(0.1, t=0.5), class_data(0, classes=2), il.Newton()),
}


@pytest.mark.parametrize("unit", UNITS)
def test_only_likelihoods_are_in_nats(unit):
    fitted = UNITS[unit]()
    estimate = il.Exact().estimate(fitted)
    compared = il.compare(estimate, il.SecondOrder().retrain(fitted, il.leave_one_out(fitted.data.n, rows=range(5))))
    assert estimate.unit == compared.unit == unit
    assert compared.statistics()["intercept"].pooled.unit == unit
    assert set(estimate.top(0)["unit"]) == {unit}
    for shown in (repr(fitted), repr(estimate), *axis_labels(estimate.unit)):
        assert unit in shown
        assert ("nats" in shown) == (unit == "nats")
    explorer = il.Explorer(compared)
    axis = explorer.figure().axes[0]
    assert axis.get_xlabel() == f"predicted change in test loss ({unit})"
    assert axis.get_ylabel() == f"actual change in test loss ({unit})"
    assert from_bytes(explorer._data.to_bytes()).tables[0].unit == unit
    assert axis_labels("none")[0] == "score (no unit)"


@pytest.mark.parametrize("c", [0.1, 10.0])
def test_logistic_of_two_classes_is_scikit_learns_at_twice_the_weight_decay(c):
    data = class_data(3, classes=2)
    theirs = LogisticRegression(C=c, tol=1e-12, max_iter=1000).fit(data.x_train.numpy(), data.y_train.numpy())
    wanted, decay = theirs.decision_function(data.x_test.numpy()), 1 / (c * data.n)
    binary = il.fit(il.BinaryLogistic(decay), data, il.Newton())
    softmax, equal = (il.fit(il.Logistic(a), data, il.Newton()) for a in (2 * decay, decay))
    assert binary.task.outputs(binary.theta, data.x_test)[0].numpy() == pytest.approx(wanted, rel=1e-4)
    log_odds = [numpy.diff(each.task.outputs(each.theta, data.x_test).numpy(), axis=0)[0] for each in (softmax, equal)]
    assert log_odds[0] == pytest.approx(wanted, rel=1e-4)
    assert abs(log_odds[1] - wanted).max() > 0.01
    assert f"BinaryLogistic, and scikit-learn, with {decay:g}" in repr(softmax)
    assert "BinaryLogistic" not in repr(il.fit(il.Logistic(0.1), class_data(3), il.Newton()))
