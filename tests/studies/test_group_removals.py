"""Agreement with retraining without groups and single points: each number a row, single points without a share."""

import numpy
import pytest
from outcomes import outcome, resampled

from influencelab.experiments.replication import replicate_table, seed_means
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import check_tidy, find, records
from influencelab.studies.group_removals import analysis

TABLE = numpy.random.default_rng(0).normal(size=(9, 2))


def drawn(single):
    """An estimator that is right, one that is wrong way round, and targets that repeat or turn round with the seed."""
    return [
        outcome(
            {"right": TABLE, "wrong": -TABLE},
            {"paired": TABLE, "unpaired": TABLE * sign},
            facts={"single": single},
        )
        for sign in (1, -1, 1)
    ]


@pytest.fixture(scope="module")
def parts():
    return analysis.agreement({("one point",): drawn(True), ("0.5",): drawn(False)})


def test_scores_and_repeats_have_the_share_of_a_group_and_none_for_single_points(parts):
    table = analysis.measurements(parts, bootstrap=Bootstrap(resamples=50))
    check_tidy(table)
    for share in (None, 0.5):
        expected = {("right", "paired"): 1, ("wrong", "paired"): -1, ("right", "unpaired"): 1 / 3}
        for (estimator, target), score in expected.items():
            number = find(table, {"share": share, "estimator": estimator, "target": target, "statistic": "spearman"})
            assert number is not None
            assert (number.value, number.n) == (pytest.approx(score), 6)
        for target, repeats in (("paired", 1), ("unpaired", -1)):
            number = find(table, {"share": share, "target": target, "statistic": "repeatability"})
            assert number is not None
            assert (number.value, number.n) == (pytest.approx(repeats), 2)  # the third draw has no partner
    distances = [line for line in records(table) if line["statistic"] == "distance_from_zero"]
    assert {(line["estimator"], line["target"], line["share"]) for line in distances} == {
        (estimator, target, None) for estimator in ("right", "wrong") for target in ("paired", "unpaired")
    }
    assert len(table) == 2 * (4 * 4 + 2) + 4


def test_every_mean_follows_from_what_is_kept(parts):
    kept, table = replicate_table(parts), analysis.measurements(parts, bootstrap=Bootstrap(resamples=50))
    names = ["share", "target", "estimator", "statistic"]
    kept["estimator"] = kept["estimator"].astype(object).fillna("none")
    means = kept.fillna({"share": -1.0}).groupby(names, observed=True)["value"].mean()
    lines = [line for line in records(table) if line["statistic"] != "distance_from_zero"]
    assert len(means) == len(lines)
    for line in lines:
        key = (-1.0 if line["share"] is None else line["share"], line["target"], line["estimator"] or "none")
        assert line["value"] == pytest.approx(means[(*key, line["statistic"])], nan_ok=True, rel=1e-6, abs=1e-7)


def test_every_seed_has_a_dot_for_every_mean(parts):
    dots = seed_means(parts)
    own = dots.query("statistic == 'spearman' and estimator == 'right' and target == 'unpaired' and share == 0.5")
    assert own["value"].tolist() == pytest.approx([1, -1, 1])


@pytest.mark.parametrize(
    ("interval", "distance"),
    [((0.1, -0.1, 0.3), 0.0), ((0.3, 0.1, 0.5), 0.1), ((-0.3, -0.5, -0.2), 0.2)],
)
def test_an_interval_is_as_far_from_zero_as_its_nearer_end(interval, distance):
    assert analysis.distance_from_zero(Measurement(*interval)).value == pytest.approx(distance)


def test_a_distance_says_how_wide_the_interval_was():
    number = analysis.distance_from_zero(resampled(0.1, -0.2, 0.4))
    assert (number.value, number.interval, number.n) == (0.0, None, 4)
    assert "interval of 0.100" in number.note
    assert number.note.endswith("half-width 0.3")
