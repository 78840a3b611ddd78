"""Flipped labels: scores, curves and mending are what plain algebra and scikit-learn's own refits say."""

from dataclasses import replace

import numpy
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, Unavailable, UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.statistics.measurements import find
from influencelab.studies.mislabelled_data import analysis, figures
from influencelab.studies.mislabelled_data.claims import CLAIMS, FINDINGS, TABLES
from influencelab.studies.mislabelled_data.flipped_labels import MENDED, FlippedLabels, Models, parted
from influencelab.studies.mislabelled_data.scores import SCORES, area, found_curve, ranking, scores

SOURCE = il.Digits(labels=(3, 8), held_out=1397, scaling="unit")
TRIAL = FlippedLabels(SOURCE, weight_decay=1e-3, inspected=(0.1, 0.5, 1.0), relabelled=6)


@pytest.fixture(scope="module")
def ran() -> Outcome:
    """One inspection of about eighty digits."""
    return TRIAL.run()


@pytest.fixture(scope="module")
def given():
    """Features and given labels of its training points, and which were flipped."""
    data, _ = parted(SOURCE)
    flipped = TRIAL.flips(data.n)
    x, y = data.x_train.flatten(1).numpy(), data.y_train.numpy()
    return x, numpy.where(flipped, 1 - y, y), flipped


def refitted(x, y, rows=slice(None)):
    """θ by scikit-learn."""
    x, y = x[rows], y[rows]
    model = LogisticRegression(C=1 / (1e-3 * len(y)), fit_intercept=False, tol=1e-12, solver="newton-cholesky")
    return model.fit(x, y).coef_[0]


def losses(theta, x, y):
    """The logistic loss of each point."""
    return numpy.logaddexp(0, numpy.where(y == 1, -1, 1) * (x @ theta))


@pytest.fixture(scope="module")
def made(given):
    """Every score as the study makes them."""
    data, _ = parted(SOURCE)
    models = Models(il.Newton(), il.BinaryLogistic(1e-3, intercept=False), data, 0.0)
    labels, fold = torch.from_numpy(given[1]), torch.arange(data.n) % 5
    (theta,) = models.trained(labels)
    apart = models.trained(labels, without=[fold == each for each in range(5)])
    assert models.converged == models.count == 6
    return scores(models.fit(labels, theta), apart=apart, folds=fold, neighbours=10, seed=0)[0]


def test_the_stored_model_is_made_again_and_its_relabellings_are_those_of_the_outcome(ran, given):
    x, y, _ = given
    fitted = TRIAL.fit_of(ran)
    assert fitted.theta.numpy() == pytest.approx(refitted(x, y), rel=1e-5, abs=1e-7)
    assert fitted.data.y_train.tolist() == y.tolist()
    change = TRIAL.relabelling_of(fitted)
    assert fitted.data.train_ids[change.points].tolist() == ran.train_ids.tolist()
    predicted = il.Exact().estimate(fitted).predict(change)[:, : ran.predicted["influence"].shape[1]]
    assert predicted.numpy() == pytest.approx(ran.predicted["influence"].numpy(), rel=1e-6, abs=1e-10)


def test_scores_are_those_of_plain_algebra(made, given):
    x, y, _ = given
    theta, n = refitted(x, y), len(y)
    chance = 1 / (1 + numpy.exp(-x @ theta))
    curvature = (x * (chance * (1 - chance))[:, None]).T @ x / n + 1e-3 * numpy.eye(x.shape[1])
    spread = numpy.einsum("ij,jk,ik->i", x, numpy.linalg.inv(curvature), x)
    leverage = chance * (1 - chance) * spread / n
    wanted = {
        "self_influence": (chance - y) ** 2 * spread / n,
        "newton_self_influence": (chance - y) ** 2 * spread / n / (1 - leverage),
        "gradient_length": abs(chance - y) * numpy.linalg.norm(x, axis=1),
        "training_loss": losses(theta, x, y),
    }
    assert set(made) == set(SCORES)
    for name, values in wanted.items():
        assert made[name] == pytest.approx(values, rel=1e-5, abs=1e-9), name


def test_validation_influence_is_the_mean_fall_of_validation_loss_without_the_point(made, given):
    x, y, _ = given
    data, _ = parted(SOURCE)
    theirs, truth = (data.x_test.flatten(1).numpy(), data.y_test.numpy()), []
    first = numpy.argsort(-made["validation_influence"])[:6]
    others = numpy.argsort(made["validation_influence"])[:6]
    for point in (*first, *others):
        rows = numpy.delete(numpy.arange(len(y)), point)
        # The weight of the others stays 1/n: the penalty weighs n / (n - 1) as much against their mean.
        kept = LogisticRegression(C=1 / (1e-3 * len(y)), fit_intercept=False, tol=1e-12, solver="newton-cholesky")
        theta = kept.fit(x[rows], y[rows]).coef_[0]
        truth.append(losses(refitted(x, y), *theirs).mean() - losses(theta, *theirs).mean())
    assert min(truth[:6]) > max(truth[6:])
    assert numpy.corrcoef(truth, made["validation_influence"][[*first, *others]])[0, 1] > 0.95


