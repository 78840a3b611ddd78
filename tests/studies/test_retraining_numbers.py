"""The numbers of a study of retraining's noise: each under its name, single points under `one`."""

import numpy
import pytest
from outcomes import resampled

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


def test_every_number_of_the_noise_is_there_for_every_setting():
    found = numbers.whole({"1/0.001": noise(0.2), "2/0.01": noise(0.4)}, {}, {}, {})
    names = {
        f"noise/{arm}/{name}/{setting}"
        for arm in NOISE_ARMS
        for name in ("detected", "repeatability", "draws_needed")
        for setting in ("1/0.001", "2/0.01")
    }
    assert set(found) == names | {"noise/gain/1/0.001", "noise/gain/2/0.01"}
    assert found["noise/gain/2/0.01"].value == 0.2
    assert found["noise/unpaired/detected/1/0.001"].value == pytest.approx(0.21)
    assert found["noise/warm/repeatability/1/0.001"].value == pytest.approx(0.3)
    # 0.8 (1 − 0.3) / (0.3 (1 − 0.8)) of Spearman and Brown; the ends change places.
    needed = found["noise/warm/draws_needed/1/0.001"]
    assert (needed.value, needed.low, needed.high) == pytest.approx((28 / 3, 8 / 3, 36))


def test_scores_and_repeats_are_named_by_share_and_the_least_is_a_single_point():
    scores = {("influence", "paired"): GROUPS, ("unrolled", "unpaired"): {0.01: GROUPS[0.01]}}
    found = numbers.whole({}, scores, {"paired": {0.002: GROUPS[0.01], 0.5: GROUPS[0.5]}}, {})
    assert {name: number.value for name, number in found.items()} == pytest.approx(
        {
            "groups/paired/influence/spearman/one": 0.1,
            "groups/paired/influence/spearman/0.01": 0.3,
            "groups/paired/influence/spearman/0.5": 0.8,
            "groups/paired/influence/stands_off/one": 0.1,
            "groups/unpaired/unrolled/spearman/one": 0.3,
            "groups/unpaired/unrolled/stands_off/one": 0.3,
            "groups/paired/repeatability/one": 0.3,
            "groups/paired/repeatability/0.5": 0.8,
        }
    )
    assert found["groups/paired/influence/spearman/0.5"].n == 6


def test_what_stands_off_says_how_little_it_could_have_told():
    number = distance_from_zero(resampled(0.1, -0.2, 0.4))
    assert (number.value, number.interval, number.n) == (0.0, None, 4)
    assert "interval of 0.100" in number.note
    assert number.note.endswith("half-width 0.3")


def test_what_is_known_of_the_derivative_is_named_by_run():
    runs = {"sgd/1/0.01": {"same": resampled(0.9, 0.8, 1.0), "drop": resampled(0.2, 0.1, 0.3)}, "adam_by_sgd": {}}
    found = numbers.whole({}, {}, {}, runs)
    assert {name: (each.value, each.interval) for name, each in found.items()} == {
        "unrolled/sgd/1/0.01/same": (0.9, (0.8, 1.0)),
        "unrolled/sgd/1/0.01/drop": (0.2, (0.1, 0.3)),
    }
