"""The numbers of a study of retraining's noise: each a row by its settings, single points without a share."""

import numpy
import pytest
from outcomes import resampled

from influencelab.statistics.measurements import check_tidy, find, records
from influencelab.statistics.replicates import Replicates
from influencelab.studies.retraining_noise import numbers
from influencelab.studies.retraining_noise.draws import NOISE_ARMS, Noise, distance_from_zero

GROUPS = {share: Replicates(numpy.full((3, 2), value)) for share, value in ((0.002, 0.1), (0.01, 0.3), (0.5, 0.8))}


def noise(size):
    """Every arm with numbers of its own."""
    arms = list(NOISE_ARMS)
    return Noise(
        draws={arm: numpy.zeros((2, 3, 1)) for arm in arms},
        detected={arm: resampled(size + place / 100, 0.0, 1.0) for place, arm in enumerate(arms)},
        repeats={arm: resampled(0.5 - place / 10, 0.1, 0.6) for place, arm in enumerate(arms)},
        gain=resampled(size / 2, 0.0, 1.0),
    )


def value(table, **where):
    """The one number with these settings."""
    number = find(table, where)
    assert number is not None
    return number.value


def test_every_number_of_the_noise_is_there_for_every_setting():
    found = numbers.measurements({(1, 0.001): noise(0.2), (2, 0.01): noise(0.4)}, {}, {}, {}, {})
    check_tidy(found)
    assert len(found) == 2 * (1 + 3 * len(NOISE_ARMS))
    assert value(found, depth=2, learning_rate=0.01, statistic="detection_gain") == 0.2
    one = {"part": "noise", "depth": 1, "learning_rate": 0.001}
    assert value(found, **one, target="unpaired", statistic="detected") == pytest.approx(0.21)
    assert value(found, **one, target="warm", statistic="repeatability") == pytest.approx(0.3)
    # 0.8 (1 − 0.3) / (0.3 (1 − 0.8)) of Spearman and Brown; the ends change places.
    needed = find(found, {**one, "target": "warm", "statistic": "draws_needed"})
    assert needed is not None
    assert (needed.value, needed.low, needed.high) == pytest.approx((28 / 3, 8 / 3, 36))


def test_scores_and_repeats_have_the_share_of_a_group_and_none_where_it_is_the_least_a_single_point():
    scores = {("influence", "paired"): GROUPS, ("unrolled", "unpaired"): {0.01: GROUPS[0.01]}}
    found = numbers.measurements({}, scores, {"paired": {0.002: GROUPS[0.01], 0.5: GROUPS[0.5]}}, {}, {})
    names = ["target", "estimator", "share", "statistic", "value"]
    assert [tuple(line[name] for name in names) for line in records(found)] == [
        ("paired", "influence", None, "spearman", pytest.approx(0.1)),
        ("paired", "influence", 0.01, "spearman", pytest.approx(0.3)),
        ("paired", "influence", 0.5, "spearman", pytest.approx(0.8)),
        ("paired", "influence", None, "distance_from_zero", pytest.approx(0.1)),
        ("unpaired", "unrolled", None, "spearman", pytest.approx(0.3)),
        ("unpaired", "unrolled", None, "distance_from_zero", pytest.approx(0.3)),
        ("paired", None, None, "repeatability", pytest.approx(0.3)),
        ("paired", None, 0.5, "repeatability", pytest.approx(0.8)),
    ]
    assert found["n"][2] == 6


def test_what_stands_off_says_how_little_it_could_have_told():
    number = distance_from_zero(resampled(0.1, -0.2, 0.4))
    assert (number.value, number.interval, number.n) == (0.0, None, 4)
    assert "interval of 0.100" in number.note
    assert number.note.endswith("half-width 0.3")


def test_every_score_of_a_derivative_is_one_row_of_its_run():
    scores = {"same": resampled(0.9, 0.8, 1.0), "other": resampled(0.7, 0.6, 0.8), "drop": resampled(0.2, 0.1, 0.3)}
    runs = {("sgd", 1, 0.01): scores, ("sgd", 1, 0.01, 0.05): scores, ("adam", 1, 0.01): scores}
    foreign = {"foreign": resampled(0.4, 0.3, 0.5), "loss": resampled(0.5, 0.4, 0.6)}
    found = numbers.measurements({}, {}, {}, runs, {("adam", "sgd"): foreign})
    check_tidy(found)
    assert len(found) == 3 * 3 + 2
    assert value(found, part="unrolled", optimiser="sgd", share=None, draw="same", statistic="spearman") == 0.9
    assert value(found, part="unrolled", optimiser="sgd", share=0.05, draw="other", statistic="spearman") == 0.7
    assert value(found, part="unrolled", optimiser="adam", statistic="drop") == 0.2
    assert value(found, optimiser="adam", derivative_of="sgd", statistic="spearman") == 0.4
    assert value(found, optimiser="adam", derivative_of="sgd", statistic="drop") == 0.5
