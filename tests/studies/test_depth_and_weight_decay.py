"""Depth and weight decay: trials of each arm, numbers by SciPy and NumPy from the same networks, and their figures."""

from dataclasses import replace

import numpy
import pytest
import torch
from figure_rules import faults
from outcomes import network, spearman
from scipy import stats
from small_trial import TRIAL

from influencelab.errors import InvalidData
from influencelab.experiments.seed_agreement import AgreementQuery
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.mlp import MLP
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, measurement_of, records, select
from influencelab.studies.depth_and_weight_decay import analysis, figures

QUICK = Bootstrap(resamples=60)
WARM = AgreementQuery("warm", {"arm": "controlled"})
PUBLISHED = AgreementQuery("published", {"arm": "published"}, selection="highest_loss", require_minimum=False)
CHOSEN = replace(PUBLISHED, networks=("chosen", "he"), settings={"arm": "sensitivity", "init": "he"})
SEEDS = range(5)
USUAL = (1, 5, 0.005)
TRAINED = replace(TRIAL, task=MLP(weight_decay=1.0))


def cell(arm, depth, width, decay, **settings):
    """The networks of one cell, all different from those of others."""
    return {(arm, depth, width, decay, seed): network(100 * depth + 10 * width + seed, **settings) for seed in SEEDS}


STUDY = {
    **cell("published", 1, 5, 0.005, own=1),
    **cell("published", 2, 5, 0.005, own=0),
    **cell("published", 2, 5, 0.0, own=0, minimum=False),
    **cell("warm", 1, 5, 0.005, failed=(0,), moved=(1, 2)),
    **cell("warm", 1, 5, 1e-4),
    **cell("warm", 1, 8, 0.005),
    **cell(("chosen", "he"), 1, 5, 0.005, own=1),
}


@pytest.fixture(scope="module")
def found():
    return analysis.measurements([PUBLISHED, WARM], STUDY, choices=[CHOSEN], bootstrap=QUICK)


def one(table, statistic, cell=(None, None, None), *, arm="controlled"):
    """The one number of a statistic of an arm, at a depth, width and weight decay."""
    settings = dict(zip(("depth", "width", "weight_decay"), cell, strict=True))
    (line,) = select(table, {"arm": arm, "statistic": statistic, **settings})
    return measurement_of(line)


def rho(arm, depth, width, decay, **settings):
    """ρ by SciPy: a row a seed, a column a test point."""
    held = [each for key, each in STUDY.items() if key[:4] == (arm, depth, width, decay)]
    return numpy.stack([spearman(each, **settings) for each in held])


# Trials.
def test_arms_have_settings_of_their_own_and_an_empty_one_is_left_out():
    found = analysis.trials(
        {
            "warm": (TRAINED, [1, 8], [5], [0.1, 0.2], 1),
            "cold": (TRAINED, [1, 8], [6], [0.1], [2, 1]),
            "none": (TRAINED, [1], [5], [0.1], 0),
        }
    )
    assert list(found) == [
        *(("warm", depth, 5, decay, 0) for depth in (1, 8) for decay in (0.1, 0.2)),
        *(("cold", depth, 6, 0.1, seed) for depth, seed in ((1, 0), (1, 1), (8, 0))),
    ]
    last = found["cold", 8, 6, 0.1, 0]
    assert last == replace(TRAINED, task=MLP(depth=8, width=6, weight_decay=0.1), seed=0)


def test_each_network_can_have_a_split_of_its_own():
    arms = {"warm": (TRAINED, [1], [5], [0.1], 3)}
    shared, own = analysis.trials(arms), analysis.trials(arms, own_splits=True)
    assert [trial.source.seed for trial in own.values()] == [0, 1, 2]
    assert [replace(trial, source=TRAINED.source) for trial in own.values()] == list(shared.values())


def test_damping_is_added_only_where_there_is_no_weight_decay():
    bare, decayed = analysis.trials({"published": (TRAINED, [1], [5], [0.0, 0.1], 1)}).values()
    assert bare.estimators == {**TRAINED.estimators, "exact": Exact(damping=1e-3)}
    assert decayed.estimators == TRAINED.estimators


# Numbers.
def settings(table, statistic):
    """What each number of a statistic belongs to, None for a setting that is missing."""
    where = ("arm", "depth", "width", "weight_decay")
    return {tuple(line[name] for name in where) for line in records(table) if line["statistic"] == statistic}


