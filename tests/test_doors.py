"""Whatever is given to a public function and is another kind of thing is refused by name, with the next step."""

from dataclasses import replace

import jaxtyping
import numpy
import pandas
import pytest
import scipy.sparse
import torch
from problems import logistic_problem, mlp_problem
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab import make, names
from influencelab.errors import InfluenceLabError, InvalidData, InvalidParameter, InvalidWeights, WrongType
from influencelab.influence.estimator import Estimator
from influencelab.recipe import fingerprint

TASK, DATA = logistic_problem(n=12, m=3)
THEIRS = LogisticRegression()


@pytest.fixture(autouse=True)
def as_users_run_it(monkeypatch):
    """Without the shape checks of the tests, so that what a user meets is the library's own refusal."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(scope="module")
def fitted():
    return il.fit(TASK, DATA, il.Newton())


@pytest.fixture(scope="module")
def estimate(fitted):
    return il.Exact().estimate(fitted)


@pytest.fixture(scope="module")
def truth(fitted):
    return il.SecondOrder().retrain(fitted, il.leave_one_out(12))


CALLS = {
    "a model of another library": (
        lambda: il.fit(THEIRS, DATA, il.Newton()),  # pyright: ignore[reportArgumentType]
        r"task is a LogisticRegression \(sklearn\), expected a Task\. Give .*il\.Logistic",
    ),
    "a class": (
        lambda: il.fit(il.Logistic, DATA, il.Newton()),  # pyright: ignore[reportArgumentType]
        r"task is the class Logistic, expected a Task\. Call it: Logistic\(…\)",
    ),
    "arrays": (
        lambda: il.fit(TASK, (1, 2), il.Newton()),  # pyright: ignore[reportArgumentType]
        r"data is a tuple, expected a Dataset\. Load a source",
    ),
    "a source": (
        lambda: il.fit(TASK, il.Iris(), il.Newton()),  # pyright: ignore[reportArgumentType]
        r"data is an Iris, expected a Dataset\. Load it: \.load\(\)",
    ),
    "a name": (
        lambda: il.fit(TASK, DATA, "newton"),  # pyright: ignore[reportArgumentType]
        r"trainer is the text 'newton', expected a Trainer\. Give one such as il\.Newton\(\)",
    ),
    "training points alone": (
        lambda: il.Dataset(torch.ones(3, 2), [0, 1, 1]),
        r"x_test is None, expected numbers.*test points whose losses are watched.*train_test_split",
    ),
    "features alone": (lambda: il.Dataset(x_train=torch.ones(3, 2)), "y_train is None, expected numbers"),
    "an estimator that is not made": (
        lambda: il.Exact.estimate(TASK),  # pyright: ignore[reportArgumentType]
        r"fit is None, expected a Fit\. Make one",
    ),
    "a data set as source": (
        lambda: il.Trial(DATA, TASK, il.Newton(), {"exact": il.Exact()}),  # pyright: ignore[reportArgumentType]
        r"source of Trial is a Dataset, expected a Source.*il\.fit",
    ),
    "a model of another library in a trial": (
        lambda: il.Trial(il.Iris(), THEIRS, il.Newton(), {"exact": il.Exact()}),  # pyright: ignore[reportArgumentType]
        "task of Trial is a LogisticRegression",
    ),
    "estimators without names": (
        lambda: il.Trial(il.Iris(), TASK, il.Newton(), [il.Exact()]),  # pyright: ignore[reportArgumentType]
        r"estimators of Trial is a list.*\{'exact': il\.Exact\(\)\}",
    ),
    "a target by its name": (
        lambda: il.Trial(il.Iris(), TASK, il.Newton(), {"exact": il.Exact()}, targets={"warm": "second_order"}),  # pyright: ignore[reportArgumentType]
        r"targets of Trial, 'warm', is the text 'second_order', expected a Retrainer. Give one such as",
    ),
    "one trial": (
        lambda: il.run_trials(il.Trial(il.Iris(), TASK, il.Newton(), {"exact": il.Exact()}), store="store"),  # pyright: ignore[reportArgumentType]
        r"trials is a Trial, .*Give a list: \[trial\]",
    ),
    "trials by name": (lambda: il.run_trials(["exact"], store="store"), "a trial is the text 'exact'"),  # pyright: ignore[reportArgumentType]
    "a store that is no folder": (lambda: il.Store(3), "folder of Store is 3"),  # pyright: ignore[reportArgumentType]
    "an outcome by itself": (lambda: il.agreements(3, ()), "outcomes is 3, expected a Mapping"),  # pyright: ignore[reportArgumentType]
    "an outcome to explore": (
        lambda: il.explorer_data(3, {}, names=()),  # pyright: ignore[reportArgumentType]
        "outcomes is 3, expected a Mapping",
    ),
    "parameters of another library's model": (
        lambda: il.fit_at(THEIRS, DATA, [0.0], trainer=il.Newton()),  # pyright: ignore[reportArgumentType]
        "task is a LogisticRegression",
    ),
    "a text as a number of pairs": (lambda: il.null_band("x"), "n is the text 'x'"),  # pyright: ignore[reportArgumentType]
    "a text as a correlation": (lambda: il.fisher_interval("x", 3), "r is the text 'x'"),  # pyright: ignore[reportArgumentType]
    "one label for a row of them": (lambda: il.Replacement.relabel(DATA, [1], 0), "y is one number, expected a row"),
    "a size of data that is none": (
        lambda: il.Groups(0.1).removals("x", convention="drop"),  # pyright: ignore[reportArgumentType]
        "n is the text 'x'",
    ),
    "a sparse matrix of rows": (
        lambda: il.leave_one_out(12, rows=scipy.sparse.csr_matrix([1])),
        r"rows is \(1, 1\) of torch.int64, expected whole numbers in a flat row",
    ),
    "a text as seed": (
        lambda: il.fit(TASK, DATA, il.Newton(), seed="1"),  # pyright: ignore[reportArgumentType]
        "seed is the text '1', expected a whole number",
    ),
    "a text as weights": (lambda: il.fit(TASK, DATA, il.Newton(), weights="equal"), "weights is the text 'equal'"),
    "data as a count": (
        lambda: il.leave_one_out(DATA),  # pyright: ignore[reportArgumentType]
        r"n is a Dataset, expected a whole number\. Give .*data\.n",
    ),
    "one row": (
        lambda: il.leave_one_out(12, rows=3),  # pyright: ignore[reportArgumentType]
        "rows is one number",
    ),
    "groups that are points": (
        lambda: il.groups(12, members=[1, 2]),  # pyright: ignore[reportArgumentType]
        "group 0 is one number",
    ),
    "no groups": (
        lambda: il.groups(12, members=3),  # pyright: ignore[reportArgumentType]
        r"members is 3, expected .*\[\[1, 2\], \[3\]\]",
    ),
    "one change": (
        lambda: il.PenaltyChange(0.1),  # pyright: ignore[reportArgumentType]
        r"changes is 0\.1, expected a row of numbers",
    ),
    "points that are texts": (
        lambda: il.Removals(rows=[0], points=["a"], r=1, n=3),  # pyright: ignore[reportArgumentType]
        "points holds texts, expected whole numbers",
    ),
    "moves that are none": (
        lambda: il.FeatureMove(points=[1], moves=None, n=12),  # pyright: ignore[reportArgumentType]
        "moves is None, expected numbers",
    ),
    "a data set as features": (
        lambda: il.Replacement(points=[1], x=DATA, y=[1], n=12),  # pyright: ignore[reportArgumentType]
        "x is a Dataset, expected numbers",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_another_kind_of_thing_is_refused_with_the_next_step(case):
    call, message = CALLS[case]
    with pytest.raises(WrongType, match=message) as caught:
        call()
    assert isinstance(caught.value, InfluenceLabError)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("kind", names(Estimator))
def test_every_estimator_asks_for_a_fit(kind):
    with pytest.raises(WrongType, match=r"fit is a LogisticRegression \(sklearn\), expected a Fit\. Make one: il\.fit"):
        make(Estimator, kind).estimate(THEIRS)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("kind", ["exact", "conjugate_gradient", "gradient_dot"])
def test_a_sensitivity_asks_for_a_fit_and_a_measure(kind, fitted):
    method = make(Estimator, kind).sensitivity  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(WrongType, match="fit is a Dataset"):
        method(DATA)
    with pytest.raises(WrongType, match=r"measure is the class Loss.*Call it: Loss"):
        method(fitted, measure=il.Loss)


def test_what_follows_a_fit_asks_for_its_kind(fitted, estimate, truth):
    comparison = il.compare(estimate, truth)
    for call, message in (
        (lambda: il.SecondOrder().retrain(THEIRS, truth.perturbation), "fit is a LogisticRegression"),
        (lambda: il.SecondOrder().retrain(fitted, [1, 2]), r"perturbation is a list.*il\.leave_one_out"),
        (lambda: estimate.predict([1, 2]), r"perturbation is a list.*il\.leave_one_out"),
        (lambda: estimate.sensitivity.predict(None), "perturbation is None"),
        (lambda: il.compare(truth, estimate), r"estimate is a Retrained, expected an Estimate\. Make one"),
        (lambda: il.compare(estimate, None), r"retrained is None, expected a Retrained\. Make one"),
        (lambda: il.check(estimate.values), r"estimate is a Tensor.*expected an Estimate\. Make one"),
        (lambda: il.check(estimate, retrainer="rerun"), r"retrainer is the text 'rerun', expected a Retrainer"),
        (lambda: comparison.statistics(3), r"bootstrap is 3, expected a Bootstrap"),
        (lambda: il.Explorer(estimate), r"source is an Estimate, .*il\.compare\(estimate, retrained\)"),
        (lambda: il.Explorer(comparison, data=1), "data is 1, expected a Dataset"),
        (lambda: il.Explorer(comparison, retrain=1), "retrain is 1"),
    ):
        with pytest.raises(WrongType, match=message):
            call()


def test_tensors_that_were_written_over_since_a_fit_are_refused():
    features = DATA.x_train.clone()
    fitted = il.fit(TASK, replace(DATA, x_train=features), il.Newton())
    expected = il.Exact().estimate(fitted).values
    for written in (fitted.theta, features, fitted.weights):
        kept = written.clone()
        written.mul_(5)
        for ask in (il.Exact().estimate, il.Exact().sensitivity, il.GradientDot().estimate):
            with pytest.raises(InvalidData, match=r"changed in place.*train again"):
                ask(fitted)
        with pytest.raises(InvalidData, match="changed in place"):
            il.SecondOrder().retrain(fitted, il.leave_one_out(12))
        written.copy_(kept)
    assert il.Exact().estimate(fitted).values.equal(expected)


def test_given_parameters_come_in_any_sequence_of_the_right_length():
    theta = torch.linspace(-1, 1, len(TASK.start(DATA, 0)), dtype=torch.float64)
    expected = il.fit_at(TASK, DATA, theta, trainer=il.Newton())
    for given in (theta.numpy(), theta.tolist(), pandas.Series(theta.numpy())):
        assert il.fit_at(TASK, DATA, given, trainer=il.Newton()).loss == expected.loss
    with pytest.raises(InvalidParameter, match=r"theta is \(2,\), expected \(15,\)"):
        il.fit_at(TASK, DATA, theta[:2], trainer=il.Newton())


@pytest.mark.parametrize("mask", [[1, 2], numpy.ones((12, 3)), torch.ones(3, 12, dtype=torch.bool), [[True]]])
def test_a_mask_of_another_kind_or_shape_is_refused(estimate, truth, mask):
    with pytest.raises(InvalidData, match=r"mask is .*expected a truth value for each of the \(12, 3\) pairs"):
        il.compare(estimate, truth, mask=mask)


def test_positions_weights_and_masks_come_in_any_sequence(estimate, truth):
    alone = il.leave_one_out(12, rows=torch.tensor([1, 2]))
    for rows in ([1, 2], (1, 2), range(1, 3), numpy.array([1, 2]), pandas.Index([1, 2])):
        assert il.leave_one_out(numpy.int64(12), rows=rows).points.equal(alone.points)  # pyright: ignore[reportArgumentType]
    grouped = il.groups(12, members=[numpy.array([1, 2]), (3,), {4, 5}])
    assert grouped.points.tolist() == [1, 2, 3, 4, 5]
    weights = numpy.arange(1.0, 13.0) / 78
    expected = il.fit(TASK, DATA, il.Newton(), weights=torch.tensor(weights)).theta
    for given in (weights, weights.tolist(), pandas.Series(weights)):
        assert il.fit(TASK, DATA, il.Newton(), weights=given).theta.equal(expected)
    with pytest.raises(InvalidWeights, match=r"shape \(2,\), expected \(12,\)"):
        il.fit(TASK, DATA, il.Newton(), weights=[0.5, 0.5])
    mask = numpy.ones((12, 3), dtype=bool)
    mask[3] = False
    assert not il.compare(estimate, truth, mask=mask.tolist()).mask[3].any()
    relabelled = il.Replacement.relabel(DATA, [1, 2], [0, 1])
    assert estimate.predict(relabelled).shape == (2, 3)
    assert il.PenaltyChange([0.1, 0.2]).changes == il.PenaltyChange(numpy.array([0.1, 0.2])).changes == (0.1, 0.2)  # pyright: ignore[reportArgumentType]
    moves = il.FeatureMove(points=range(2), moves=numpy.zeros((2, 4)), n=12)  # pyright: ignore[reportArgumentType]
    assert estimate.predict(moves).abs().max() == 0


def everything(task, data):
    """What the doors answer for one task."""
    model = il.fit(task, data, il.Newton())
    estimate = il.Exact(allow_unconverged=True).estimate(model)
    truth = il.SecondOrder().retrain(model, il.leave_one_out(data.n, rows=[1, 2]))
    change = il.PenaltyChange((0.001,))
    ekfac = il.EKFAC(allow_unconverged=True).estimate(model)
    return model.theta, estimate.values, truth.values, ekfac.values, estimate.predict(change)


@pytest.mark.parametrize("build", [logistic_problem, mlp_problem])
@pytest.mark.parametrize("switch", [torch.no_grad, torch.inference_mode])
def test_where_autograd_is_switched_off_everything_is_what_it_is_elsewhere(build, switch):
    task, data = build()
    expected = everything(task, data)
    with switch():
        made = il.Dataset(data.x_train * 1.0, data.y_train, data.x_test * 1.0, data.y_test, classes=data.classes)
        found = everything(task, made)
    for before, after in zip(expected, found, strict=True):
        assert after.equal(before)


def test_a_trainer_by_itself_works_where_no_gradients_are_asked_for():
    task, data = mlp_problem()
    weights = torch.full((1, data.n), 1 / data.n, dtype=torch.float64)
    with torch.no_grad():
        trained = il.LBFGS(max_steps=5).train(task, data, task.start(data, 0)[None], weights)
    assert trained.grad_norm.isfinite().all()


@pytest.mark.parametrize(
    ("make_it", "message"),
    [
        (lambda: il.Exact(damping="0.1"), "damping of Exact is the text '0.1', expected a number, such as 0.01"),  # pyright: ignore[reportArgumentType]
        (lambda: il.Newton(tolerance=None), "tolerance of Newton is None, expected a number"),  # pyright: ignore[reportArgumentType]
        (lambda: il.Logistic(weight_decay=True), "weight_decay of Logistic is True, expected a number"),
        (lambda: il.Digits(train_size=1.5), "train_size of Digits is 1.5, expected a whole number, such as 10"),  # pyright: ignore[reportArgumentType]
        (lambda: il.Groups("half"), "share of Groups is the text 'half'"),  # pyright: ignore[reportArgumentType]
        (lambda: il.Digits(scaling=1), "scaling of Digits is 1, expected a text"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_a_setting_of_another_type_is_refused_by_name(make_it, message):
    with pytest.raises(WrongType, match=message):
        make_it()


def test_numbers_of_numpy_are_settings_like_any_other():
    numpys, plain = il.Groups(numpy.float64(0.1), count=numpy.int64(5)), il.Groups(0.1, count=5)  # pyright: ignore[reportArgumentType]
    assert fingerprint(numpys) == fingerprint(plain)
