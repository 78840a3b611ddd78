"""Influence sketching: designs from small files, the same model in fewer columns, scores and refits by other means."""

import gzip
import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import scipy.sparse
from idx_files import cut_network
from mail_archives import mails as small_mails
from mail_archives import packed, use_archive
from sklearn.linear_model import LogisticRegression

import influencelab as il
from influencelab.data.download import FOLDER_VARIABLE
from influencelab.errors import InvalidData, InvalidParameter, Unavailable, UnknownName
from influencelab.experiments.outcome import outcome_of
from influencelab.statistics.measurements import find, tidy
from influencelab.studies.influence_sketching import analysis, connections, designs, figures
from influencelab.studies.influence_sketching.called import KINDS, SCORES
from influencelab.studies.influence_sketching.claims import CLAIMS, FINDINGS, TABLES
from influencelab.studies.influence_sketching.compact import compact
from influencelab.studies.influence_sketching.deletions import refitted as refitted_without
from influencelab.studies.influence_sketching.designs import Design, design
from influencelab.studies.influence_sketching.l1_penalty import L1Penalty
from influencelab.studies.influence_sketching.scores import agreement, first, groups, rarity
from influencelab.studies.influence_sketching.sketched_removals import SketchedRemovals
from influencelab.studies.influence_sketching.weak_ridge import WeakRidge

MIRROR = Path(os.environ.get(FOLDER_VARIABLE, "nowhere")) / "kddcup99"
TRIAL = SketchedRemovals(
    *("planted", 300, 30),
    model=WeakRidge(1e-3),
    k=10,
    shares=(0.05, 0.1),
    sketched=(5,),
    deleted=10,
    watched=6,
)


def refitted(x, y, weight_decay, *, total=0):
    """Coefficients, the intercept last, by scikit-learn; `total` rows count for the strength of the penalty."""
    kept = LogisticRegression(C=1 / (weight_decay * (total or len(y))), tol=1e-12, solver="newton-cholesky")
    kept.fit(x, y)
    return numpy.append(kept.coef_[0], kept.intercept_[0])


def losses(theta, x, y):
    """Log-loss of each row."""
    return -numpy.log(1 / (1 + numpy.exp(-(2 * y - 1) * (x @ theta[:-1] + theta[-1]))))


@pytest.fixture(scope="module")
def ran():
    return TRIAL.run()


@pytest.fixture(scope="module")
def given():
    """The rows of the trial as plain arrays, with their model."""
    rows = design("planted", rows=300, columns=30, seed=0)
    x = rows.x.toarray()
    return rows, x, rows.y, refitted(x, rows.y, 1e-3)


def connection(service, sent, label, flag="SF"):
    """A line of the published file."""
    return ",".join(["0", "tcp", service, flag, str(sent), *["0"] * 36, label])


def use_connections(folder, patch, train, test):
    """Put small files where the published ones are looked for."""
    for file, lines in ((connections.TRAIN, train), (connections.TEST, test)):
        content = ("\n".join(lines) + "\n").encode()
        path = folder / file.source / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content))
        sums = {"md5": hashlib.md5(path.read_bytes()).hexdigest(), "content_md5": hashlib.md5(content).hexdigest()}
        patch.setattr(connections, "TRAIN" if file is connections.TRAIN else "TEST", replace(file, **sums))
    patch.setenv(FOLDER_VARIABLE, str(folder))
    for cached in (connections.connections, designs.starts):
        cached.cache_clear()


@pytest.fixture
def wires(tmp_path, monkeypatch):
    """Forty distinct connections of sixty, with test rows of which two are not among them."""
    cut_network(monkeypatch)
    train = [connection(("http", "smtp")[i % 2], i, ("normal.", "smurf.")[i % 3 == 0]) for i in range(40)]
    test = [connection("http", 3, "normal."), connection("ftp", 3, "smurf."), connection("http", 99, "mailbomb.")]
    use_connections(tmp_path, monkeypatch, [*train, *train[:20]], [*test, test[0]])
    monkeypatch.setattr(designs, "HELD_OUT", 10)
    yield train
    for cached in (connections.connections, designs.starts):
        cached.cache_clear()


