"""Removals gone a part of the way: each share's truth, the bend of the path, and the leverages of those removed."""

from dataclasses import replace

import numpy
import pytest
import torch

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import outcome_of
from influencelab.experiments.removal_path import RemovalPath

TRIAL = il.Trial(
    source=il.Iris(scaling="standard", train_size=30, test_size=5),
    task=il.MLP(weight_decay=1e-2, depth=1, width=2),
    trainer=il.Sequential(),
    estimators={"exact": il.Exact(), "newton_step": il.NewtonStep()},
)


@pytest.fixture(scope="module")
def outcome():
    return RemovalPath(TRIAL, shares=(0.01, 0.1)).run()


def test_a_small_share_does_its_share_of_the_predicted_effect(outcome):
    predicted = outcome.predicted["exact"]
    errors = {
        share: float((outcome.actual[f"warm/{share}"] - share * predicted).norm() / (share * predicted).norm())
        for share in (0.01, 0.1)
    }
    assert errors[0.01] < 0.05
    # First order misses a share of the share.
    assert errors[0.1] == pytest.approx(10 * errors[0.01], rel=0.5)


def test_the_bend_takes_most_of_what_is_missed_at_a_small_share(outcome):
    a, both = outcome.predicted["exact"], outcome.predicted["second_order"]
    truth = outcome.actual["warm/0.1"]
    missed = float((truth - 0.1 * a).norm())
    assert float((truth - 0.1 * a - 0.01 * (both - a)).norm()) < 0.3 * missed
    assert float((truth - 0.1 * a + 0.01 * (both - a)).norm()) > missed


def test_the_whole_way_is_the_trial_itself(outcome):
    alone = TRIAL.run()
    torch.testing.assert_close(outcome.actual["warm"], alone.actual["warm"], rtol=1e-6, atol=1e-12)


def test_leverages_are_of_the_removed_points_in_their_order():
    some = RemovalPath(replace(TRIAL, selections=(il.RandomPoints(count=4),)), shares=(0.5,)).run()
    every = RemovalPath(TRIAL, shares=(0.5,)).run()
    rows = [every.train_ids.tolist().index(point) for point in some.train_ids.tolist()]
    numpy.testing.assert_allclose(some.facts["leverages"], numpy.array(every.facts["leverages"])[rows], rtol=1e-9)
    assert 0 < min(every.facts["leverages"]) < max(every.facts["leverages"]) < 1


def test_a_path_survives_the_store(outcome):

    again = outcome_of(outcome.entry())
    assert set(again.actual) == {"warm", "warm/0.01", "warm/0.1"}


@pytest.mark.parametrize("shares", [(), (0.0,), (1.0,)])
def test_shares_lie_between_nothing_and_everything(shares):
    with pytest.raises(InvalidParameter, match="shares are"):
        RemovalPath(TRIAL, shares=shares)


def test_what_is_no_path_of_single_removals_is_refused():
    with pytest.raises(InvalidParameter, match="one target"):
        RemovalPath(replace(TRIAL, convention="renormalise"), shares=(0.5,))