def test_out_of_sample_loss_is_that_of_a_refit_without_the_fold(made, given):
    x, y, _ = given
    for fold in range(5):
        inside = numpy.arange(len(y)) % 5 == fold
        theta = refitted(x, y, ~inside)
        assert made["self_confidence"][inside] == pytest.approx(losses(theta, x[inside], y[inside]), rel=1e-5)
    assert made["self_confidence"].mean() > made["training_loss"].mean()


def test_neighbours_are_the_ten_of_largest_cosine(made, given):
    x, y, _ = given
    unit = x / numpy.linalg.norm(x, axis=1, keepdims=True)
    near = unit @ unit.T
    numpy.fill_diagonal(near, -2)
    wanted = [(y[numpy.argsort(-row)[:10]] != label).mean() for row, label in zip(near, y, strict=True)]
    assert made["neighbours"] == pytest.approx(wanted)


def test_a_curve_and_its_area_by_hand_and_a_score_upside_down_is_worse_than_chance(made, given):
    flipped = numpy.array([False, True, True, False])
    assert found_curve(numpy.array([1, 0, 2, 3]), flipped).tolist() == [0.5, 0.5, 1, 1]
    assert area(found_curve(numpy.array([1, 0, 2, 3]), flipped), most=0.5) == 0.5
    loss = made["training_loss"]
    right, wrong = (area(found_curve(ranking(each, seed=0), given[2]), most=0.3) for each in (loss, -loss))
    assert wrong < 0.15 < right


def test_equal_scores_are_inspected_in_no_order_of_their_places():
    orders = numpy.stack([ranking(numpy.repeat([0.0, 1.0], 50), seed=seed) for seed in range(40)])
    assert (orders[:, :50] >= 50).all()
    assert abs(orders[:, :25].mean() - 74.5) < 4
    assert ranking(numpy.array([1.0, 3.0, 2.0]), seed=0).tolist() == [1, 2, 0]


def test_mending_all_points_brings_the_clean_model_back_and_mending_none_leaves_the_flipped_one(ran, given):
    facts = ran.facts["mislabels"]
    assert [facts["accuracy"][name][-1] for name in MENDED] == [facts["clean"]] * len(MENDED)
    assert all(found[-1] == 1 for found in facts["found"].values())
    x, y, flipped = given
    _, (other, labels) = parted(SOURCE)
    for name, truth in (("flipped", y), ("clean", numpy.where(flipped, 1 - y, y))):
        right = (other.flatten(1).numpy() @ refitted(x, truth) > 0) == labels.numpy()
        assert facts[name] == pytest.approx(right.mean())
    assert facts["models"] == facts["converged"] == 7 + len(MENDED) * 3 + 6
    assert int(facts["flips"]) == round(0.1 * len(y)) == flipped.sum()


def test_the_truth_of_a_relabelling_is_that_of_a_refit_with_the_label(ran, given):
    x, y, flipped = given
    data, _ = parted(SOURCE)
    place = {point: row for row, point in enumerate(data.train_ids.tolist())}
    rows = [place[point] for point in ran.train_ids.tolist()]
    assert sorted(flipped[rows].tolist()) == [False] * 3 + [True] * 3
    watched, labels = data.x_test.flatten(1).numpy()[:30], data.y_test.numpy()[:30]
    before = losses(refitted(x, y), watched, labels)
    for row, change in zip(rows, ran.actual["retrained"], strict=True):
        changed = numpy.where(numpy.arange(len(y)) == row, 1 - y, y)
        assert change.numpy() == pytest.approx(losses(refitted(x, changed), watched, labels) - before, abs=1e-6)
    comparison = ran.comparison("relabelled", "influence", "retrained")
    assert numpy.corrcoef(comparison.predicted.ravel(), comparison.actual.ravel())[0, 1] > 0.8


def test_untouched_data_have_suspects_and_no_flips():
    outcome = replace(TRIAL, share=0.0, relabelled=0).run()
    facts = outcome.facts["mislabels"]
    assert (facts["flips"], facts["area"], facts["clean"]) == (0, {}, facts["flipped"])
    table = analysis.untouched_table({("digits", 0.0, 0): outcome})
    assert set(table["score"]) == set(SCORES) - {"random"}
    first = table[table["score"] == "training_loss"]
    assert first["rank"].tolist() == list(range(1, 11))
    assert first["probability"].is_monotonic_increasing
    shared = analysis.shared_by_scores(table)
    assert (shared["scores"] >= 3).all()