@pytest.mark.usefixtures("wires")
def test_each_connection_is_kept_once_and_numbers_become_levels():
    train, test = connections.connections()
    assert (len(train.attack), train.published, len(test.attack), test.published) == (40, 60, 3, 4)
    assert train.attack.tolist() == [float(i % 3 == 0) for i in range(40)]
    assert test.attack.tolist() == [0, 1, 1]
    service, sent = designs.SERVICE, connections.COLUMNS.index("src_bytes")
    assert set(train.levels[:, service]) == {0, 1}
    assert test.levels[:, service].tolist() == [0, 2, 0]
    counts = numpy.bincount(train.levels[:, sent])
    assert len(counts) == 10
    assert (numpy.diff(train.levels[:, sent]) >= 0).all()
    assert counts.tolist() == [4] * 10
    assert test.levels[2, sent] == 9


def test_a_connection_has_one_indicator_a_column_and_crosses_tell_services_apart(wires):
    plain = design("kddcup99", rows=12, columns=0, seed=0)
    assert plain.x.shape[0] == 12
    assert (plain.x.sum(1) == 41).all()
    rows = [int(re.findall(r"row (\d+),", name)[0]) for name in plain.names]
    assert plain.y.tolist() == [float("smurf" in wires[row]) for row in rows]
    others = [design("kddcup99", rows=12, columns=0, seed=seed).names for seed in (0, 1)]
    assert not set(others[0]) & set(others[1])
    assert {part: len(y) for part, (_, y) in plain.tests.items()} == {"held_out": 10, "published": 3}
    wide = design("kddcup99_crossed", rows=12, columns=0, seed=0)
    assert wide.x.shape == (12, 2**17)
    same = (wide.x @ wide.x.T).toarray()
    levels = connections.connections()[0].levels[rows]
    for one in range(12):
        equal = (levels == levels[one]).sum(1)
        crossed = equal * (levels[:, designs.SERVICE] == levels[one, designs.SERVICE])
        assert same[one].tolist() == (equal + crossed).tolist()
    with pytest.raises(InvalidParameter, match=r"rows is 16 in draw 1, expected 1 … 15: no two draws share a row"):
        design("kddcup99", rows=16, columns=0, seed=1)


def test_files_that_are_another_table_are_refused(tmp_path, monkeypatch):
    cut_network(monkeypatch)
    use_connections(tmp_path, monkeypatch, ["0,tcp,http"], ["0,tcp,http"])
    with pytest.raises(InvalidData, match=r"kddcup\.data_10_percent\.gz has 3 columns, expected 42"):
        connections.connections()
    connections.connections.cache_clear()


@pytest.mark.slow
@pytest.mark.skipif(not MIRROR.is_dir(), reason="the published connections are not here")
def test_the_published_connections_are_as_many_as_is_said():
    connections.connections.cache_clear()
    train, test = connections.connections()
    assert (train.published, len(train.attack)) == (494_021, 145_586)
    assert test.published == 311_029
    connections.connections.cache_clear()


def test_mails_are_the_words_and_bigrams_they_have(tmp_path, monkeypatch):
    cut_network(monkeypatch)
    use_archive(packed(small_mails()), tmp_path, monkeypatch)
    designs.mails.cache_clear()
    found = design("enron1", rows=45, columns=0, seed=0)
    designs.mails.cache_clear()
    assert found.x.shape == (45, 2**17)
    gas = [designs.column(term) for term in ("subject", "gas", "subject gas", "gas gas", "gas deal")]
    for row, (name, label) in enumerate(zip(found.names, found.y, strict=True)):
        assert (label == 1) == name.startswith("spam: prize")
        if not label:
            assert set(gas) <= set(found.x[[row]].indices.tolist())
    assert len(set(gas)) == 5
    assert (found.x.data == 1).all()
    assert len(found.tests["held_out"][1]) == 15


def test_planted_rows_are_what_they_are_called_and_wrong_labels_are_right_ones_turned():
    many = design("planted", rows=4000, columns=100, seed=1)
    assert {name: int(rows.sum()) for name, rows in many.planted.items()} == {"flipped": 80, "outlying": 80}
    assert not (many.planted["flipped"] & many.planted["outlying"]).any()
    theta = refitted(many.x, many.y, 1e-3)
    wrong = losses(theta, many.x, many.y) > numpy.log(2)
    assert wrong[many.planted["flipped"]].mean() > 0.8 > 3 * wrong.mean()
    rare = many.x[:, 50:].sum(1)
    assert rare[many.planted["outlying"]].min() > 12 > 2 * rare[~many.planted["outlying"]].mean()
    names = [name.split(", ")[1] for name in many.names]
    assert [name == "mislabelled" for name in names] == many.planted["flipped"].tolist()


