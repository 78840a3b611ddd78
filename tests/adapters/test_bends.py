"""Support vector machines are read through a smooth loss, as narrow as influence allows, and it is said."""

import math
import warnings

import numpy
import pytest
import scipy.sparse
from bent_refits import BENT, machine_outputs
from own_refits import points_of, takes_weights
from sklearn.base import clone
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC, LinearSVC, LinearSVR, NuSVC

import influencelab as il
from influencelab.adapters.smoothing import FINER, minimum
from influencelab.errors import NotConverged, SmoothedLoss
from influencelab.training.strain import strain

COUNT = 90
QUICK = ("svc, linear", "svr, linear")


def some(kind):
    points = points_of(kind, 1)
    return points.x[:COUNT], points.y[:COUNT], points.weights[:COUNT], (points.x_test, points.y_test)


def handed_in(model, x, y, watched, weights=None, **settings):
    with pytest.warns(SmoothedLoss, match="has a kink.*bend of width"):
        return il.from_sklearn(model, x, y, *watched, weights, **settings)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in BENT])
def test_the_fit_is_the_minimum_of_the_smooth_objective_at_the_narrowest_bend_that_influence_bears(name):
    estimator, kind = BENT[name]
    x, y, weights, watched = some(kind)
    given = weights if takes_weights(estimator) else None
    model = clone(estimator).fit(x, y, *([] if given is None else [given]))
    fit = handed_in(model, x, y, watched, given)
    t = fit.task.output_loss.width
    found = fit.task.outputs(fit.theta, fit.data.x_test).numpy()
    if not isinstance(model, NuSVC) or len(model.classes_) == 2:
        wanted = machine_outputs(model, x, y, numpy.ones(len(y)) if given is None else weights, watched[0], t=t)
        assert found == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    assert fit.convention == "drop"
    assert strain(fit) <= math.sqrt(0.5)
    loss = fit.task.output_loss
    one = loss.loss if isinstance(loss, il.OutputCode) else loss
    finer = type(one)(**{**vars(one), "t": t / FINER})
    finer = il.OutputCode(finer, loss.code) if isinstance(loss, il.OutputCode) else finer
    assert strain(
        minimum(type(fit.task)(**{**vars(fit.task), "loss": finer}), fit.data, fit.theta, fit.weights)
    ) > math.sqrt(0.5)
    # The true objective was at its minimum, and the smooth one has moved outputs by no more than about its bend.
    assert fit.origin.decrement < 0.05
    own = model.predict(watched[0]) if kind == "real" else model.decision_function(watched[0])
    assert numpy.abs(own.reshape(len(own), -1).T - found).max() <= fit.origin.moved


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) for name in ("svc", "linear svc, hinge", "svr, linear")]
)
def test_other_weights_other_features_and_an_early_stop_are_refused(name):
    estimator, kind = BENT[name]
    x, y, weights, watched = some(kind)
    model = clone(estimator).fit(x, y, weights)
    for wrong in (lambda: (x, y, None), lambda: (2 * x + 1, y, weights), lambda: (x, y[::-1], weights)):
        with pytest.raises(NotConverged, match=r"no minimum on this data.*with other weights"):
            il.from_sklearn(model, *wrong()[:2], *watched, wrong()[2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        early = clone(estimator).set_params(max_iter=3).fit(x, y, weights)
    with pytest.raises(NotConverged, match="polish=True"):
        il.from_sklearn(early, x, y, *watched, weights)
    polished = handed_in(early, x, y, watched, weights, polish=True)
    right = handed_in(model, x, y, watched, weights)
    assert polished.theta.numpy() == pytest.approx(right.theta.numpy(), rel=1e-5, abs=1e-7)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::influencelab.errors.SmoothedLoss")
def test_kernels_of_sparse_support_vectors_are_the_same():
    x, y, weights, watched = some("two")
    fits = [
        il.from_sklearn(SVC(gamma=0.3).fit(held(x), y, weights), x, y, *watched, weights)
        for held in (scipy.sparse.csr_matrix, numpy.asarray)
    ]
    assert fits[0].theta.numpy() == pytest.approx(fits[1].theta.numpy(), rel=1e-6, abs=1e-9)


@pytest.mark.slow
def test_a_kernel_that_was_computed_before_gives_the_same_numbers():
    x, y, weights, (x_test, y_test) = some("two")
    named = handed_in(SVC(gamma=0.3).fit(x, y, weights), x, y, (x_test, y_test), weights)
    known = SVC(kernel="precomputed").fit(rbf_kernel(x, gamma=0.3), y, weights)
    given = handed_in(known, rbf_kernel(x, gamma=0.3), y, (rbf_kernel(x_test, x, gamma=0.3), y_test), weights)
    values = [il.NewtonStep().estimate(each).values.numpy() for each in (named, given)]
    assert values[1] == pytest.approx(values[0], rel=1e-5, abs=1e-9)


def test_other_weights_are_refused():
    x, y, weights, watched = some("two")
    model = SVC(kernel="linear").fit(x, y, weights)
    with pytest.raises(NotConverged, match="no minimum on this data"):
        il.from_sklearn(model, x, y, *watched)


def test_a_hinge_of_products_keeps_the_features_and_their_names():
    x, y, _, watched = some("two")
    fit = handed_in(SVC(kernel="linear").fit(x, y), x, y, watched)
    assert fit.data.x_train.shape[1] == x.shape[1]
    assert "the C that nu came to" not in repr(fit)
    nu = handed_in(BENT["nu svc"][0].fit(x, y), x, y, watched)
    assert "the C that nu came to" in repr(nu)


CLASSES = sorted({type(estimator).__name__ for estimator, _ in BENT.values()})


def honest(cls, count):
    """Fits of one class, in turn of its options, to draws of points and features in units of their own."""
    options = [(name, *each) for name, each in BENT.items() if type(each[0]).__name__ == cls]
    for seed in range(count):
        name, estimator, kind = options[seed % len(options)]
        points, generator = points_of(kind, seed % 2), numpy.random.default_rng(seed)
        rows = generator.choice(len(points.y), 100)
        columns = generator.permutation(points.x.shape[1])[:3]
        x, y = points.x[rows][:, columns] * 10 ** generator.uniform(-0.3, 0.3, 3), points.y[rows]
        weights = generator.uniform(0.3, 3, len(rows)) if takes_weights(estimator) else None
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                model = clone(estimator).fit(x, y, *([] if weights is None else [weights]))
            except ValueError:
                continue  # A nu that so few points of a class cannot meet.
        # A nu that no margin meets makes C grow without end: outputs are then far from any minimum.
        if not warned and not (isinstance(model, NuSVC) and numpy.abs(model.dual_coef_).max() > 100):
            yield f"{name} {seed}", model, x, y, weights


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(2, marks=pytest.mark.slow),
        pytest.param(100, marks=[pytest.mark.slow, pytest.mark.exhaustive]),
    ],
)
@pytest.mark.parametrize("cls", CLASSES)
def test_fits_that_ended_without_a_warning_are_accepted(cls, count):
    refused = []
    for name, model, x, y, weights in honest(cls, count):
        try:
            handed_in(model, x, y, (x[:3], y[:3]), weights)
        except NotConverged as error:
            refused.append(f"{name}: {error}")
    assert refused == []


def test_settings_that_are_no_smooth_objective_are_refused():
    assert "Take multi_class='ovr'" in il.supports(LinearSVC(multi_class="crammer_singer")).reason
    assert il.supports(LinearSVR(loss="squared_epsilon_insensitive"))
    assert il.supports(SVC())
