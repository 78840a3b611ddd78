"""Invented networks whose error is a known power of n, and removals whose warnings are known to be right or wrong."""

import numpy
import pandas
import pytest
import torch
from outcomes import outcome

from influencelab.experiments.removal_path import SECOND_ORDER
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find, tidy
from influencelab.studies.size_and_path import analysis
from influencelab.studies.size_and_path.claims import CLAIMS

WAY = Bootstrap(resamples=60)


def value(table, **where):
    """The one number with these settings."""
    number = find(table, where)
    assert number is not None
    return number.value


def powers(exponents, *, seeds=6, levels=(0.1, 0.2)):
    """A row a network whose error is level · (n / 1000)^−exponent, by estimator and depth, seeds a little apart."""
    rows = [
        {
            "arm": "size",
            "data": "digits",
            "target": "warm",
            "weight_decay": 1e-3,
            "estimator": estimator,
            "depth": depth,
            "train_size": n,
            "seed": seed,
            **dict.fromkeys(
                analysis.FALLING,
                (1 + 0.1 * seed) * levels[depth - 1] * (n / 1000) ** (-exponents[estimator][depth - 1]),
            ),
        }
        for estimator in analysis.ESTIMATORS
        for depth in (1, 2)
        for n in (60, 240, 1000)
        for seed in range(seeds)
    ]
    return pandas.DataFrame(rows)


def test_exponents_levels_and_what_depth_and_the_newton_step_do_to_them():
    table = tidy(analysis.size_rows(powers({"exact": (1.0, 0.7), "newton_step": (2.0, 1.5)}), bootstrap=WAY))
    check_tidy(table)
    expected = {
        ("exact", 1, "relative_error_exponent"): 1.0,
        ("exact", 2, "pearson_exponent"): 0.7,
        ("newton_step", 2, "relative_error_exponent"): 1.5,
        ("newton_step", 1, "relative_error_exponent_gain"): 1.0,
        ("newton_step", 2, "relative_error_exponent_gain"): 0.8,
        ("exact", None, "relative_error_exponent_per_layer"): -0.3,
    }
    for (estimator, depth, statistic), wanted in expected.items():
        assert value(table, estimator=estimator, depth=depth, statistic=statistic) == pytest.approx(wanted, abs=1e-9)
    level = find(table, {"estimator": "exact", "depth": 2, "statistic": "pearson_level"})
    assert level is not None
    # The geometric mean of what the seeds have.
    assert level.value == pytest.approx(0.2 * numpy.prod([1 + 0.1 * seed for seed in range(6)]) ** (1 / 6))
    assert level.interval is not None
    assert level.interval[0] < level.value < level.interval[1]


def walked(seed, *, left=(), minimum=True):
    """A path of four removals: of two first order is right, of two it is 4 times too small, which the bend says."""
    first = numpy.random.default_rng(seed).normal(size=(4, 3))
    bend = first * numpy.array([[0.02], [0.02], [3.0], [3.0]])
    return outcome(
        {"exact": first, SECOND_ORDER: first + bend},
        {"warm": first + bend, "warm/0.1": 0.1 * first + 0.01 * bend},
        trusted=~numpy.isin(numpy.arange(4), left),
        facts={"leverages": [0.6, 0.1, 0.8, 0.1], "fit_converged": minimum},
    )


@pytest.fixture(scope="module")
def removals():
    outcomes = {
        ("path", 30, depth, 1e-2, seed): walked(seed, left=[3] * (depth - 1)) for depth in (1, 2) for seed in range(5)
    }
    return analysis.removals(outcomes, [0.1])


def test_errors_and_warnings_of_each_removal_are_what_they_are_by_hand(removals):
    whole = removals.loc[(removals["share"] == 1) & (removals["seed"] == 0) & (removals["depth"] == 1)]
    assert whole["error"].tolist() == pytest.approx([0.02 / 1.02] * 2 + [0.75] * 2)
    assert whole[SECOND_ORDER].tolist() == pytest.approx(whole["error"].tolist())
    assert whole["second_order_error"].max() < 1e-12
    assert whole["leverage"].tolist() == pytest.approx([1.5, 1 / 9, 4.0, 1 / 9])
    part = removals.loc[(removals["share"] == 0.1) & (removals["seed"] == 0) & (removals["depth"] == 1)]
    assert part["error"].tolist() == pytest.approx([0.002 / 1.002] * 2 + [0.3 / 1.3] * 2)


def test_a_warning_that_is_right_catches_all_and_leverage_that_is_not_half(removals):
    table = tidy(analysis.path_rows(analysis.ways(removals), data="iris", bootstrap=WAY))
    check_tidy(table)
    at = {"share": 1.0, "weight_decay": 1e-2, "depth": None}
    expected = {
        (SECOND_ORDER, "sensitivity"): 1.0,
        (SECOND_ORDER, "specificity"): 1.0,
        (SECOND_ORDER, "auc"): 1.0,
        ("leverage", "sensitivity"): 0.5,
        ("leverage", "specificity"): 0.5,
        ("leverage", "auc"): 0.625,
        (None, "auc_gain"): 0.375,
        (None, "left_basin_per_layer"): 0.25,
    }
    for (estimator, statistic), wanted in expected.items():
        assert value(table, **at, estimator=estimator, statistic=statistic) == pytest.approx(wanted)
    for depth, left in ((1, 0.0), (2, 0.25)):
        assert value(table, **at | {"depth": depth}, statistic="left_basin") == pytest.approx(left)


def test_a_model_that_did_not_converge_is_no_truth():
    held = walked(0)
    held.converged["warm"][1] = False
    found = analysis.removals({("path", 30, 1, 1e-2, 0): held}, [0.1])
    assert found.loc[found["share"] == 1, "train_id"].tolist() == [0, 2, 3]
    assert analysis.removals({("path", 30, 1, 1e-2, 0): walked(0, minimum=False)}, [0.1]).empty


def test_without_a_part_its_numbers_are_left_out():
    nothing = analysis.removals({}, [0.1])
    assert analysis.measurements([], pandas.DataFrame(), analysis.ways(nothing), path_data="iris", bootstrap=WAY).empty


def test_the_end_of_the_way_is_all_that_an_explorer_compares():
    assert set(analysis.whole({("path",): walked(0)})[("path",)].actual) == {"warm"}
    assert torch.is_tensor(walked(0).actual["warm"])


def test_claims_speak_of_this_study():
    assert {claim.study for claim in CLAIMS} == {"size_and_path"}