def test_every_arm_has_its_numbers(found):
    check_tidy(found)
    warm = {("controlled", *each) for each in (USUAL, (1, 5, 1e-4), (1, 8, 0.005))}
    published = {("published", *each) for each in (USUAL, (2, 5, 0.005), (2, 5, 0))}
    assert settings(found, "spearman") == warm | published | {("sensitivity", *USUAL)}
    assert settings(found, "repeatability") == warm
    for measure in ("spearman", "pearson", "slope", "relative_error"):
        assert settings(found, measure) == warm | published | {("sensitivity", *USUAL)}
        assert settings(found, f"{measure}_per_layer") == {("published", None, 5, 0.005)}
        assert settings(found, f"{measure}_per_unit") == {("controlled", 1, None, 0.005)}
    assert settings(found, "decay_gain") == {("published", 2, 5, None), ("controlled", 1, 5, None)}
    once = {(arm, None, None, None) for arm in ("published", "controlled")}
    assert settings(found, "largest_half_width") == once
    for name in ("fits_at_a_minimum", "converged"):
        assert settings(found, name) == once | warm | published
    mine = select(found, {"arm": "sensitivity", "init": "he", "statistic": "spearman"})
    assert [line["value"] for line in mine] == pytest.approx([rho(("chosen", "he"), *USUAL)[:, 1].mean()])


def test_a_gain_is_more_decay_less_less_decay(found):
    gain = rho("warm", 1, 5, 0.005, rows=range(1, 9)) - rho("warm", 1, 5, 1e-4)
    assert one(found, "decay_gain", (1, 5, None)).value == pytest.approx(gain.mean())
    number = one(found, "decay_gain", (2, 5, None), arm="published")
    without = rho("published", 2, 5, 0.005)[:, 0] - rho("published", 2, 5, 0.0)[:, 0]
    assert number.value == pytest.approx(without.mean())
    assert "0.005 less that at 0" in number.note


def test_quality_and_correlation_without_moved_models_stand_by_cell(found):
    trusted = rho("warm", 1, 5, 0.005, rows=range(3, 9))
    assert one(found, "trusted_spearman", USUAL).value == pytest.approx(trusted.mean())
    assert one(found, "converged", USUAL).value == pytest.approx(8 / 9)
    assert one(found, "trusted", USUAL).value == pytest.approx(6 / 9)
    loss = one(found, "train_loss", USUAL)
    assert (loss.value, loss.unit, loss.n) == (pytest.approx(1.62), "nats", 5)
    assert one(found, "train_accuracy", USUAL).unit == ""
    assert one(found, "largest_curvature", USUAL).value == pytest.approx(2 + 152)
    assert one(found, "fits_at_a_minimum", (2, 5, 0), arm="published").value == 0


def test_shares_count_all_networks_and_all_models(found):
    minima, converged = one(found, "fits_at_a_minimum", arm="published"), one(found, "converged")
    assert (minima.value, minima.n) == (pytest.approx(10 / 15), 15)
    assert (converged.value, converged.n) == (pytest.approx((135 - 5) / 135), 135)
    halves = found.query("arm == 'controlled' and statistic == 'spearman'").eval("(high - low) / 2")
    assert one(found, "largest_half_width").value == pytest.approx(halves.max())
    assert "worst at depth" in one(found, "largest_half_width").note


def test_no_network_means_no_shares_and_no_interval_no_half_width():
    assert analysis.measurements([WARM], {}, bootstrap=QUICK).empty
    bare = analysis.widest([{"low": None, "high": None}])
    assert numpy.isnan(bare.value)
    assert bare.note == "no cell has an interval"


# How well a target repeats.
def test_repeats_are_couples_of_seeds_and_an_odd_one_is_left_over():
    part = [network(seed) for seed in range(5)]
    outcomes = {("warm", 1, 5, 0.1, seed): held for seed, held in enumerate(part)}
    outcomes[("warm", 2, 5, 0.1, 0)] = part[0]
    truths = [held.actual["warm"].numpy() for held in part]
    wanted = [stats.spearmanr(truths[i][:, j], truths[i + 1][:, j])[0] for i in (0, 2) for j in range(3)]
    ((cell, table),) = analysis.repeats(WARM, WARM.cells(outcomes))
    assert cell["depth"] == 1
    assert table.values.ravel() == pytest.approx(wanted)


def test_truths_of_other_test_points_are_no_repeats():
    part = {("warm", 1, 5, 0.1, seed): replace(network(seed), test_ids=torch.arange(3) + seed) for seed in range(4)}
    assert analysis.repeats(WARM, WARM.cells(part)) == []