@pytest.mark.parametrize("columns", [30, 900])
def test_fewer_columns_are_the_same_model_with_the_same_leverage(columns):
    rows = design("planted", rows=120, columns=columns, seed=0)
    empty = scipy.sparse.csr_array((120, 7))
    rows = replace(rows, x=scipy.sparse.hstack([empty, rows.x], format="csr"))
    blank = scipy.sparse.csr_array((600, 7))
    test = rows.tests["held_out"]
    rows = replace(rows, tests={"held_out": (scipy.sparse.hstack([blank, test[0]], format="csr"), test[1])})
    small, x = compact(rows), rows.x.toarray()
    assert small.size == min(120, (x.sum(0) > 0).sum())
    assert (small.turned is None) == (columns == 30)
    found = WeakRidge(0.01).fit(small)
    theta = refitted(x, rows.y, 0.01)
    own, _ = small.tests["held_out"]
    inner = own @ found.coefficients[:-1] + found.coefficients[-1]
    assert inner == pytest.approx(rows.tests["held_out"][0] @ theta[:-1] + theta[-1], abs=1e-5)
    wide = small.wide(found)
    assert wide.coefficients == pytest.approx(theta[numpy.append(x.sum(0) > 0, True)], abs=1e-5)
    whole = numpy.c_[x, numpy.ones(120)]
    chance = 1 / (1 + numpy.exp(-whole @ theta))
    bent = chance * (1 - chance)
    curvature = (whole * bent[:, None]).T @ whole + 120 * 0.01 * numpy.diag(numpy.append(numpy.ones(x.shape[1]), 0))
    leverage = bent * numpy.einsum("ij,jk,ik->i", whole, numpy.linalg.pinv(curvature), whole)
    assert il.row_influence(found).leverage == pytest.approx(leverage, rel=1e-4, abs=1e-8)
    kept = numpy.arange(120) % 3 > 0
    again = WeakRidge(0.01).fit(small, kept)
    theta = refitted(x[kept], rows.y[kept], 0.01)
    inner = own @ again.coefficients[:-1] + again.coefficients[-1]
    assert inner == pytest.approx(rows.tests["held_out"][0] @ theta[:-1] + theta[-1], abs=1e-5)


def test_an_l1_penalty_is_at_its_minimum_and_rows_have_influence_where_it_leaves_coefficients(given):
    rows, x, y, _ = given
    model = L1Penalty(0.01)
    small = model.prepared(rows)
    found = model.fit(small)
    predictor = x[:, small.columns] @ found.coefficients[:-1] + found.coefficients[-1]
    chance = 1 / (1 + numpy.exp(-predictor))
    slopes, inner = x[:, small.columns].T @ (chance - y) / 300, found.coefficients[:-1]
    active = inner != 0
    assert 3 < active.sum() < active.size
    assert slopes[active] == pytest.approx(-0.01 * numpy.sign(inner[active]), rel=1e-3)
    assert (abs(slopes[~active]) <= 0.01).all()
    assert (chance - y).mean() == pytest.approx(0, abs=1e-8)
    assert found.converged
    whole = numpy.c_[x[:, small.columns[active]], numpy.ones(300)]
    bent = chance * (1 - chance)
    inverse = numpy.linalg.inv((whole * bent[:, None]).T @ whole)
    leverage = bent * numpy.einsum("ij,jk,ik->i", whole, inverse, whole)
    assert il.row_influence(model.curved(small, found)).leverage == pytest.approx(leverage, rel=1e-4)
    assert not model.regression(small.x, y, found.coefficients + 0.01).converged


def test_what_models_are_worth_without_rows_is_what_refits_by_scikit_learn_say(ran, given):
    rows, x, y, theta = given
    facts = ran.facts["sketching"]
    test, labels = rows.tests["held_out"]
    whole = facts["worth"]["held_out"]
    assert whole["log_loss"] == pytest.approx(losses(theta, test, labels).mean(), rel=1e-6)
    loss = losses(theta, x, y)
    chance = 1 / (1 + numpy.exp(-(x @ theta[:-1] + theta[-1])))
    norm = (y - chance) ** 2 / (chance * (1 - chance)) * ((x**2).sum(1) + 1)
    for name, score in (("highest_loss", loss), ("residual_norm", norm)):
        for share, left in zip(TRIAL.shares, facts["without"][name], strict=True):
            kept = numpy.ones(300, dtype=bool)
            kept[numpy.argsort(-score, kind="stable")[: round(300 * share)]] = False
            refit = refitted(x[kept], y[kept], 1e-3)
            assert left["held_out"]["log_loss"] == pytest.approx(losses(refit, test, labels).mean(), rel=1e-6)
            right = ((test @ refit[:-1] + refit[-1] > 0) == labels).mean()
            assert left["held_out"]["accuracy"] == pytest.approx(right, abs=1e-3)
    assert set(facts["without"]) == set(SCORES)
    assert facts["models"] == facts["converged"] == 1 + 2 * len(SCORES)
    assert facts["without"]["random"] != facts["without"]["sketch"]


