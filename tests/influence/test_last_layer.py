"""Influence through the last layer: it predicts retraining of that layer, and a singular inverse spoils it."""

import numpy
import pytest
import torch
from problems import class_data, minimum, mlp_problem
from scipy import optimize

from influencelab.errors import InvalidParameter, NotConverged
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.last_layer import LastLayer
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.training.fit import fit
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.newton import Newton


def numpy_hidden(theta, x, width, features):
    layer = theta[: width * (features + 1)].reshape(width, features + 1)
    return numpy.c_[numpy.tanh(x @ layer[:, :-1].T + layer[:, -1]), numpy.ones(len(x))]


def last_layer_changes(fitted, rows):
    """Retraining of the last layer alone, by SciPy on the frozen hidden units."""
    data, decay, width = fitted.data, fitted.task.weight_decay, fitted.task.width
    theta, features = fitted.theta.numpy(), data.x_train.shape[1]
    hidden = numpy_hidden(theta, data.x_train.numpy(), width, features)
    watched = numpy_hidden(theta, data.x_test.numpy(), width, features)
    start = theta[width * (features + 1) :]

    def losses(last, units, labels):
        outputs = units @ last.reshape(-1, width + 1).T
        return numpy.logaddexp.reduce(outputs, axis=1) - outputs[numpy.arange(len(labels)), labels]

    def best(weights):
        def value(last):
            return weights @ losses(last, hidden, data.y_train.numpy()) + decay / 2 * last @ last

        return optimize.minimize(value, start, method="BFGS", options={"gtol": 1e-10}).x

    whole = numpy.full(data.n, 1 / data.n)
    before = losses(best(whole), watched, data.y_test.numpy())
    return numpy.stack(
        [
            losses(best(numpy.where(numpy.arange(data.n) == row, 0, whole)), watched, data.y_test.numpy()) - before
            for row in rows
        ]
    )


def test_it_predicts_retraining_of_the_last_layer():
    fitted = minimum(mlp_problem)
    rows = list(range(0, 40, 3))
    wanted = last_layer_changes(fitted, rows)
    found = LastLayer().estimate(fitted)
    assert found.residual.max() < 1e-10
    assert numpy.corrcoef(found.values[rows].ravel(), wanted.ravel())[0, 1] > 0.99
    slope = numpy.polyfit(found.values[rows].numpy().ravel(), wanted.ravel(), 1)[0]
    assert 0.9 < slope < 1.2
    assert not torch.allclose(found.values, Exact().estimate(fitted).values, rtol=0.1)


@pytest.mark.parametrize("linear", [MLP(weight_decay=0.05, depth=0), Logistic(weight_decay=0.05)])
def test_without_hidden_layers_it_is_influence(linear):
    fitted = fit(linear, class_data(0), Newton(tolerance=1e-10))
    assert torch.allclose(LastLayer().estimate(fitted).values, Exact().estimate(fitted).values, rtol=1e-9)


def test_the_published_inverse_solves_a_singular_system():
    fitted = minimum(mlp_problem)
    published = LastLayer(penalty=False, inverse="plain").estimate(fitted)
    mended = LastLayer(penalty=False).estimate(fitted)
    assert mended.residual.max() < 1e-6
    assert published.residual.max() > 100 * mended.residual.max()


def test_wrong_use_is_refused():
    with pytest.raises(InvalidParameter, match="expected pseudo or plain"):
        LastLayer(inverse="cholesky")
    task, data = mlp_problem()
    with pytest.raises(NotConverged):
        LastLayer().estimate(fit(task, data, GradientDescent(steps=3)))
