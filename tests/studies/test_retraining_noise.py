"""Noise of retraining: which effects exceed it, what the published protocol leaves in them, and what figures show."""

import matplotlib.pyplot as plt
import numpy
import pandas
import pytest
import torch
from outcomes import outcome

from influencelab.experiments.grid import PROTOCOLS
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find
from influencelab.studies.retraining_noise import analysis, figures

QUICK = Bootstrap(resamples=50)
SEEDS, REMOVALS, TESTS = 6, 12, 3


@pytest.fixture(scope="module")
def outcomes():
    """Effects of one size with little noise where batches are paired, and much where they are not."""
    generator = numpy.random.default_rng(0)
    signal = generator.normal(size=(REMOVALS, TESTS))
    draws = []
    for _ in range(SEEDS):
        noise = generator.normal(size=(REMOVALS, TESTS))
        targets = {name: signal + size * noise for name, size in zip(PROTOCOLS, (0.05, 3.0, 0.05), strict=True)}
        draws.append(outcome({"dot": signal}, targets))
        draws[-1].control["warm"] += torch.tensor(generator.normal(size=TESTS))
    return draws


@pytest.fixture(scope="module")
def effects(outcomes):
    return analysis.effects(outcomes)


@pytest.fixture(scope="module")
def table(effects):
    return analysis.measurements({("digits", 1, 0.001): effects, ("digits", 2, 0.01): effects}, bootstrap=QUICK)


def value(table, **where):
    """The one number with these settings."""
    number = find(table, where)
    assert number is not None
    return number.value


def test_published_effects_keep_what_going_on_does_to_the_control(outcomes, effects):
    assert list(effects) == list(analysis.TARGETS)
    for seed, each in enumerate(outcomes):
        for removal in range(REMOVALS):
            extra = effects["published"][seed, removal] - effects["warm"][seed, removal]
            assert extra == pytest.approx(each.control["warm"].numpy())


def test_every_number_is_one_row_of_its_network(effects, table):
    check_tidy(table)
    assert len(table) == 2 * (1 + 3 * len(analysis.TARGETS))
    network = {"depth": 2, "learning_rate": 0.01}
    shares = {target: (numpy.abs(draws.mean(0)) > 2 * draws.std(0, ddof=1)).mean() for target, draws in effects.items()}
    assert shares["paired"] > 0.8 > 0.2 > shares["unpaired"]
    for target, share in shares.items():
        assert value(table, **network, target=target, statistic="detected") == pytest.approx(share)
    gain = value(table, **network, statistic="detection_gain")
    assert gain == pytest.approx(shares["paired"] - shares["unpaired"])


def test_draws_needed_are_those_of_spearman_and_brown(table):
    network = {"depth": 1, "learning_rate": 0.001, "target": "unpaired"}
    one, needed = (value(table, **network, statistic=name) for name in ("repeatability", "draws_needed"))
    assert needed * one / (1 + (needed - 1) * one) == pytest.approx(0.8)


def test_pairs_hold_mean_and_spread_of_every_effect(outcomes, effects):
    pairs = analysis.pairs_table(effects, outcomes[0])
    assert len(pairs) == len(effects) * REMOVALS * TESTS
    (line,) = pairs.query("arm == 'unpaired' and train_id == 7 and test_id == 2").to_dict("records")
    draws = effects["unpaired"][:, 7, 2]
    assert (line["mean"], line["sd"]) == pytest.approx((draws.mean(), draws.std(ddof=1)), rel=1e-5)


def test_what_is_detected_and_how_it_repeats_follow_from_what_is_kept(outcomes, effects, table):
    settings = {("digits", 1, 0.001): effects, ("digits", 2, 0.01): effects}
    signals, repeats = analysis.signals_table(settings, outcomes[0]), analysis.repeats_table(settings)
    assert len(signals) == 2 * len(effects) * REMOVALS * TESTS
    for target in effects:
        network = {"depth": 2, "learning_rate": 0.01, "target": target}
        kept = signals.query("depth == 2 and target == @target")["ratio"] > 2
        assert value(table, **network, statistic="detected") == pytest.approx(kept.mean())
        once = repeats.query("depth == 2 and target == @target")["value"]
        assert value(table, **network, statistic="repeatability") == pytest.approx(once.mean())
    (line,) = signals.query("depth == 1 and target == 'paired' and train_id == 7 and test_id == 2").to_dict("records")
    draws = effects["paired"][:, 7, 2]
    assert line["ratio"] == pytest.approx(abs(draws.mean()) / draws.std(ddof=1))


def test_histogram_says_what_the_table_says_and_holds_every_pair(outcomes, effects, table):
    still = {**effects, "paired": numpy.broadcast_to(effects["paired"][0], effects["paired"].shape)}
    numbers = table.loc[table["depth"] == 1]
    figure = figures.effects_beside_noise(analysis.pairs_table(still, outcomes[0]), numbers)
    share = value(numbers, target="unpaired", statistic="detected")
    (legend,) = figure.legends
    words = [text.get_text() for text in legend.get_texts()]
    assert words[0] == f"{analysis.TARGETS['unpaired']}: {100 * share:.3g}% of {REMOVALS * TESTS} pairs beyond 2"
    assert words[len(analysis.TARGETS) :] == ["|mean| = 2 sd"]
    # Effects without noise stand in the last bar.
    assert figure.axes[0].patches[3].get_data().values[-1] == pytest.approx(1.0)
    assert not plt.get_fignums()


def test_draws_stand_against_each_other_and_averages_follow_spearman_and_brown(effects, table):
    two = figures.two_draws({target: effects[target] for target in ("unpaired", "paired")})
    shown = numpy.asarray(two.axes[1].collections[0].get_offsets())
    assert shown == pytest.approx(effects["paired"][:2, :, 0].T)
    assert "nats" in two.axes[0].get_xlabel()
    numbers = table.loc[(table["depth"] == 1) & table["target"].isin(["unpaired"])]
    left, right = figures.averaged_draws(pandas.DataFrame(numbers)).axes
    (means,) = (container[0].get_ydata() for container in left.containers)
    (ceilings,) = (container[0].get_ydata() for container in right.containers)
    one = value(numbers, statistic="repeatability")
    assert means == pytest.approx([k * one / (1 + (k - 1) * one) for k in figures.DRAWS])
    assert ceilings == pytest.approx(numpy.sqrt(means))
    assert not plt.get_fignums()
