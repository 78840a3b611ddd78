"""The joined slices: one table, trends with splits as units, gains on the same splits, and sentences that follow."""

from pathlib import Path

import numpy
import pandas
import pytest
from outcomes import network
from scipy import stats

from influencelab.experiments.seed_agreement import AgreementQuery
from influencelab.runner import json_file
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.verdict import verdict_on
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import comparison_of
from influencelab.statistics.correlation import spearman
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import check_tidy, find, row, tidy
from influencelab.studies.depth_and_weight_decay import analysis, sentences, slices
from influencelab.studies.depth_and_weight_decay.claims import CLAIMS

RESULTS = Path(__file__).parents[2] / "results"
CELL = {"arm": "controlled", "data": "iris", "estimator": "exact", "target": "warm", "width": 5}
OWN = {**CELL, "part": "own_splits"}
QUICK = Bootstrap(resamples=200)


def values(depth, decay, seeds=8):
    """Invented correlations of networks with three test points each."""
    generator = numpy.random.default_rng(depth + int(1e4 * decay))
    return 1 - 0.02 * depth - 0.1 * generator.random((seeds, 3))


def publish(results, profile, cells, *, ranks_only=False):
    """A slice that holds these cells, given as depth and decay; old ones kept Spearman's means alone."""
    draft = ReportWriter(slices.STUDY, folder=results / slices.STUDY / profile, parameters={"own_splits": True})
    rows, parts, facts = [], [], []
    for depth, decay in cells:
        own, table = {**CELL, "part": "cold", "depth": depth, "weight_decay": decay}, values(depth, decay)
        s, m = table.shape
        rows.append(row(Measurement(table.mean(), n=s * m), **own, statistic="spearman"))
        rows.append(row(Measurement(0.0, n=s), **own, statistic="undefined"))
        facts.append({**own, "spearman": table.mean(1).tolist()})
        seeds = numpy.repeat(range(s), m)
        parts.append(
            pandas.DataFrame(
                {
                    "seed": seeds,
                    "spearman": table.ravel(),
                    "pearson": table.ravel() ** 2,
                    "slope": 1 / (1 - table.ravel()),
                    **own,
                }
            )
        )
    draft.measure(tidy(rows))
    draft.fact("spearman_by_network", facts) if ranks_only else draft.pairs(pandas.concat(parts), name="by_test_point")
    return draft.publish(seeds=range(8))


@pytest.fixture
def reports(tmp_path):
    return [
        publish(tmp_path, "paper_strong", [(1, 0.005), (2, 0.005)], ranks_only=True),
        publish(tmp_path, "paper_strongeight", [(8, 0.005)], ranks_only=True),
        publish(tmp_path, "paper_weak", [(1, 0.0001), (8, 0.0001)]),
    ]


def test_the_trend_over_slices_is_the_line_through_one_value_a_split(reports):
    table = slices.measurements(reports, bootstrap=QUICK)
    check_tidy(table)
    for decay, depths in ((0.005, (1, 2, 8)), (0.0001, (1, 8))):
        x = numpy.repeat(depths, 8)
        y = numpy.concatenate([values(depth, decay).mean(1) for depth in depths])
        number = find(table, {**OWN, "weight_decay": decay, "statistic": "spearman_per_layer"})
        assert number.value == pytest.approx(stats.linregress(x, y).slope)
        assert number.low < number.value < number.high
        assert f"of {', '.join('8' for _ in depths)} networks at" in number.note
    squares = numpy.concatenate([(values(depth, 0.0001) ** 2).mean(1) for depth in (1, 8)])
    pearson = find(table, {**OWN, "weight_decay": 0.0001, "statistic": "pearson_per_layer"})
    assert pearson.value == pytest.approx(stats.linregress(numpy.repeat((1, 8), 8), squares).slope)
    sizes = numpy.concatenate([numpy.median(1 / (1 - values(depth, 0.0001)), axis=1) for depth in (1, 8)])
    slope = find(table, {**OWN, "weight_decay": 0.0001, "statistic": "slope_per_layer"})
    assert slope.value == pytest.approx(stats.linregress(numpy.repeat((1, 8), 8), sizes).slope)
    assert find(table, {**OWN, "weight_decay": 0.005, "statistic": "pearson_per_layer"}) is None


