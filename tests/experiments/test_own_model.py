"""One call on a fitted model: what it chooses and refuses, and what can be asked of the estimate that it gives."""

import errno
import os
import pickle
import warnings
from dataclasses import replace

import numpy
import pytest
import torch
from problems import binary_problem, minimum, mlp_problem, ridge_problem
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.api import OLS

import influencelab as il
from influencelab.errors import InvalidParameter, UnknownName, WrongType
from influencelab.experiments import check, own_model

X, Y = load_breast_cancer(return_X_y=True, as_frame=True)
GIVEN = X[:200], Y[:200], X[200:230], Y[200:230]
MODEL = make_pipeline(StandardScaler(), LogisticRegression()).fit(*GIVEN[:2])
# With so much weight decay no point has much leverage.
STEADY = make_pipeline(StandardScaler(), LogisticRegression(C=0.03)).fit(*GIVEN[:2])


def test_a_fitted_pipeline_gives_newton_steps_of_its_own_refits():
    estimate = il.influence(MODEL, *GIVEN)
    wanted = il.NewtonStep().estimate(il.from_sklearn(MODEL, *GIVEN))
    assert estimate.values.numpy() == pytest.approx(wanted.values.numpy())
    assert estimate.estimator == il.NewtonStep()
    assert "linear in 31 parameters" in repr(estimate)
    assert "linear in 31 parameters" in estimate._repr_html_()


def test_the_room_of_influence_is_the_call_and_still_a_room():
    import influencelab.influence.estimators.exact as module

    assert il.influence is __import__("influencelab.influence").influence
    assert module.Exact is il.Exact
    assert callable(il.influence)
    assert pickle.loads(pickle.dumps(__import__("influencelab.influence").influence)) is il.influence


def test_weights_and_the_convention_of_the_estimator_come_along():
    x, y = load_diabetes(return_X_y=True)
    weights = numpy.linspace(0.5, 2, 100)
    model = Ridge(0.3).fit(x[:100], y[:100], sample_weight=weights)
    estimate = il.influence(model, x[:100], y[:100], x[100:110], y[100:110], sample_weight=weights)
    kept = numpy.where(numpy.arange(100) == 7, 0.0, weights)
    without = Ridge(0.3).fit(x[:100], y[:100], sample_weight=kept)
    change = ((without.predict(x[100:110]) - y[100:110]) ** 2 - (model.predict(x[100:110]) - y[100:110]) ** 2) / 2
    found = estimate.values[7].numpy()
    slope, offset = numpy.polyfit(found, change, 1)
    assert slope == pytest.approx(1, abs=0.05)
    assert offset == pytest.approx(0, abs=0.05 * numpy.abs(change).max())


GAP = il.GroupGap((0, 2, 4, 6), (1, 3, 5, 7))
MEASURES = ["margin", "probability", "squared_residual", "auroc", "coefficients"]
MEASURES += [il.Parameters((0, 3)), il.GroupMeanLoss(), GAP]


@pytest.mark.parametrize("measure", MEASURES)
def test_other_measures_are_watched_by_estimate_and_check_alike(measure):
    found = il.influence(STEADY, *GIVEN, measure=measure).check(points=8)
    assert found.slope.value == pytest.approx(1, abs=0.05)
    assert found.order.value > 0.95
    assert found.comparison.unit == found.retrained.fit.unit
    assert found.retrained.fit.measure.noun in found.sentence


def test_a_model_without_probabilities_says_so():
    model = make_pipeline(StandardScaler(), RidgeClassifier()).fit(*GIVEN[:2])
    with pytest.raises(InvalidParameter, match=r"gives no probabilities; take the measure 'margin'"):
        il.influence(model, *GIVEN, measure="probability")
    assert il.influence(model, *GIVEN, measure="margin").unit == "log-odds"


def test_a_check_of_too_few_digits_says_what_to_do():
    fitted = minimum(binary_problem)
    assert check.single(fitted) == ""
    data = replace(fitted.data, x_train=fitted.data.x_train.float(), x_test=fitted.data.x_test.float())
    rough = replace(fitted, data=data, theta=fitted.theta.float(), weights=fitted.weights.float())
    assert check.single(rough).endswith("make the fit in float64.")


