"""Influence on one digit with its factors left out: parts by plain algebra, and how they agree with the truth."""

import numpy
import pytest
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.statistics.measurements import find
from influencelab.studies.misleading_images import components, figures
from influencelab.studies.misleading_images.called import VARIANTS


@pytest.fixture(scope="module")
def factored():
    """A digit, influence on it and its parts, and the truth of a few removals."""
    model = components.model_of(il.Digits(labels=(1, 7), scaling="unit", held_out=1600), test=12)
    found = components.variants(model)
    return model, found, components.retrained(model, components.removed(found, count=2, seed=0))


def test_variants_are_influence_with_factors_left_out(factored):
    model, found, truth = factored
    data, theta = model.data, model.theta.numpy()
    x, y = data.x_train.flatten(1).numpy(), data.y_train.numpy()
    at, label = data.x_test.flatten().numpy(), int(data.y_test[0])
    chance = 1 / (1 + numpy.exp(-x @ theta))
    curvature = (x * (chance * (1 - chance))[:, None]).T @ x / len(y) + 0.01 * numpy.eye(x.shape[1])
    residual, own = chance - y, 1 / (1 + numpy.exp(-at @ theta)) - label
    signs = numpy.sign(residual)
    wanted = {
        "whole": residual * own * (x @ numpy.linalg.solve(curvature, at)) / len(y),
        "without_loss": signs * own * (x @ numpy.linalg.solve(curvature, at)) / len(y),
        "without_curvature": residual * own * (x @ at) / len(y),
        "without_both": signs * own * (x @ at) / len(y),
    }
    for name, values in found.items():
        assert values == pytest.approx(wanted[name], rel=1e-5, abs=1e-9), name
    assert ((y == label) == (wanted["without_curvature"] >= 0)).all()
    row = int(truth.perturbation.changed[0])
    kept = numpy.arange(len(y)) != row
    model = LogisticRegression(C=1 / (0.01 * len(y)), fit_intercept=False, tol=1e-12, solver="newton-cholesky")
    score = at @ model.fit(x[kept], y[kept]).coef_[0]
    change = numpy.logaddexp(0, (1 - 2 * label) * score) - numpy.logaddexp(0, (1 - 2 * label) * (at @ theta))
    assert float(truth.values[0, 0]) == pytest.approx(change, rel=1e-4)


def test_components_are_measured_beside_the_truth_and_drawn(factored):
    model, found, truth = factored
    bootstrap = il.Bootstrap(resamples=100)
    parts = components.agreements(model, found, truth, name="digits", bootstrap=bootstrap)
    table = components.measurements(model, found, parts, bootstrap=bootstrap)
    pairs = components.pairs(model, found, truth)
    for name in VARIANTS:
        number = find(table, {"estimator": name, "statistic": "pearson"})
        assert number
        assert number.value == pytest.approx(numpy.corrcoef(pairs[name], pairs["actual"])[0, 1], abs=1e-9)
        gain = find(table, {"estimator": name, "statistic": "pearson_gain"})
        assert (gain is None) == (name == "whole")
    own = (model.data.y_train == model.data.y_test[0]).numpy()
    harmful = find(table, {"estimator": "whole", "statistic": "harmful_of_own_class"})
    assert harmful
    assert harmful.value == pytest.approx((found["whole"][own] < 0).mean())
    order = own[numpy.argsort(found["whole"])]
    rank = find(table, {"statistic": "first_harmful_of_own_class"})
    assert rank
    assert not order[: int(rank.value) - 1].any()
    assert order[int(rank.value) - 1]
    assert len(figures.components(pairs, table).axes) == 4
