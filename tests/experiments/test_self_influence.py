"""What a training point does to its own loss: by refits, of some points, and what it finds."""

from dataclasses import replace

import numpy
import pytest
from problems import binary_problem, minimum, mlp_problem, ridge_problem
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import influencelab as il
from influencelab.errors import InvalidParameter, WrongType

X, Y = load_breast_cancer(return_X_y=True, as_frame=True)
GIVEN = X[:200], Y[:200], X[200:230], Y[200:230]
SHARED = il.NewtonStep(convention="renormalise")


@pytest.mark.parametrize("estimator", [il.Exact(), il.NewtonStep(), il.Exact(damping=0.1), SHARED])
@pytest.mark.parametrize("build", [binary_problem, ridge_problem, mlp_problem])
def test_self_influence_is_the_effect_on_the_point_itself(estimator, build):
    fitted = minimum(build, n=40, m=4)
    data = fitted.data
    own = replace(fitted, data=replace(data, x_test=data.x_train, y_test=data.y_train, test_ids=data.train_ids))
    wanted = estimator.estimate(own).values.diagonal().numpy()
    found = estimator.estimate(fitted).self_influence().numpy()
    assert found == pytest.approx(wanted, rel=1e-6, abs=1e-9 * numpy.abs(wanted).max())


@pytest.mark.parametrize("method", ["newton_step", "exact"])
def test_self_influence_follows_the_refits_of_the_model(method):
    x = numpy.random.default_rng(0).normal(size=(60, 3))
    y = numpy.random.default_rng(1).poisson(numpy.exp(0.5 * x[:, 0] + 0.2)).astype(float)
    model = PoissonRegressor(alpha=0.3, tol=1e-12, max_iter=10000).fit(x, y)
    found = il.influence(model, x, y, x, y, method=method)
    wanted = found.values.diagonal().numpy()
    assert found.removals == "renormalise"
    assert found.self_influence().numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-6 * numpy.abs(wanted).max())


def test_self_influence_finds_flipped_labels():
    y = Y[:200].to_numpy().copy()
    flipped = numpy.array([3, 50, 77, 120, 180])
    y[flipped] = 1 - y[flipped]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05)).fit(X[:200], y)
    found = il.influence(model, X[:200], y, *GIVEN[2:]).self_influence().numpy()
    assert set(flipped) <= set(numpy.argsort(-found)[:20])


def test_self_influence_of_some_points_and_its_progress():
    estimate, seen = il.NewtonStep().estimate(minimum(binary_problem)), []
    whole, some = estimate.self_influence(progress=lambda *at: seen.append(at)), [3, 1, 30]
    assert seen == [(60, 60)]
    assert estimate.self_influence(some).numpy() == pytest.approx(whole[some].numpy(), rel=1e-12)
    assert estimate.self_influence([]).shape == (0,)
    with pytest.raises(InvalidParameter, match=r"points go from 3 to 60, expected training points 0 … 59"):
        estimate.self_influence([3, 60])
    for wrong in (0.5, "three", [0.5]):
        with pytest.raises(WrongType, match=r"points is .*expected .*numbers"):
            estimate.self_influence(wrong)
    with pytest.raises(WrongType, match="progress is 3"):
        estimate.self_influence(progress=3)


def test_scores_that_only_rank_have_no_self_influence():
    with pytest.raises(InvalidParameter, match=r"'gradient_dot' only ranks and gives no self-influence: take 'exact'"):
        il.GradientDot().estimate(minimum(binary_problem)).self_influence()