def test_a_fit_keeps_what_it_watches_unless_another_measure_is_named():
    fitted = replace(minimum(binary_problem), measure=il.Margin())
    assert il.influence(fitted).unit == "log-odds"
    assert il.influence(fitted, measure="loss").unit == "nats"


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (UnknownName, "probability", lambda: il.influence(MODEL, *GIVEN, measure="probabilty")),
        (WrongType, "measure is 3.*probability", lambda: il.influence(MODEL, *GIVEN, measure=3)),
        (UnknownName, "newton_step", lambda: il.influence(MODEL, *GIVEN, method="newton")),
        (WrongType, "method is 3.*auto", lambda: il.influence(MODEL, *GIVEN, method=3)),
        (InvalidParameter, "X_test is missing", lambda: il.influence(MODEL, *GIVEN[:2])),
        (InvalidParameter, "holds its own data, and y", lambda: il.influence(minimum(ridge_problem), y=GIVEN[1])),
        (InvalidParameter, "hold their own data, and X", lambda: il.influence(OLS(GIVEN[1], GIVEN[0]).fit(), GIVEN[0])),
        (InvalidParameter, "stands where it is", lambda: il.influence(minimum(ridge_problem), polish=True)),
        (WrongType, "does not say its loss.*from_torch", lambda: il.influence(torch.nn.Linear(2, 1), *GIVEN)),
        (WrongType, "trees", lambda: il.influence(RandomForestClassifier(3).fit(*GIVEN[:2]), *GIVEN)),
        (WrongType, "no estimator|not read", lambda: il.influence("model", *GIVEN)),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_next_step(error, words, call):
    with pytest.raises(error, match=words):
        call()


def test_the_method_is_chosen_by_size_and_said(capsys, monkeypatch):
    linear, network = minimum(binary_problem), minimum(mlp_problem)
    assert own_model.choice(linear)[0] == il.NewtonStep()
    assert own_model.choice(network)[0] == il.Exact()
    monkeypatch.setattr(own_model, "FACTORISED", 1)
    estimator, why, _ = own_model.choice(network)
    assert estimator == il.ConjugateGradient()
    assert f"{len(network.theta):,} parameters would take" in why
    monkeypatch.setattr(own_model, "MANY", 2)
    assert own_model.choice(network)[0] == il.EKFAC()
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    x, y = torch.randn(20, 3), torch.arange(20) % 2
    normed = il.from_torch(module, "cross_entropy", x, y, x[:3], y[:3], allow_unconverged=True)
    assert own_model.choice(normed)[0] == il.ConjugateGradient()
    monkeypatch.setattr(own_model, "LONG", 0.0)
    estimate = il.influence(linear)
    said = capsys.readouterr().err
    assert "ConjugateGradient" in said
    assert estimate.chosen in said
    assert il.influence(linear, method="exact").chosen == ""


def test_a_removal_curve_retrains_without_the_groups():
    estimate = il.influence(MODEL, *GIVEN)
    curve = estimate.removal_curve(shares=(0.05, 0.1), repeats=3)
    table, fitted = curve.table, estimate.fit
    assert len(table) == 2 * (2 + 3)
    assert table["counts"].all()
    best = estimate.values.mean(1).argsort(descending=True)[:20]
    truth = il.SecondOrder().retrain(fitted, il.groups(200, members=[best])).values.mean()
    row = table[(table["removed"] == "most helpful") & (table["points"] == 20)].iloc[0]
    assert row["actual"] == pytest.approx(float(truth), rel=1e-6)
    assert row["predicted"] == pytest.approx(float(estimate.values.mean(1)[best].sum()))
    means = table[table["points"] == 20].groupby("removed")["actual"].mean()
    assert means["most helpful"] > 3 * abs(means["random"])
    assert means["most harmful"] < 0
    assert "most helpful 10%" in repr(curve)
    assert "test losses" in curve.figure().axes[0].get_ylabel()


@pytest.mark.parametrize("measure", ["margin", "probability"])
def test_points_are_called_helpful_by_what_is_better(measure):
    x, y = GIVEN[0].to_numpy(), GIVEN[1].to_numpy()
    estimate = il.influence(MODEL, *GIVEN, measure=measure)
    best = estimate.top(3, k=2)
    assert best["effect"].tolist() == ["helpful"] * 2 + ["harmful"] * 2
    losses = il.influence(MODEL, *GIVEN).top(3, k=2)
    assert best["train_id"].tolist() == losses["train_id"].tolist()
    row = int(best["train_id"].iloc[0])
    scaled = MODEL[0].transform(GIVEN[0])
    kept = numpy.arange(len(x)) != row
    without = LogisticRegression().fit(scaled[kept], y[kept])
    seen = MODEL[0].transform(GIVEN[2])[3:4]
    label = int(GIVEN[3].iloc[3])
    assert without.predict_proba(seen)[0, label] < MODEL[-1].predict_proba(seen)[0, label]
    curve = estimate.removal_curve(shares=(0.05,), repeats=1).table.set_index("removed")["actual"]
    assert curve["most helpful"] < 0 < curve["most harmful"]
    same = il.influence(MODEL, *GIVEN, measure=measure, method="same_label")
    assert set(same.top(3)["effect"]) == {"helpful"}


