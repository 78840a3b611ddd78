"""A run's derivative and the draws it is compared with: its own, the next seed's, and another optimiser's."""

from dataclasses import replace

import numpy
import pytest
import torch
from scipy import stats

import influencelab as il
from influencelab.errors import InvalidData
from influencelab.experiments.replication import seed_means
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find
from influencelab.studies.unrolled_derivative import analysis

QUICK = Bootstrap(resamples=50)
RUN = ("sgd", 1, 0.05, None)


@pytest.fixture(scope="module")
def cell():
    """Five draws of a small network's retraining."""
    trial = il.Trial(
        source=il.Digits(scaling="unit", labels=(0, 1), train_size=16, test_size=4),
        task=il.MLP(width=3, weight_decay=1e-3),
        trainer=il.SGD(learning_rate=0.05, batch_size=4, steps=12),
        estimators={"unrolled": il.Unrolled()},
    )
    return [each.run() for each in il.seeded_trials({"sgd": trial}, {}, seeds=5, protocols=("paired",)).values()]


def value(table, **where):
    """The one number with these settings."""
    number = find(table, where)
    assert number is not None
    return number.value


def test_predictions_stay_and_retraining_is_that_of_the_next_seed(cell):
    moved = analysis.crossed(cell, [*cell[1:], cell[0]])
    for place, each in enumerate(moved):
        # Equal bits: copies.
        assert torch.equal(each.predicted["unrolled"], cell[place].predicted["unrolled"])
        assert torch.equal(each.actual["paired"], cell[(place + 1) % 5].actual["paired"])


def test_other_removals_or_numbers_are_refused(cell):
    other = replace(cell[0], train_ids=cell[0].train_ids + 1)
    with pytest.raises(InvalidData, match="removals"):
        analysis.crossed([cell[0]], [other])
    with pytest.raises(InvalidData, match="number"):
        analysis.crossed(cell, cell[:1])


def test_one_draw_alone_has_no_other(cell):
    with pytest.raises(InvalidData, match="draws"):
        analysis.draws({RUN: cell[:1]})


def test_another_draw_is_predicted_worse_than_its_own(cell):
    table = analysis.measurements(analysis.draws({RUN: cell, (*RUN[:3], 0.5): cell}), bootstrap=QUICK)
    check_tidy(table)
    assert len(table) == 2 * (2 * 4 + 2)
    run = {"optimiser": "sgd", "depth": 1, "learning_rate": 0.05, "share": None}
    own, other = (value(table, **run, draw=draw, statistic="spearman") for draw in ("same", "other"))
    drop = find(table, {**run, "statistic": "drop"})
    assert own > 0.9
    assert drop is not None
    assert drop.value == pytest.approx(own - other)
    assert drop.low > 0
    assert value(table, **run, statistic="repeatability") < own


def test_another_optimiser_is_compared_on_the_own_retraining(cell):
    reversed_scores = [replace(each, predicted={"unrolled": -each.predicted["unrolled"]}) for each in cell]
    table = analysis.mismatch(cell, reversed_scores, bootstrap=QUICK)
    own = value(analysis.measurements(analysis.draws({RUN: cell}), bootstrap=QUICK), draw="same", statistic="spearman")
    where = {"optimiser": "adam", "derivative_of": "sgd"}
    assert value(table, **where, statistic="spearman") == pytest.approx(-own)
    assert value(table, **where, statistic="drop") == pytest.approx(2 * own)
    pairs = [(each.predicted["unrolled"].numpy(), each.actual["paired"].numpy()) for each in cell]
    wanted = [stats.linregress(-x[:, j], y[:, j]).slope for x, y in pairs for j in range(x.shape[1])]
    assert value(table, **where, statistic="slope") == pytest.approx(numpy.mean(wanted))


def test_rows_and_dots_have_one_legend_and_one_title(cell):
    parts = analysis.draws({RUN: cell, ("adam", 4, 0.001, None): cell})
    for table in (analysis.measurements(parts, bootstrap=QUICK), seed_means(parts)):
        words = analysis.in_words(table)
        assert set(words["run"]) == {"SGD, momentum 0.9, 1 hidden layer", "Adam, 4 hidden layers"}
        assert {"unrolled, its own draw", analysis.REPEATS} <= set(words["score"])
        assert not words["score"].isna().any()
