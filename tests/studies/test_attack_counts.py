"""Flips of attacks are counted as by hand, and their shares have intervals that are sure of nothing."""

import math

import numpy
import pandas
import pytest
import scipy.stats
import torch

import influencelab as il
from influencelab.statistics.measurements import find
from influencelab.studies.training_set_attack import analysis
from influencelab.studies.training_set_attack.truth import below


def invented() -> pandas.DataFrame:
    """Ten test pictures: four flip by the first picture, one more by the second, two more by both."""
    rows = []
    for test in range(10):
        for arm in ("published", "random"):
            flips = [test < 4, test == 4, test in (5, 6)] if arm == "published" else [test == 9, False, False]
            for attempt, flipped in enumerate(flips):
                number = {"loss_before": 0.1, "loss_after": 0.9 if flipped else 0.2, "deviation": 0.4}
                rows.append(
                    {
                        "data": "digits",
                        "arm": arm,
                        "budget": 2 if attempt == 2 else 1,
                        "attempt": attempt,
                        "test": test,
                        "flipped": flipped,
                        "trusted": True,
                        "file_deviation": 0.0,
                        **number,
                        "transferred": test % 2 == 0 if test else None,
                    }
                )
                if flipped:
                    break
    return pandas.DataFrame(rows)


def test_shares_are_counted_by_hand():
    table = analysis.flips(invented(), bootstrap=il.Bootstrap(resamples=60))

    def number(**where):
        found = find(table, where)
        assert found is not None
        return found

    one = number(estimator="published", budget=1, statistic="flip_rate")
    assert (one.value, one.n) == (0.5, 10)
    z = 1.959963984540054
    half = z * math.sqrt(0.5 * 0.5 / 10 + z * z / 400) / (1 + z * z / 10)
    assert one.ends == pytest.approx((0.5 - half, 0.5 + half), rel=1e-6)
    assert number(estimator="published", budget=2, statistic="flip_rate").value == 0.7
    assert number(estimator="random", budget=1, statistic="flip_rate").value == 0.1
    assert number(estimator="published", budget=2, rival="random", statistic="ahead").value == pytest.approx(0.6)
    ratio = number(estimator="published", budget=1, rival="random", statistic="times")
    assert ratio.value == pytest.approx(5.5 / 1.5)
    spread = math.exp(z * math.sqrt(1 / 5.5 + 1 / 1.5 - 2 / 10.5))
    assert ratio.ends == pytest.approx((ratio.value / spread, ratio.value * spread))
    # Seven flip; of the first it is not known, and of the others three have even numbers.
    assert number(estimator="published", statistic="transfer_rate").value == pytest.approx(3 / 6)
    falls = [-math.log(math.expm1(0.1)) + math.log(math.expm1(each)) for each in [0.9] * 4 + [0.2] * 6]
    fall = number(estimator="published", statistic="log_odds_fall")
    assert fall.value == pytest.approx(numpy.mean(falls))


def test_a_difference_of_shares_has_newcombes_interval_and_is_not_sure_of_nothing():
    found = analysis.ahead(56, 48, 70)
    one, two = (scipy.stats.binomtest(count, 70).proportion_ci(method="wilson") for count in (56, 48))
    p, q = 56 / 70, 48 / 70
    wanted = p - q - math.hypot(p - one.low, two.high - q), p - q + math.hypot(one.high - p, q - two.low)
    assert found.ends == pytest.approx(wanted)
    assert analysis.ahead(0, 0, 40).half_width > 0.05


def test_a_place_among_others_counts_ties_by_half():
    score = torch.tensor([1.0, 2.0, 2.0, 3.0, 0.0])
    assert below(score, 1) == pytest.approx((2 + 0.5) / 4)
    assert below(score, 3) == 1