def test_points_lower_or_raise_a_parameter():
    estimate = il.influence(MODEL, *GIVEN, measure=il.Parameters((2,)))
    assert set(estimate.top(0)["effect"]) == {"lowering", "raising"}
    curve = estimate.removal_curve(shares=(0.05,), repeats=1).table.set_index("removed")["actual"]
    assert curve["most raising"] < 0 < curve["most lowering"]


def test_a_removal_curve_shows_no_number_without_a_minimum():
    y = GIVEN[1].to_numpy()
    rows = numpy.concatenate([numpy.flatnonzero(y == 0)[:60], numpy.flatnonzero(y == 1)[:3]])
    x = MODEL[0].transform(GIVEN[0])[rows]
    estimate = il.influence(LogisticRegression().fit(x, y[rows]), x, y[rows], x[60:], y[rows][60:])
    curve = estimate.removal_curve(shares=(3 / 63,), repeats=1)
    assert curve.table["counts"].tolist() == [False, True, True]
    assert curve.summary()["without the most helpful 5%"] == "no minimum near this one"


def test_a_removal_curve_of_scores_that_only_rank_has_units_and_no_predictions():
    curve = il.influence(MODEL, *GIVEN, method="gradient_dot").removal_curve(shares=(0.05,), repeats=1)
    assert curve.unit == "nats"
    assert curve.table["predicted"].isna().all()
    assert len(curve.figure().axes[0].lines) == 4


def test_an_impossible_removal_curve_is_refused():
    estimate = il.influence(MODEL, *GIVEN)
    for settings in (
        {"shares": (0.001,)},
        {"shares": (numpy.nan,)},
        {"shares": (1.0,)},
        {"shares": ()},
        {"test": 30},
        {"repeats": 0},
    ):
        with pytest.raises(InvalidParameter, match="expected shares that remove 1 … 199 points"):
            estimate.removal_curve(**settings)
    with pytest.raises(InvalidParameter, match="seed is -1, expected 0 or more"):
        estimate.removal_curve(seed=-1)
    for shares in (0.1, None, ("a",)):
        with pytest.raises(WrongType, match=r"Give shares of the training points, such as \(0.05, 0.1\)"):
            estimate.removal_curve(shares=shares)
    with pytest.raises(WrongType, match="estimate"):
        il.removal_curve(3)


def test_the_explorer_of_an_estimate_shows_truth_and_proves_more():
    estimate = il.influence(MODEL, *GIVEN)
    shown = estimate.explore(points=10)
    pairs = shown.table()
    assert len(pairs) == 10 * 30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = shown.retrain(pairs["row"].tolist()[:1])
    assert found["actual"] == pytest.approx(float(pairs["actual"].iloc[0]), rel=1e-4)


def test_the_explorer_names_parameters_and_not_test_points():
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    x.index = y.index = [f"patient {number}" for number in x.index]
    model = Ridge(0.1).fit(x[:60], y[:60])
    estimate = il.influence(model, x[:60], y[:60], x[60:70], y[60:70], measure=il.Parameters((1, 4)))
    shown = estimate.explore(points=6)
    pairs = shown.table()
    assert set(pairs["test_id"]) == {"parameter 1", "parameter 4"}
    assert pairs["train_id"].str.startswith("patient").all()
    assert shown.figure().axes[0].get_xlabel() == "predicted change in parameter (unit of the parameter)"
    assert shown.retrain([1])["actual"] == pytest.approx(float(pairs["actual"].iloc[1]), rel=1e-6)