def test_the_gain_is_of_the_splits_that_both_decays_have(reports):
    table = slices.measurements(reports, bootstrap=QUICK)
    for depth in (1, 8):
        gain = values(depth, 0.005).mean(1) - values(depth, 0.0001).mean(1)
        number = find(table, {**OWN, "depth": depth, "statistic": "decay_gain"})
        assert number.value == pytest.approx(gain.mean())
        half = stats.t.ppf(0.975, 7) * gain.std(ddof=1) / 8**0.5
        assert (number.high - number.low) / 2 == pytest.approx(half, rel=0.35)
    assert find(table, {**OWN, "depth": 2, "statistic": "decay_gain"}) is None


@pytest.mark.slow
def test_joined_slices_are_a_report_with_a_figure_and_are_not_written_again(reports, tmp_path):
    report = slices.write(reports, tmp_path)
    assert report.profile == "paper_joined"
    assert [path.stem for path in report.figures] == ["own_splits_by_depth"]
    assert set(report.measurements["part"]) == {"own_splits"}
    again = slices.write([*reports, report], tmp_path)
    assert again.manifest == report.manifest
    more = publish(tmp_path, "paper_splits", [(1, 0.005)])
    assert slices.write([*reports, report, more], tmp_path).facts["made_of"].keys() >= {"paper_splits"}
    assert slices.write([], tmp_path) is None


def test_a_cell_that_was_run_again_with_every_measure_holds(reports, tmp_path):
    again = publish(tmp_path, "paper_again", [(1, 0.005), (2, 0.005), (8, 0.005)])
    report = slices.write([again, *reports], tmp_path)
    check_tidy(report.measurements)
    assert find(report.measurements, {**OWN, "weight_decay": 0.005, "statistic": "pearson_per_layer"})


def test_committed_slices_give_the_trends_that_numpy_finds_in_them():
    if not (folders := sorted((RESULTS / slices.STUDY).glob("paper_strong*"))):
        pytest.fail("the committed slices are missing")
    facts = [
        cell for folder in folders for cell in json_file.read(folder / "facts.json").get("spearman_by_network", [])
    ]
    warm = {cell["depth"]: cell["spearman"] for cell in facts if cell["target"] == "warm"}
    if not warm:
        return  # slices that keep every measure
    x = numpy.concatenate([[depth] * len(each) for depth, each in warm.items()])
    y = numpy.concatenate(list(warm.values()))
    joined = find(
        pandas.read_parquet(RESULTS / slices.STUDY / "paper_joined" / "measurements.parquet"),
        {**OWN, "weight_decay": 0.005, "statistic": "spearman_per_layer"},
    )
    fit = stats.linregress(x, y)
    assert joined.value == pytest.approx(fit.slope, abs=1e-6)
    assert joined.low == pytest.approx(fit.slope - 1.96 * fit.stderr, abs=1e-3)


def claim_of(name):
    """One claim of the study."""
    (found,) = [claim for claim in CLAIMS if claim.name == name]
    return found


def test_claims_of_own_splits_each_find_one_number_or_none_before_it_was_kept():
    table = pandas.read_parquet(RESULTS / slices.STUDY / "paper_joined" / "measurements.parquet")
    mine = [cell for claim in CLAIMS for cell in claim.cells if cell.where.get("part") == "own_splits"]
    assert len(mine) == 8
    assert all(cell.number(table) for cell in mine if cell.where["statistic"] != "pearson_per_layer")


def test_a_slope_that_is_surely_below_0_but_small_is_negligible_and_a_printed_size_is_judged_apart():
    claim = claim_of("depth_lowers_ranks_at_minima")
    small, large = Measurement(-0.0076, -0.0091, -0.0063), Measurement(-0.065, -0.068, -0.061)
    said = [verdict_on(claim.cells[0], each, negligible=claim.negligible) for each in (small, large)]
    assert said == ["negligible", "reproduced"]
    gain = claim_of("weight_decay_raises_agreement")
    ours = Measurement(0.047, -0.026, 0.117)
    assert verdict_on(gain.cells[0], ours, negligible=gain.negligible) == "inconclusive"
    assert verdict_on(gain.printed[0], ours) == "not reproduced"