def invented(areas: dict[str, list[float]]) -> dict[analysis.Key, Outcome]:
    """Outcomes that hold nothing but such areas, a repeat each."""
    blank, found = torch.zeros(0), {}
    for seed in range(len(areas["random"])):
        own = {name: areas.get(name, areas["random"])[seed] for name in SCORES}
        curves = {name: [value, 1.0] for name, value in own.items()}
        mislabels = {"area": own, "found": curves, "accuracy": curves, "clean": 1.0, "flipped": 0.5}
        parts = {"predicted": {}, "chosen": {}, "actual": {}, "trusted": {}, "control": {}}
        ids = dict.fromkeys(("train_ids", "train_labels", "test_ids", "test_labels"), blank.long())
        found["digits", 0.1, seed] = Outcome(**parts, **ids, facts={"mislabels": mislabels})
    return found


@pytest.mark.parametrize("repeats", [4, 8])
def test_differences_are_paired_and_few_repeats_have_no_interval(repeats):
    # Repeats differ far more than the scores do within each.
    base = 0.2 + 0.08 * numpy.arange(repeats)
    apart = 0.02 + 0.001 * (-1.0) ** numpy.arange(repeats)
    outcomes = invented({"random": base.tolist(), "self_influence": (base + apart).tolist()})
    table = analysis.measurements(outcomes, inspected=(0.2, 0.3), bootstrap=il.Bootstrap(resamples=200))
    common = {"data": "digits", "flipped": 0.1, "estimator": "random"}
    numbers = {
        name: find(table, {**common, "statistic": name}) for name in ("area", "area_gain", "area_sd", "area_sem")
    }
    gain, mean, spread, error = (numbers[name] for name in ("area_gain", "area", "area_sd", "area_sem"))
    assert gain
    assert mean
    assert spread
    assert error
    assert gain.value == pytest.approx(apart.mean())
    assert spread.value == pytest.approx(base.std(ddof=1))
    assert error.value == pytest.approx(base.std(ddof=1) / repeats**0.5)
    assert (gain.interval is None) == (repeats < 5)
    assert repeats < 5 or gain.half_width < 0.002 < 0.05 < mean.half_width
    lost = find(table, {**common, "statistic": "accuracy_lost", "inspected": 0.3})
    assert lost
    assert lost.value == 0


@pytest.mark.slow
def test_claims_findings_and_figures_find_their_numbers(ran):
    outcomes = {("digits", 0.1, seed): ran for seed in range(5)}
    table = analysis.measurements(outcomes, inspected=(0.1, 0.2, 0.3), bootstrap=il.Bootstrap(resamples=60))
    for claim in CLAIMS:
        assert [cell for cell in claim.cells if cell.number(table)], claim.name
    assert all(find(table, where) for sentence in FINDINGS[1:2] for where in sentence.quotes)
    assert all(find(table, {**own, "data": "digits"}) for each in TABLES for own in each.rows.values())
    for draw in (figures.found_by_share, figures.accuracy_by_share, figures.ahead_of_rivals):
        assert draw(table).axes
    assert figures.found_by_flipped(table) is None
    assert analysis.convergence(outcomes)["digits"]["converged"] == 5 * ran.facts["mislabels"]["models"]


def test_curves_are_of_the_first_share_and_the_shares_are_side_by_side():
    areas = {"random": [0.15] * 5, "self_influence": [0.4, 0.45, 0.4, 0.45, 0.4]}
    outcomes = {("digits", share, key[2]): each for share in (0.3, 0.2) for key, each in invented(areas).items()}
    table = analysis.measurements(outcomes, inspected=(0.2, 0.3), bootstrap=il.Bootstrap(resamples=60))
    assert set(figures.of_first_share(table, "found")["flipped"]) == {0.3}
    drawn = figures.found_by_flipped(table)
    assert drawn
    (axis,) = drawn.axes
    first = axis.containers[0].lines[0]
    assert first.get_ydata() == pytest.approx([0.42, 1.0])
    trials, untouched = analysis.trials(["digits"], shares=[0.2, 0.1], repeats=2, relabelled=6)
    assert {key: each.relabelled for key, each in trials.items()} == {
        ("digits", 0.2, 0): 6,
        ("digits", 0.2, 1): 0,
        ("digits", 0.1, 0): 0,
        ("digits", 0.1, 1): 0,
    }
    assert len(untouched) == 1


def test_what_cannot_be_inspected_is_refused():
    for settings in ({"share": 1.0}, {"inspected": ()}, {"inspected": (0.3, 0.2)}, {"folds": 1}, {"relabelled": -1}):
        with pytest.raises(InvalidParameter, match="expected"):
            replace(TRIAL, **settings)
    with pytest.raises(InvalidParameter, match="neighbours is 500, expected 1 …"):
        replace(TRIAL, neighbours=500).run()
    with pytest.raises(InvalidData, match="has 3 classes and 20 test points; expected 2"):
        replace(TRIAL, source=il.Iris()).run()
    with pytest.raises(Unavailable, match="expected 'cpu'"):
        TRIAL.run(device="cuda")
    with pytest.raises(UnknownName, match=r"There is no data set .mails. here\. There are: digits, enron1, fashion"):
        analysis.trials(["mails"], shares=[0.1], repeats=1, relabelled=2)