@pytest.mark.parametrize("method", ["newton_step", "exact", "conjugate_gradient"])
@pytest.mark.parametrize("file", [False, True])
def test_what_does_not_fit_the_memory_is_computed_in_blocks(method, file, tmp_path):
    whole, seen = il.influence(MODEL, *GIVEN, method=method), []
    settings = {"out": tmp_path / "scores.npy"} if file else {}
    memory = 7 * 8 * 6 * (200 + 31)
    parts = il.influence(MODEL, *GIVEN, method=method, memory=memory, progress=lambda *at: seen.append(at), **settings)
    assert seen == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]
    scale = float(whole.values.abs().max())
    assert parts.values.numpy() == pytest.approx(whole.values.numpy(), rel=1e-6, abs=1e-9 * scale)
    assert parts.self_influence().numpy() == pytest.approx(whole.self_influence().numpy(), rel=1e-6)
    assert len(parts.residual) == 30
    assert parts.check(points=8).slope.value == pytest.approx(whole.check(points=8).slope.value, rel=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.npy"] * file
    if file:
        assert numpy.load(tmp_path / "scores.npy") == pytest.approx(parts.values.numpy())


@pytest.mark.parametrize("measure", ["coefficients", il.Parameters((3, 1, 30))])
def test_coefficients_that_do_not_fit_the_memory_are_computed_in_blocks_too(measure):
    whole, seen = il.influence(MODEL, *GIVEN, measure=measure), []
    memory = 2 * 8 * 6 * (200 + 31)
    parts = il.influence(MODEL, *GIVEN, measure=measure, memory=memory, progress=lambda *at: seen.append(at))
    m = whole.values.shape[1]
    assert seen == [(min(done, m), m) for done in range(2, m + 2, 2)]
    assert parts.values.numpy() == pytest.approx(whole.values.numpy(), rel=1e-6, abs=1e-12)
    assert parts.unit == whole.unit
    assert parts.table().columns.equals(whole.table().columns)
    assert list(parts.table()["test_id"][:m]) == list(whole.table()["test_id"][:m])


def test_coefficients_that_fit_no_memory_are_refused_with_what_they_take(monkeypatch):
    monkeypatch.setattr("influencelab.models.measures.coefficients.available", lambda: 8.0 * 31 * 31 - 1)
    with pytest.raises(InvalidParameter, match=r"31 coefficients are as many columns.*Name some"):
        il.influence(MODEL, *GIVEN, measure="coefficients")
    assert il.influence(MODEL, *GIVEN, measure=il.Coefficients("intercept")).values.shape == (200, 1)


def test_a_full_disk_is_found_before_the_work(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    for settings in ({"out": tmp_path / "scores.npy"}, {"memory": 7 * 8 * 6 * 231}):
        with pytest.raises(InvalidParameter, match=r"200 × 30 values find no place on the disk\. No space left"):
            il.influence(MODEL, *GIVEN, **settings)
    assert not list(tmp_path.iterdir())


def test_random_scores_in_blocks_repeat_nothing():
    values = il.influence(MODEL, *GIVEN, method="random", memory=7 * 8 * 6 * 231).values
    assert len(values[0].unique()) == 30


def test_a_stream_that_fails_leaves_no_file_and_keeps_what_was_there(tmp_path):
    (tmp_path / "scores.npy").write_bytes(b"earlier")

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        il.influence(MODEL, *GIVEN, out=tmp_path / "scores.npy", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["scores.npy"]
    assert (tmp_path / "scores.npy").read_bytes() == b"earlier"
    with pytest.raises(InvalidParameter, match=r"expected a file of NumPy's, such as 'scores\.npy'"):
        il.influence(MODEL, *GIVEN, out=tmp_path / "scores.csv")
    for out in (tmp_path / "none" / "scores.npy", tmp_path / "folder.npy"):
        (tmp_path / "folder.npy").mkdir(exist_ok=True)
        with pytest.raises(InvalidParameter, match=r"such as 'scores\.npy'|No such file .*Mend that"):
            il.influence(MODEL, *GIVEN, out=out)
    for wrong in ({"out": 3}, {"memory": "2 GB"}, {"memory": None}, {"progress": 3}):
        with pytest.raises(WrongType, match=f"{next(iter(wrong))} is .* Give "):
            il.influence(MODEL, *GIVEN, **wrong)
    with pytest.raises(InvalidParameter, match="memory is nan bytes"):
        il.influence(MODEL, *GIVEN, memory=numpy.nan)
    assert il.influence(MODEL, *GIVEN, memory=numpy.inf).values.shape == (200, 30)
    with pytest.raises(InvalidParameter, match=r"memory is 1,000 bytes, and each of the test losses takes 11,088"):
        il.influence(MODEL, *GIVEN, memory=1000)
