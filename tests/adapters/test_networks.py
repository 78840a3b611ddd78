"""Networks of scikit-learn: their own outputs, the penalty that their solver holds, and early stops refused."""

import warnings

import numpy
import pytest
from own_refits import LBFGS, points_of
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

import influencelab as il
from influencelab.errors import NotConverged

POINTS = points_of("two", 1)
X, Y, WATCHED = POINTS.x[:150], POINTS.y[:150], (POINTS.x_test, POINTS.y_test)
WEIGHTS = POINTS.weights[:150]


def quietly(model, *given):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return clone(model).fit(*given)


def test_an_early_stop_is_refused_and_trained_on_to_a_minimum():
    model = quietly(MLPClassifier((3,), activation="tanh", alpha=10.0, **{**LBFGS, "max_iter": 8}), X, Y)
    with pytest.raises(NotConverged, match=r"no minimum on this data.*not to the end.*polish=True"):
        il.from_sklearn(model, X, Y, *WATCHED)
    fit = il.from_sklearn(model, X, Y, *WATCHED, polish=True)
    assert fit.converged
    longer = il.from_sklearn(quietly(model.set_params(max_iter=5000), X, Y), X, Y, *WATCHED)
    assert longer.origin.moved < 0.1 * fit.origin.moved


def test_wrong_labels_and_other_weights_are_refused():
    model = quietly(MLPClassifier((3,), activation="tanh", alpha=10.0, **LBFGS), X, Y, WEIGHTS)
    il.from_sklearn(model, X, Y, *WATCHED, WEIGHTS)
    for y, weights in ((Y, None), (numpy.where(numpy.arange(len(Y)) == 3, 1 - Y, Y), WEIGHTS)):
        with pytest.raises(NotConverged, match="no minimum"):
            il.from_sklearn(model, X, y, *WATCHED, weights)


def test_adam_ends_beside_its_minimum_and_holds_the_penalty_beside_the_mean_of_a_batch():
    model = quietly(MLPClassifier((3,), activation="tanh", alpha=5.0, batch_size=100, random_state=0), X, Y)
    with pytest.raises(NotConverged, match="polish=True"):
        il.from_sklearn(model, X, Y, *WATCHED)
    fit = il.from_sklearn(model, X, Y, *WATCHED, polish=True)
    # 150 points make batches of 100 and 50.
    assert fit.weight_decay == pytest.approx(5.0 * (1 / 100 + 1 / 50) / 2)
    assert fit.convention == "renormalise"
    whole = quietly(MLPClassifier((3,), activation="tanh", alpha=5.0, **LBFGS), X, Y)
    assert il.from_sklearn(whole, X, Y, *WATCHED).convention == "drop"


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_network_whose_activation_has_kinks_is_told_from_one_that_has_not():
    model = quietly(MLPRegressor(hidden_layer_sizes=(4,), alpha=1.0, **LBFGS), X, 1.0 * Y)
    watched = (POINTS.x_test, 1.0 * POINTS.y_test)
    with pytest.raises(NotConverged, match=r"no minimum on this data|kinks, where minima lie: take 'tanh'"):
        il.from_sklearn(model, X, 1.0 * Y, *watched)
    with pytest.raises(NotConverged, match="kinks, where minima lie: take 'tanh'"):
        il.from_sklearn(model, X, 1.0 * Y, *watched, polish=True)
