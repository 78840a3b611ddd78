"""Each selection looks at the removals that it says, at every test point or at some, and refuses what is not there."""

import pytest
import torch
from small_trial import TRIAL

from influencelab.errors import InvalidParameter
from influencelab.experiments.selections.everything import Everything
from influencelab.experiments.selections.highest_loss import HighestLoss
from influencelab.experiments.selections.percentile import Percentile
from influencelab.experiments.selections.random_points import RandomPoints
from influencelab.experiments.selections.top import Top
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.random import Random
from influencelab.training.fit import fit


def test_top_takes_the_largest_sizes_of_each_test_point():
    fitted = fit(TRIAL.task, TRIAL.source.load(), TRIAL.trainer)
    estimate = Exact().estimate(fitted)
    pairs = Top(count=7).pairs(estimate)
    assert pairs.sum(0).tolist() == [7] * 4
    for j in range(4):
        size = estimate.values[:, j].abs()
        assert size[pairs[:, j]].min() > size[~pairs[:, j]].max()
    one = Top(count=7, tests=(2,)).pairs(estimate)
    assert torch.equal(one[:, 2], pairs[:, 2])
    assert int(one.sum()) == 7


def test_random_points_are_the_same_for_every_test_point_and_repeat():
    estimate = Random().estimate(fit(TRIAL.task, TRIAL.source.load(), TRIAL.trainer))
    pairs = RandomPoints(count=20, seed=3).pairs(estimate)
    assert torch.equal(pairs, pairs[:, :1].expand(-1, 4))
    assert int(pairs[:, 0].sum()) == 20
    assert torch.equal(pairs, RandomPoints(count=20, seed=3).pairs(estimate))
    assert not torch.equal(pairs, RandomPoints(count=20, seed=4).pairs(estimate))
    assert Everything().pairs(estimate).all()


@pytest.mark.parametrize(
    "selection",
    [
        Top(count=61),
        Top(count=0),
        RandomPoints(count=61),
        RandomPoints(count=0),
        HighestLoss(count=61),
        Percentile(count=61),
    ],
)
def test_more_points_than_there_are_are_refused(selection):
    estimate = Random().estimate(fit(TRIAL.task, TRIAL.source.load(), TRIAL.trainer))
    with pytest.raises(InvalidParameter, match="expected 1 … 60"):
        selection.pairs(estimate)


def test_highest_loss_takes_the_worst_fitted_points_on_the_worst_predicted_tests():
    fitted = fit(TRIAL.task, TRIAL.source.load(), TRIAL.trainer)
    estimate = Random().estimate(fitted)
    losses = fitted.task.losses(fitted.theta, fitted.data.x_train, fitted.data.y_train)
    pairs = HighestLoss(count=6, tests=1).pairs(estimate)
    assert pairs.sum(0).nonzero().flatten().tolist() == [int(fitted.measures().argmax())]
    rows = pairs.any(1)
    assert int(rows.sum()) == 6
    assert losses[rows].min() > losses[~rows].max()
    assert torch.equal(HighestLoss(count=6, tests=0).pairs(estimate), rows[:, None].expand(-1, 4))


def test_a_percentile_takes_as_many_smaller_points_as_it_says():
    estimate = Exact().estimate(fit(TRIAL.task, TRIAL.source.load(), TRIAL.trainer))
    pairs = Percentile(count=10, percentile=30).pairs(estimate)
    assert pairs.sum(0).tolist() == [10] * 4
    for j in range(4):
        size = estimate.values[:, j].abs()
        below = int((size < size[pairs[:, j]].min()).sum())
        assert below == round(0.3 * 59 - 4.5)
        assert int((size > size[pairs[:, j]].max()).sum()) == 60 - 10 - below
    assert torch.equal(Percentile(count=10, percentile=100).pairs(estimate), Top(count=10).pairs(estimate))


@pytest.mark.parametrize("tests", [(4,), (-1,)])
def test_a_test_point_that_is_not_there_is_refused(tests):
    estimate = Random().estimate(fit(TRIAL.task, TRIAL.source.load(), TRIAL.trainer))
    with pytest.raises(InvalidParameter, match="expected positions in 0 … 3"):
        Top(count=1, tests=tests).pairs(estimate)
