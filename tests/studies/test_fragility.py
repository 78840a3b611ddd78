"""What is read off the networks of a study: which models count, which cells there are, lines, choices and pairs."""

from dataclasses import replace

import numpy
import pytest
import torch
from outcomes import network, resampled, spearman
from scipy import stats
from small_trial import TRIAL

from influencelab.errors import InvalidParameter
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.studies.depth_and_weight_decay import readings
from influencelab.studies.depth_and_weight_decay.readings import Cell, Reading

QUICK = Bootstrap(resamples=60)
WARM = Reading("controlled/warm", "warm")
PUBLISHED = Reading("published", "published", selection="highest_loss", minima=False)
FAILED, MOVED = (0,), (1, 2)


def rows(held, target="warm"):
    """Which removals count."""
    return held.trusted[target].nonzero().flatten().tolist()


def shown(styler):
    """The rows of a table."""
    return styler.data.to_dict("records")


# Which models count.
def test_models_that_moved_count_unless_only_the_trusted_do():
    held = network(0, failed=FAILED, moved=MOVED)
    assert rows(WARM.counting(held)) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert rows(replace(WARM, trusted=True).counting(held)) == [3, 4, 5, 6, 7, 8]


def test_a_network_off_its_minimum_counts_only_where_none_is_asked_for():
    held = network(0, minimum=False, failed=FAILED, moved=MOVED)
    assert rows(WARM.counting(held)) == []
    assert rows(replace(WARM, minima=False).counting(held)) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert rows(replace(WARM, minima=False, trusted=True).counting(held)) == [3, 4, 5, 6, 7, 8]


def test_other_targets_and_the_outcome_itself_stay_as_they_are():
    held = network(0, failed=FAILED, moved=MOVED)
    counted = replace(WARM, minima=False).counting(held)
    assert rows(counted, "cold") == rows(held, "cold") == rows(held) == [3, 4, 5, 6, 7, 8]
    assert rows(replace(WARM, target="cold").counting(held), "cold") == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_reading_takes_the_networks_of_its_arm_cell_by_cell():
    held = {
        ("warm", depth, 5, decay, seed): network(seed) for depth in (1, 2) for decay in (0.0, 0.1) for seed in (3, 4)
    }
    found = WARM.cells({("cold", 1, 5, 0.0, 3): network(9)} | held)
    assert list(found) == [(1, 5, 0.0), (1, 5, 0.1), (2, 5, 0.0), (2, 5, 0.1)]
    assert [each.facts["fit_loss"] for each in found[Cell(2, 5, 0.1)]] == pytest.approx([0.13, 0.14])


def test_correlations_are_those_of_the_rows_that_count():
    outcomes = {("warm", 1, 5, 0.1, seed): network(seed, failed=FAILED, moved=MOVED) for seed in (0, 1)}
    for reading, kept in ((WARM, range(1, 9)), (replace(WARM, trusted=True), range(3, 9))):
        wanted = [spearman(held, rows=kept) for held in outcomes.values()]
        assert reading.correlations(outcomes)[Cell(1, 5, 0.1)].values == pytest.approx(numpy.stack(wanted))
        assert reading.means(outcomes, bootstrap=QUICK)[Cell(1, 5, 0.1)].value == pytest.approx(numpy.mean(wanted))


# Test points of one's own.
def test_a_network_with_one_test_point_of_its_own_is_read_there():
    part = [network(0, own=2), network(1, own=0)]
    assert PUBLISHED.own_test(part)
    found = PUBLISHED.correlation(part)
    assert found.values == pytest.approx(numpy.array([[spearman(part[0])[2]], [spearman(part[1])[0]]]))
    assert found.pairs.tolist() == [[9], [9]]
    assert found.measure == "spearman"


def test_one_network_that_looks_at_all_test_points_is_enough_to_keep_them_all():
    part = [network(0, own=2), network(1)]
    assert not PUBLISHED.own_test(part)
    found = PUBLISHED.correlation(part).values
    assert numpy.isnan(found).tolist() == [[True, True, False], [False] * 3]


# How well a target repeats.
def test_repeats_are_couples_of_seeds_and_an_odd_one_is_left_over():
    part = [network(seed) for seed in range(5)]
    outcomes = {("warm", 1, 5, 0.1, seed): held for seed, held in enumerate(part)}
    outcomes[("warm", 2, 5, 0.1, 0)] = part[0]
    truths = [held.actual["warm"].numpy() for held in part]
    wanted = [stats.spearmanr(truths[i][:, j], truths[i + 1][:, j])[0] for i in (0, 2) for j in range(3)]
    found = WARM.repeats(outcomes)
    assert list(found) == [Cell(1, 5, 0.1)]
    assert found[Cell(1, 5, 0.1)].values.ravel() == pytest.approx(wanted)