# Figures.
def axes_of(figure, columns):
    """The panels, a row a measure."""
    return numpy.array(figure.axes).reshape(-1, columns)


def test_a_figure_has_a_row_for_each_measure_on_the_same_axes_and_lines_in_one_order(found):
    grid = axes_of(figures.agreement_along("depth", found), 3)
    assert [axis.get_title() for axis in grid[0]] == [f"weight decay: {decay}" for decay in (0.005, 0.0001, 0)]
    labels = [row[0].get_ylabel().replace("\n", " ") for row in grid]
    assert [label.split(" ")[0] for label in labels] == ["Spearman", "Pearson", "slope", "RMS"]
    for row in grid:
        assert len({axis.get_ylim() for axis in row} | {(1, 1)}) == 2
    assert len({axis.get_xlim() for axis in grid.flat}) == 1
    assert [text.get_text() for text in grid[-1, 0].get_xticklabels()] == ["1", "2"]


def drawn(panel, name):
    """Where the marks of a line stand, and how high."""
    (line,) = [each.lines[0] for each in panel.containers if each.get_label() == name]
    return line.get_xdata(), line.get_ydata()


@pytest.mark.slow
def test_values_stand_at_their_settings_and_a_line_that_stops_has_a_mark(found):
    grid = axes_of(figures.agreement_along("depth", found), 3)
    at, means = drawn(grid[0, 0], "published protocol")
    assert list(at) == [0, 1]
    assert means == pytest.approx(
        [rho("published", 1, 5, 0.005)[:, 1].mean(), rho("published", 2, 5, 0.005)[:, 0].mean()]
    )
    pairs = [
        (held.predicted["exact"].numpy()[:, 1], held.actual["warm"].numpy()[:, 1])
        for key, held in STUDY.items()
        if key[:4] == ("published", 1, 5, 0.005)
    ]
    slopes = [stats.linregress(x, y).slope for x, y in pairs]
    assert drawn(grid[2, 0], "published protocol")[1][0] == pytest.approx(numpy.median(slopes))
    errors = [numpy.linalg.norm(y - x) / numpy.linalg.norm(y) for x, y in pairs]
    assert drawn(grid[3, 0], "published protocol")[1][0] == pytest.approx(numpy.median(errors))
    stops = [part for part in grid[0, 0].collections if part.get_label() == figures.NOT_RUN]
    assert [part.get_offsets()[0][0] for part in stops] == [1.0, 1.0]  # of warm truth, and of its repeatability


def test_what_was_run_and_has_no_value_is_marked_and_the_networks_left_are_counted():
    part = {
        ("published", depth, 5, 0.005, seed): network(seed, own=1, constant=depth == 3 or (depth == 2 and seed < 2))
        for depth in (1, 2, 3)
        for seed in SEEDS
    }
    table = analysis.measurements([PUBLISHED], part, bootstrap=QUICK)
    (spearman_panel, *_) = figures.agreement_along("depth", table).axes
    assert [text.get_text() for text in spearman_panel.texts] == ["3"]
    marks = [each for each in spearman_panel.collections if each.get_label() == figures.NONE]
    assert [each.get_offsets()[0][0] for each in marks] == [2.0]


def test_repeatability_is_named_as_no_agreement_and_stands_beside_ranks_alone(found):
    figure = figures.agreement_along("depth", found)
    grid = axes_of(figure, 3)
    name = "no agreement: repeatability of the warm truth"
    drawn = [any(name == label for label in axis.get_legend_handles_labels()[1]) for axis in grid.flat]
    assert drawn == [True, True, False] + [False] * 9
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert set(legend) >= {"published protocol", "controlled, warm truth", name, "perfect"}


@pytest.mark.slow
def test_a_stranger_can_read_the_figures(found):
    for axis in ("depth", "width"):
        assert faults(figures.agreement_along(axis, found)) == []
    assert "all networks on one split" in figures.agreement_along("depth", found).get_label()
    assert "a split of its own" in figures.agreement_along("depth", found, own_splits=True).get_label()


def test_along_width_the_shallowest_networks_of_every_width_are_shown(found):
    shown = figures.named(found, "width")
    assert set(shown["depth"]) == {1}
    assert set(shown.query("arm == 'controlled' and weight_decay == 0.005")["width"]) == {5, 8}


def test_nothing_along_an_axis_is_said():
    with pytest.raises(InvalidData, match="no agreement along depth"):
        figures.agreement_along("depth", analysis.measurements([WARM], STUDY, bootstrap=QUICK).head(0))
