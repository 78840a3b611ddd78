"""Draws of retraining: what a seed changes, whose truth a prediction is held against, and what counts as noise."""

from dataclasses import replace

import numpy
import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.studies.retraining_noise import draws

QUICK = Bootstrap(resamples=50)


@pytest.fixture(scope="module")
def cell():
    """Four draws of a small network's retraining, all protocols."""
    trial = il.Trial(
        source=il.Digits(scaling="unit", labels=(0, 1), train_size=16, test_size=4),
        task=il.MLP(width=3, weight_decay=1e-3),
        trainer=il.SGD(learning_rate=0.05, batch_size=4, steps=12),
        estimators={"unrolled": il.Unrolled()},
    )
    trials = draws.draws({"one": trial}, {}, seeds=4, protocols=draws.PROTOCOLS)
    return [each.run() for each in trials.values()]


def test_a_seed_draws_start_and_batches_and_targets_follow_the_trainer():
    trial = il.Trial(
        source=il.Digits(),
        task=il.MLP(weight_decay=0.0),
        trainer=il.Adam(batch_size=8),
        estimators={"dot": il.GradientDot()},
    )
    rates = {"trainer.learning_rate": [0.1, 0.2]}
    found = draws.draws({"a": trial}, rates, seeds=2, protocols=("unpaired", "warm"))
    assert list(found) == [("a", 0.1, 0), ("a", 0.1, 1), ("a", 0.2, 0), ("a", 0.2, 1)]
    last = found["a", 0.2, 1]
    assert (last.seed, last.trainer.seed, last.trainer.learning_rate) == (1, 1, 0.2)
    assert last.targets["unpaired"] == il.Rerun(trainer=replace(last.trainer, paired=False), start="cold")
    assert last.targets["warm"] == il.Rerun(trainer=last.trainer, start="warm")


def test_published_effects_keep_what_going_on_does_to_the_control(cell):
    found = draws.noise(cell, bootstrap=QUICK)
    extra = found.draws["published"] - found.draws["warm"]
    for seed, outcome in enumerate(cell):
        expected = outcome.control["warm"].expand(16, 4).numpy()
        numpy.testing.assert_allclose(extra[seed], expected, rtol=1e-9, atol=1e-12)
    assert numpy.abs(extra).max() > 1e-3
    shares = [found.detected[name].value for name in ("paired", "unpaired")]
    assert found.gain.value == pytest.approx(shares[0] - shares[1])


def test_another_draw_is_predicted_worse_than_its_own(cell):
    scores = draws.draw_scores(draws.draw_tables(cell, "unrolled", "paired"), bootstrap=QUICK)
    assert scores["same"].value > 0.9
    assert scores["drop"].value == pytest.approx(scores["same"].value - scores["other"].value)
    assert scores["drop"].low > 0


def test_predictions_stay_and_truths_move_to_the_next_seed(cell):
    moved = draws.other_seeds(cell)
    for place, each in enumerate(moved):
        # Equal bits: copies.
        assert torch.equal(each.predicted["unrolled"], cell[place].predicted["unrolled"])
        assert torch.equal(each.actual["paired"], cell[(place + 1) % 4].actual["paired"])


def test_other_removals_are_refused(cell):
    other = replace(cell[0], train_ids=cell[0].train_ids + 1)
    with pytest.raises(InvalidData, match="other removals"):
        draws.against([cell[0]], [other])
    with pytest.raises(InvalidData, match="one of each"):
        draws.against(cell, cell[:1])


@pytest.mark.parametrize(
    ("interval", "distance"),
    [((0.1, -0.1, 0.3), 0.0), ((0.3, 0.1, 0.5), 0.1), ((-0.3, -0.5, -0.2), 0.2)],
)
def test_an_interval_stands_off_zero_by_its_nearer_end(interval, distance):
    assert draws.distance_from_zero(Measurement(*interval)).value == pytest.approx(distance)
