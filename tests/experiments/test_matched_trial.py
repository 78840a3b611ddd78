"""Weight decay searched for until a measure is that of a shallower network: what is matched, and what is not."""

import math
from dataclasses import replace

import pytest

import influencelab as il
from influencelab.errors import InvalidParameter
from influencelab.experiments.matched_trial import MEASURES, MatchedTrial, Search

TRIAL = il.Trial(
    source=il.Iris(scaling="standard", train_size=30, test_size=5),
    task=il.MLP(weight_decay=1e-2, depth=2, width=2),
    trainer=il.Sequential(),
    estimators={"exact": il.Exact(allow_unconverged=True)},
    selections=(il.RandomPoints(count=3),),
)


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["train_loss", "effective_dimension"])
def test_the_deeper_network_is_as_hard_as_the_shallower_one(measure):
    recipe = MatchedTrial(TRIAL, measure=measure)
    outcome = recipe.run()
    found, shallow = outcome.facts["matching"], replace(TRIAL, task=replace(TRIAL.task, depth=1))
    assert found["matched"]
    # By a plain trial of either network, which knows nothing of a search.
    alone = replace(TRIAL, task=replace(TRIAL.task, weight_decay=found["weight_decay"])).run()
    assert alone.facts[measure] == pytest.approx(shallow.run().facts[measure], rel=0.021)
    assert outcome.facts[measure] == pytest.approx(found["reached"], rel=1e-9)
    # And it was not so from the beginning, or any weight decay would do.
    assert abs(math.log(TRIAL.run().facts[measure] / found["goal"])) > 0.02


def test_at_its_own_depth_nothing_is_searched():
    found = MatchedTrial(replace(TRIAL, task=replace(TRIAL.task, depth=1))).run().facts["matching"]
    assert (found["weight_decay"], found["matched"], found["fits"]) == (pytest.approx(1e-2), True, 1)


def invented(monkeypatch, measure_of):
    """A search whose measure is a function of weight decay, 1 at the goal."""
    recipe = MatchedTrial(TRIAL, tolerance=0.01)
    search = Search(recipe, TRIAL.source.load())
    monkeypatch.setattr(search, "measured", lambda **changed: measure_of(changed.get("weight_decay")))
    search.__dict__["goal"] = 1.0
    return search


@pytest.mark.parametrize("factor", [0.2, 3.0, 40.0])
def test_a_smooth_measure_is_met_wherever_the_goal_lies(monkeypatch, factor):
    search = invented(monkeypatch, lambda decay: (decay / (1e-2 * factor)) ** 0.7)
    assert search.found() == pytest.approx(1e-2 * factor, rel=0.02)


def test_a_measure_that_jumps_over_the_goal_is_left_at_its_nearest_side(monkeypatch):
    search = invented(monkeypatch, lambda decay: 0.5 if decay < 0.03 else 1.2)
    decay = search.found()
    assert decay >= 0.03
    assert search.seen[decay] == pytest.approx(math.log(1.2))


def test_a_network_that_collapsed_has_nothing_to_match_and_ends_no_search(monkeypatch):
    """Its effective dimension is 0 up to rounding, which may be below."""
    monkeypatch.setitem(MEASURES, "effective_dimension", lambda fitted: -1e-17)
    search = Search(MatchedTrial(TRIAL, measure="effective_dimension"), TRIAL.source.load())
    search.__dict__["goal"] = 5.0
    assert search.measured() > 0
    assert search.away(-2.0) < -20


def test_an_unknown_measure_and_no_tolerance_are_refused():
    with pytest.raises(InvalidParameter, match="measure is 'loss'"):
        MatchedTrial(TRIAL, measure="loss")
    with pytest.raises(InvalidParameter, match="tolerance"):
        MatchedTrial(TRIAL, tolerance=0)