def test_truths_of_other_test_points_are_no_repeats():
    part = {("warm", 1, 5, 0.1, seed): replace(network(seed), test_ids=torch.arange(3) + seed) for seed in range(4)}
    assert WARM.repeats(part) == {}
    values = WARM.correlations(part)[Cell(1, 5, 0.1)]
    assert not values.crossed
    found = WARM.means(part, bootstrap=QUICK)[Cell(1, 5, 0.1)]
    assert found.note == "95% bootstrap over 4 seeds, whose test points differ, B=60"


# Trials.
def test_each_network_can_have_a_split_of_its_own():
    trials = {("warm", 1, seed): replace(TRIAL, seed=seed) for seed in (0, 3)}
    found = readings.with_own_splits(trials)
    assert [trial.source.seed for trial in found.values()] == [0, 3]
    assert replace(found["warm", 1, 3], source=TRIAL.source) == trials["warm", 1, 3]


def test_an_arm_has_as_many_seeds_as_are_wanted_at_each_depth():
    keys = [(arm, depth, seed) for arm in ("cold", "warm") for depth in (1, 8) for seed in range(3)]
    found = readings.up_to(dict.fromkeys(keys, TRIAL), "cold", {1: 3, 8: 1})
    assert set(keys) - set(found) == {("cold", 8, 1), ("cold", 8, 2)}
    assert list(readings.first_seeds(dict.fromkeys(keys, 0), 1)) == [key for key in keys if key[-1] == 0]


def test_damping_is_added_only_where_there_is_no_weight_decay():
    bare = replace(TRIAL, task=replace(TRIAL.task, weight_decay=0.0))
    found = readings.damped_without_decay({("a", 0): bare, ("a", 1): TRIAL}, 1e-3)
    assert found["a", 0] == replace(bare, estimators={**bare.estimators, "exact": Exact(damping=1e-3)})
    assert found["a", 1] == TRIAL
    other = readings.damped_without_decay({("a", 0): bare}, 1e-3, estimator="newton_step")["a", 0].estimators
    assert other["newton_step"] == NewtonStep(damping=1e-3)
    assert other["exact"] == Exact()


def test_choices_are_every_combination_and_a_choice_moves_all_its_settings():
    options = {"decay": (("task.weight_decay", "source.seed"), (1, 2)), "start": (("seed",), (7, 8))}
    found = readings.choices(TRIAL, options)
    assert list(found) == ["decay 1, start 7", "decay 1, start 8", "decay 2, start 7", "decay 2, start 8"]
    last = found["decay 2, start 7"]
    assert (last.task.weight_decay, last.source.seed, last.seed) == (2, 2, 7)
    assert replace(last, task=TRIAL.task, source=TRIAL.source, seed=TRIAL.seed) == TRIAL


def test_arms_are_laid_out_over_settings_of_their_own_and_an_empty_one_is_left_out():
    one = {"task.weight_decay": (0.1, 0.2), "seed": (0, 1)}
    arms = {"few": (TRIAL, {"task.weight_decay": (0.5,), "seed": (4,)}), "many": (TRIAL, one)}
    found = readings.lay_out(arms | {"none": (TRIAL, {"task.weight_decay": (0.5,), "seed": ()})})
    assert list(found) == [("few", 0.5, 4), *(("many", decay, seed) for decay in (0.1, 0.2) for seed in (0, 1))]
    assert (found["many", 0.2, 1].task.weight_decay, found["many", 0.2, 1].seed) == (0.2, 1)
    with pytest.raises(InvalidParameter, match="no setting"):
        readings.lay_out({"a": (TRIAL, {"task.colour": (1,)})})


# Lines through cells.
def test_along_holds_everything_else():
    table = {
        Cell(depth, width, decay): f"{depth}/{width}/{decay}"
        for depth in (1, 2)
        for width in (5, 8)
        for decay in (0, 1)
    }
    assert readings.along(table, "depth", {"width": 8, "decay": 0}) == {1: "1/8/0", 2: "2/8/0"}
    assert readings.along(table, "decay", {"width": 5, "depth": 2}) == {0: "2/5/0", 1: "2/5/1"}
    assert readings.along(table, "depth", {"width": 9}) == {}


def test_lines_by_setting_are_labelled_by_what_is_held_and_short_ones_left_out():
    made = resampled(0.5, 0.4, 0.6)
    line = {Cell(1, 5, 0.0): made, Cell(1, 5, 0.1): made, Cell(2, 5, 0.1): made, Cell(1, 8, 0.1): made}
    by_decay = readings.by_setting({"warm": line}, "decay", least=2)
    assert {name: list(each) for name, each in by_decay.items()} == {"warm, 1 hidden layer": [0.0, 0.1]}
    by_width = readings.by_setting({"warm": line}, "width", least=1)
    assert {name: list(each) for name, each in by_width.items()} == {
        "warm, 1 hidden layer, weight decay 0": [5],
        "warm, 1 hidden layer, weight decay 0.1": [5, 8],
        "warm, 2 hidden layers, weight decay 0.1": [5],
    }


def test_a_cell_names_its_width_only_where_it_is_not_the_usual_one():
    assert [Cell(4, 5, 0.005).label, Cell(4, 50, 1e-4).label] == ["4/0.005", "4/0.0001/width_50"]