def test_deletions_are_those_of_refits_and_one_step_is_nearer_than_the_derivative(ran, given):
    rows, x, y, theta = given
    test, labels = rows.tests["held_out"]
    watched = ran.test_ids.numpy()
    before, truth = losses(theta, test, labels)[watched], []
    for row in ran.train_ids.numpy():
        kept = numpy.arange(300) != row
        truth.append(losses(refitted(x[kept], y[kept], 1e-3, total=300), test, labels)[watched] - before)
    assert ran.actual["deleted"].numpy() == pytest.approx(numpy.array(truth), abs=1e-6)
    errors = {
        name: float(numpy.abs(ran.comparison("single_rows", name, "deleted").predicted - numpy.array(truth)).mean())
        for name in ran.predicted
    }
    assert errors["one_step"] < 0.6 * errors["influence"] < 0.6 * numpy.abs(truth).mean()
    distances = ran.facts["sketching"]["distance"]
    assert numpy.corrcoef(distances["one_step"], distances["deleted"])[0, 1] > 0.95


@pytest.mark.slow
def test_deletions_that_chord_steps_do_not_reach_are_fitted_anew():
    # A row alone holds the classes apart: without it another coefficient decides, and far more strongly.
    x = numpy.c_[numpy.repeat([0.0, 1.0], 20), numpy.r_[numpy.zeros(39), 1.0]]
    y = numpy.repeat([0.0, 1.0], 20)
    y[39] = 0
    rows = Design("few", scipy.sparse.csr_array(x), y, {"held_out": (scipy.sparse.csr_array(x), y)}, ("",) * 40)
    small = compact(rows)
    found = WeakRidge(1e-9).fit(small)
    assert not il.row_deletions(found, [39]).converged[0]
    changes, converged = refitted_without(found, small, numpy.array([0, 39]))
    assert converged.all()
    kept = numpy.arange(40) != 39
    theta = refitted(x[kept], y[kept], 1e-9, total=40)
    assert found.coefficients - changes[1] == pytest.approx(theta, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("model", [WeakRidge(1e-3), L1Penalty(0.01)])
def test_an_outcome_without_deletions_is_read_from_a_store_as_it_was_kept(model):
    found = replace(TRIAL, model=model, rows=120, shares=(0.1,), deleted=0).run()
    again = outcome_of(found.entry())
    assert again.facts == found.facts
    assert set(again.predicted) == {"influence", "one_step"}
    assert set(found.facts["sketching"]["without"]) == set(SCORES)
    assert found.facts["sketching"]["converged"] == 1 + len(SCORES)


def test_kinds_of_rows_by_hand():
    x = scipy.sparse.csr_array(numpy.array([[1, 0, 1], [1, 0, 1], [1, 0, 1], [0, 1, 0]], dtype=float))
    group, size = groups(x)
    assert group.tolist() == [0, 0, 0, 1]
    assert size.tolist() == [3, 3, 3, 1]
    assert rarity(x) == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert first(numpy.array([0.1, 3.0, 2.0, 0.0]), 0.5).tolist() == [1, 2]


def test_kinds_are_counted_among_the_first_of_each_score(ran, given):
    rows, x, y, theta = given
    counts = ran.facts["sketching"]["kinds"]
    loss = losses(theta, x, y)
    top = numpy.argsort(-loss, kind="stable")[:15]
    wrong = loss > numpy.log(2)
    wanted = {"wrong": wrong, "positive": y == 1, **rows.planted}
    for kind, own in wanted.items():
        assert counts["highest_loss"][kind]["share"] == pytest.approx(own[top].mean()), kind
        assert counts["highest_loss"][kind]["found"] == pytest.approx(own[top].sum() / own.sum()), kind
        assert counts["all"][kind]["share"] == pytest.approx(own.mean()), kind
    assert set(counts["all"]) == set(KINDS)


def test_agreement_by_hand_and_a_score_upside_down_has_none():
    exact = numpy.arange(20.0) ** 2
    found = agreement(exact / 2, exact)
    assert found == pytest.approx({"spearman": 1, "pearson": 1, "slope": 2, "overlap": 1})
    wrong = agreement(-exact, exact)
    assert wrong["spearman"] == pytest.approx(-1)
    assert wrong["overlap"] == 0


def outcomes_like(ran, draws):
    """The outcome again in several draws, of which sketches rank better from draw to draw."""
    found = {}
    for seed in range(draws):
        facts = ran.facts["sketching"]
        lines = [{**each, "spearman": each["spearman"] - 0.001 * seed} for each in facts["agreement"]]
        found["ridge", "planted", seed] = replace(ran, facts={**ran.facts, "sketching": {**facts, "agreement": lines}})
    return found


@pytest.mark.slow
def test_claims_findings_and_figures_find_their_numbers(ran):
    outcomes = outcomes_like(ran, 5)
    trials = dict.fromkeys(outcomes, TRIAL)
    bootstrap = il.Bootstrap(resamples=60)
    parts = analysis.deletion_parts({("ridge", "planted", 0): ran}, bootstrap=bootstrap)
    table = analysis.measurements(outcomes, trials, bootstrap=bootstrap)
    distances = analysis.distance_rows({("ridge", "planted", 0): ran}, bootstrap=bootstrap)
    for claim in CLAIMS:
        tables = (table, il.measurements(parts), distances)
        assert any(cell.number(each) for cell in claim.cells for each in tables), claim.name
    flips, ranks = FINDINGS[2:]
    quotes = [*flips.quotes, *(where for where in ranks.quotes if where["data"] == "planted")]
    assert all(find(table, where) for where in quotes)
    own = TABLES[0].rows["planted mistakes, held out, weak ridge"]
    assert all(find(table, {**own, **column}) for column in TABLES[0].columns.values())
    pairs = analysis.pairs(outcomes, parts)
    assert pairs["train_id"].nunique() == TRIAL.deleted
    for drawn in (figures.accuracy_by_removed(table), figures.spearman_by_k(table), figures.kinds_of_first_rows(table)):
        assert drawn.axes
    assert figures.predicted_against_actual(pairs, il.measurements(parts))
    assert analysis.convergence(outcomes)["ridge planted"]["converged"] == 5 * ran.facts["sketching"]["models"]


def test_differences_are_paired_and_a_sketch_is_better_from_the_least_k_on_from_which_all_are():
    lines = {8: (0.01, 0.02), 16: (-0.01, 0.02), 32: (0.01, 0.03), 64: (0.02, 0.03)}
    rows = [
        {"estimator": "gaussian_projection", "statistic": "spearman_less_norm", "k": k, "low": low, "high": high}
        for k, (low, high) in lines.items()
    ]
    (found,) = analysis.first_better({"data": "planted"}, rows)
    assert found["value"] == 32
    assert analysis.first_better({"data": "planted"}, rows[:2]) == []
    low, high = 0.9 + 0.02 * numpy.arange(6), 0.89 + 0.02 * numpy.arange(6)
    facts = [
        {"agreement": [{"estimator": "residual_norm", **one}, {"estimator": "gaussian_projection", "k": 4, **two}]}
        for one, two in (
            (dict.fromkeys(analysis.AGREED, a), dict.fromkeys(analysis.AGREED, b))
            for a, b in zip(low, high, strict=True)
        )
    ]
    table = tidy(analysis.sketch_rows({"data": "planted"}, facts, il.Bootstrap(resamples=100)))
    ahead = find(table, {"estimator": "gaussian_projection", "statistic": "spearman_less_norm"})
    assert ahead
    assert ahead.value == pytest.approx(-0.01)
    assert ahead.half_width < 1e-9


def test_what_cannot_be_studied_is_refused():
    with pytest.raises(UnknownName, match=r"There is no data set .cars. here\. There are: planted, kddcup99"):
        analysis.trials(["ridge"], {"cars": 10}, draws=1, deleted=0, settings={})
    with pytest.raises(UnknownName, match="There is no data set 'cars' here"):
        design("cars", rows=10, columns=10, seed=0)
    with pytest.raises(UnknownName, match=r"There is no arm .net. here\. There are: ridge, lasso"):
        analysis.trials(["net"], {"planted": 10}, draws=1, deleted=0, settings={})
    with pytest.raises(InvalidParameter, match="strength is 0, expected a number above 0"):
        WeakRidge(0)
    with pytest.raises(InvalidParameter, match="deleted is 10; only a WeakRidge is fitted again without single rows"):
        replace(TRIAL, model=L1Penalty(1e-3))
    with pytest.raises(InvalidParameter, match=r"shares are \(0.5, 1.0\).*within 0 … 1"):
        replace(TRIAL, shares=(0.5, 1.0))
    with pytest.raises(Unavailable, match="expected 'cpu'"):
        TRIAL.run(device="cuda")
