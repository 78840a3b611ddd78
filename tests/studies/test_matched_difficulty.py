"""Invented networks of a known error by depth and covariate: what is paired, what is left of depth and left out."""

from dataclasses import replace

import numpy
import pandas
import pytest
from outcomes import network

import influencelab as il
from influencelab.experiments.matched_trial import MatchedTrial
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find, tidy
from influencelab.studies.matched_difficulty import analysis
from influencelab.studies.matched_difficulty.claims import CLAIMS

WAY = Bootstrap(resamples=60)
TRIAL = il.Trial(il.Iris(), il.MLP(weight_decay=1e-2), il.Sequential(), {"exact": il.Exact()})


def made(seed, *, matching=None):
    """An invented network with the facts that this study reads."""
    held = network(seed)
    own = {"n": 130, "train_loss": 0.1, "effective_dimension": 13.0 + seed, "largest_leverage": 0.5 + 0.01 * seed}
    return replace(held, facts=held.facts | own | ({"matching": matching} if matching else {}))


def value(table, **where):
    """The one number with these settings."""
    number = find(table, where)
    assert number is not None
    return number.value


@pytest.fixture(scope="module")
def outcomes():
    found = {}
    for arm, depth, seed in ((arm, depth, seed) for arm in analysis.ARMS for depth in (1, 2) for seed in range(6)):
        matched = arm != "unmatched" and depth > 1
        matching = {"weight_decay": 0.02, "matched": seed != 5} if matched else None
        found[arm, depth, 5, 1e-2, seed] = made(seed + 10 * depth, matching=matching)
    return found


def test_measurements_are_tidy_and_leave_out_what_was_not_matched(outcomes):
    cells = analysis.cells(outcomes, data="iris")
    networks = analysis.networks(cells)
    table = analysis.measurements(cells, networks, bootstrap=WAY)
    check_tidy(table)
    at = {"arm": "train_loss", "depth": 2}
    assert value(table, **at, statistic="matched") == pytest.approx(5 / 6)
    assert value(table, **at, statistic="mean_own_decay") == pytest.approx(0.02)
    alone = networks.query("arm == 'unmatched' and depth == 2 and seed < 5")["pearson"].mean()
    assert value(table, **at, statistic="pearson") == pytest.approx(alone)
    # The same invented networks stand in both arms.
    assert value(table, **at, statistic="pearson_gain") == pytest.approx(0, abs=1e-12)


def test_what_is_left_of_depth_is_what_the_covariates_do_not_explain():
    generator, rows = numpy.random.default_rng(0), []
    for depth in (1, 2, 4, 8):
        for seed in range(10):
            share, leverage = 0.05 * depth + 0.1 * generator.random(), generator.random()
            error = 2 * share + 0.3 * leverage
            rows.append(
                {
                    "arm": "unmatched",
                    "weight_decay": 1e-2,
                    "data": "iris",
                    "width": 5,
                    "depth": depth,
                    "estimator": "exact",
                    "target": "warm",
                    "seed": seed,
                    "relative_error": 10**error,
                    "pearson": 1 - 0.05 * depth,
                    "effective_share": share,
                    "largest_leverage": leverage,
                    "log_smallest_curvature": generator.normal(),
                    "left_basin": 0.0,
                }
            )
    table = tidy(analysis.depth_rows(pandas.DataFrame(rows), bootstrap=WAY))
    assert value(table, statistic="log_error_of_depth") == pytest.approx(0.1, abs=0.02)
    assert value(table, statistic="log_error_of_depth_held") == pytest.approx(0, abs=1e-9)
    assert value(table, statistic="pearson_of_depth") == pytest.approx(-0.05)
    # A covariate that is the same for all is no column.
    assert find(table, {"statistic": "log_error_of_left_basin"}) is None


def test_one_layer_is_the_same_trial_in_every_arm_and_every_seed_its_own_split():
    found = analysis.trials(TRIAL, depths=[1, 2], decays=[1e-2, 1e-3], seeds=2, tolerance=0.05)
    assert len(found) == 3 * 2 * 2 * 2
    key = (1, 16, 1e-3, 1)
    assert len({repr(found[(arm, *key)]) for arm in analysis.ARMS}) == 1
    deeper = found["train_loss", 2, 16, 1e-3, 1]
    assert isinstance(deeper, MatchedTrial)
    assert (deeper.measure, deeper.tolerance, deeper.trial.source.seed, deeper.trial.seed) == ("train_loss", 0.05, 1, 1)
    assert deeper.trial.task.weight_decay == 1e-3


def test_what_retrains_on_demand_has_the_weight_decay_that_was_found():
    plain, matched = ("plain",), ("matched",)
    held = {plain: made(0), matched: made(1, matching={"weight_decay": 0.5, "matched": True})}
    found = analysis.at_their_decays({plain: TRIAL, matched: MatchedTrial(TRIAL)}, held)
    assert (found[plain].task.weight_decay, found[matched].task.weight_decay) == (1e-2, 0.5)


def test_claims_speak_of_this_study():
    assert {claim.study for claim in CLAIMS} == {"matched_difficulty"}