def test_every_setting_of_a_claim_is_something_that_the_study_measures():
    arms = {
        "published": ("published", {"selection": "highest_loss", "require_minimum": False}),
        "controlled": ("warm", {}),
    }
    queries = [AgreementQuery(key, {"arm": arm, "data": "iris"}, **more) for arm, (key, more) in arms.items()]
    kinds = {"published": {"own": 1, "minimum": False}, "warm": {}}
    networks = {
        (key, depth, width, decay, seed): network(depth + width + seed, **kinds[key])
        for key, decays in (("published", (0.005, 0.0)), ("warm", (0.005, 0.0001)))
        for depth, width in ((1, 5), (8, 5), (1, 8))
        for decay in decays
        for seed in range(5)
    }
    table = analysis.measurements(queries, networks, bootstrap=QUICK)
    cells = [cell for claim in CLAIMS for cell in (*claim.cells, *claim.printed) if cell.where["part"] is None]
    assert len(cells) >= 8
    assert all(cell.number(table) for cell in cells)
    own = table.query("arm == 'controlled'").assign(part="own_splits")
    warm = [claim_of(f"depth_lowers_{what}_at_minima").cells for what in ("ranks", "lines")]
    assert all(cell.number(own) for cells in warm for cell in cells)


# Sentences.
def around(value, half=0.001):
    return Measurement(value, value - half, value + half, n=40)


def test_sentences_say_the_other_thing_if_the_numbers_do():
    flat, falling, rising, wide = around(-0.0076), around(-0.042), around(0.022), Measurement(0.0, -0.1, 0.1)
    some = around(0.9)
    order = sentences.of_order([some, some, flat, some, some, flat, some])
    assert "ranked nearly as well with eight layers as with one.**" in order
    assert "nearly" not in sentences.of_order([some, some, falling, some, some, falling, some])
    size = sentences.of_size([some, some, falling, some, some, rising, *[some] * 4])
    assert "**Sizes worsen with depth at weight decay 0.005 and improve with depth at weight decay 0.0001.**" in size
    assert "Sizes hardly change" in sentences.of_size([some, some, flat, some, some, flat, *[some] * 4])
    anew = sentences.of_anew([some, some, falling, some, some, falling, *[some] * 4])
    assert "loses agreement with every layer.**" in anew
    assert "which is open" in sentences.of_anew([some, some, wide, some, some, wide, *[some] * 4])
    stopped, fine = Measurement(0.0, n=10), Measurement(1.0, n=10)
    assert "deep networks stop training" in sentences.of_training([fine, stopped, falling, flat])
    assert "every depth train" in sentences.of_training([fine, fine, falling, falling])
    assert "hardly matters at minima" in sentences.of_width([falling, around(0.0, 1e-4), falling])
    assert "lowers agreement at minima" in sentences.of_width([falling, falling, falling])
    assert "gains agreement under" in sentences.of_decay([rising, some, some])
    assert "which is open" in sentences.of_decay([Measurement(0.047, -0.026, 0.117), some, some])


def test_every_place_of_a_sentence_has_a_number():
    some = around(0.5)
    for write, count in (("training", 4), ("order", 7), ("size", 10), ("anew", 10), ("decay", 3), ("width", 3)):
        text = getattr(sentences, f"of_{write}")([some] * count)
        assert "{" not in text.format(*[some] * count)
        with pytest.raises(IndexError):
            text.format(*[some] * (count - 1))


# What the committed pairs say.
def tied_by_hand(values):
    """Values in order, each the least of its group: a new group begins a ten-millionth of the range above the last."""
    step, groups = 1e-7 * numpy.ptp(values), []
    for value in sorted(values):
        if not groups or value > groups[-1] + step:
            groups.append(value)
    return numpy.array([max(group for group in groups if group <= value) for value in values])


def test_published_networks_with_dead_units_have_the_rank_correlation_of_their_ties():
    pairs = pandas.read_parquet(RESULTS / slices.STUDY / "standard" / "pairs.parquet")
    dead = pairs.query("arm == 'published' and weight_decay == 0 and depth == 8")
    generator, ours, ties, by_rounding = numpy.random.default_rng(0), [], [], []
    for _, part in dead.groupby("seed"):
        x, y = part["predicted"].to_numpy(float), part["actual"].to_numpy(float)
        if numpy.ptp(x) == 0:
            continue
        rounded = x + 1e-9 * numpy.ptp(x) * generator.normal(size=len(x))
        ours.append(spearman(comparison_of(rounded[:, None], y[:, None]), numpy.ones((1, len(x))))[0, 0])
        ties.append(stats.spearmanr(tied_by_hand(x), tied_by_hand(y)).statistic)
        by_rounding.append(stats.spearmanr(rounded, y).statistic)
    assert ours == pytest.approx(ties, abs=1e-12)
    assert max(abs(numpy.subtract(ours, by_rounding))) > 0.05