# How well networks were trained, as numbers and in words.
def test_quality_is_shares_and_means_by_hand():
    part = [network(0, failed=(0, 1), moved=(2,)), network(2, minimum=False)]
    found = readings.quality(part, "warm")
    assert found == pytest.approx(
        {
            "fits_at_a_minimum": 0.5,
            "converged": 16 / 18,
            "trusted": 15 / 18,
            "train_loss": 0.11,
            "train_accuracy": 0.91,
            "smallest_curvature": 2e-4,
            "largest_curvature": 3.0,
        }
    )
    assert readings.trained(part, "warm") == {
        "fits at a minimum": "1 of 2",
        "retrained converged": "88.9%",
        "trusted (same basin too)": "83.3%",
        "train loss": "0.110",
        "accuracy": "0.91",
        "λ_min": "2.0e-04",
        "λ_max": "3.0e+00",
    }


def test_the_table_of_cells_has_both_correlations():
    outcomes = {("warm", 1, 5, 0.1, seed): network(seed, moved=MOVED) for seed in (2, 3)}
    (row,) = shown(readings.cell_table([WARM], outcomes, bootstrap=QUICK))
    every, kept = (
        numpy.mean([spearman(held, rows=counted) for held in outcomes.values()])
        for counted in (range(9), (0, *range(3, 9)))
    )
    assert (row["arm"], row["layers"], row["width"], row["weight decay"]) == ("controlled/warm", 1, 5, "0.1")
    assert float(row["ρ, all converged"].split()[0]) == pytest.approx(every, abs=0.006)
    assert float(row["ρ, trusted only"].split()[0]) == pytest.approx(kept, abs=0.006)
    assert abs(every - kept) > 0.02
    assert row["trusted (same basin too)"] == "77.8%"


def test_the_table_of_agreement_leaves_what_was_not_run_empty():
    means = {
        "one": {Cell(2, 5, 0.1): resampled(0.5, 0.4, 0.6)},
        "two": {
            Cell(1, 5, 0.0): resampled(numpy.nan, numpy.nan, numpy.nan),
            Cell(2, 5, 0.1): resampled(0.25, numpy.nan, numpy.nan),
        },
    }
    heads = ("1 layers, weight decay 0", "2 layers, weight decay 0.1")
    assert shown(readings.agreement_table(means, rows="choice", caption="c")) == [
        {"choice": "one", heads[0]: "", heads[1]: "0.50 [0.40, 0.60]"},
        {"choice": "two", heads[0]: "none", heads[1]: "0.250"},
    ]


def test_each_network_has_its_own_mean_by_cell():
    outcomes = {("warm", 1, width, 0.1, seed): network(seed + width) for width in (5, 8) for seed in (1, 0)}
    found = readings.by_network([WARM], outcomes)["controlled/warm"]
    assert found == {
        label: pytest.approx([spearman(network(seed + width)).mean() for seed in (1, 0)], abs=1e-5)
        for label, width in (("1/0.1", 5), ("1/0.1/width_8", 8))
    }


# Pairs.
def arms():
    """Two networks of one arm, one of another."""
    return {
        ("warm", 1, 5, 0.1, 0): network(0, failed=FAILED, moved=MOVED),
        ("warm", 1, 8, 0.1, 1): network(1),
        ("published", 1, 5, 0.1, 0): network(2, own=1),
    }


def test_pairs_are_small_and_only_those_that_count():
    found = readings.pairs([WARM, PUBLISHED], arms())
    assert found.dtypes.astype(str).to_dict() == {
        "test_id": "int16",
        "train_id": "int16",
        "predicted": "float32",
        "actual": "float32",
        "reading": "category",
        "cell": "category",
        "seed": "int16",
    }
    assert found.groupby(["reading", "cell", "seed"], observed=True).size().to_dict() == {
        ("controlled/warm", "1/0.1", 0): 8 * 3,
        ("controlled/warm", "1/0.1/width_8", 1): 9 * 3,
        ("published", "1/0.1", 0): 9,
    }
    assert set(found[found.reading == "published"].test_id) == {1}
    first = found[(found.reading == "controlled/warm") & (found.seed == 0)]
    assert 0 not in set(first.train_id)
    truth = network(0).actual["warm"].numpy()
    assert first.actual.to_numpy() == pytest.approx(
        [truth[i, j] for i, j in zip(first.train_id, first.test_id, strict=True)]
    )


def test_too_many_pairs_are_sampled_alike_from_each_network(monkeypatch):
    every = readings.pairs([WARM, PUBLISHED], arms())
    monkeypatch.setattr(readings, "KEPT", 36)
    found = readings.pairs([WARM, PUBLISHED], arms())
    assert found.groupby(["reading", "seed"], observed=True).size().tolist() == [12, 12, 9]
    assert found.merge(every).shape == found.shape
    assert not found.duplicated().any()
    assert found.equals(readings.pairs([WARM, PUBLISHED], arms()))
