"""A grid holds every arm at every setting with every seed, and a cell what differs in nothing but the seed."""

import pytest
from small_trial import TRIAL
from torch import equal

from influencelab.errors import InvalidParameter
from influencelab.experiments.grid import cells, grid, with_setting
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_grid

SETTINGS = {"task.weight_decay": (0.3, 0.5), "seed": (0, 1, 2)}


def test_a_grid_is_every_combination_in_order():
    arms = {"one": TRIAL, "two": with_setting(TRIAL, "convention", "renormalise")}
    found = grid(arms, SETTINGS)
    assert list(found) == [(arm, decay, seed) for arm in arms for decay in (0.3, 0.5) for seed in (0, 1, 2)]
    assert found["two", 0.5, 2] == with_setting(with_setting(arms["two"], "task.weight_decay", 0.5), "seed", 2)


def test_a_cell_holds_the_outcomes_of_its_seeds(tmp_path):
    trials = grid(
        {"one": with_setting(TRIAL, "source.n", 30)}, {"task.weight_decay": (0.3, 0.5), "source.seed": (0, 1)}
    )
    outcomes = run_grid(trials, store=Store(tmp_path))
    found = cells(outcomes)
    assert list(found) == [("one", 0.3), ("one", 0.5)]
    for (arm, decay), held in found.items():
        assert [each.facts["data_hash"] for each in held] == [
            outcomes[arm, decay, seed].facts["data_hash"] for seed in (0, 1)
        ]
    fresh = trials["one", 0.5, 1].run()
    assert equal(found["one", 0.5][1].actual["warm"], fresh.actual["warm"])


@pytest.mark.parametrize(("arms", "settings"), [({}, SETTINGS), ({"one": TRIAL}, {}), ({"one": TRIAL}, {"seed": ()})])
def test_a_grid_of_nothing_is_refused(arms, settings):
    with pytest.raises(InvalidParameter, match="needs an arm, a setting, and a value"):
        grid(arms, settings)


def test_an_unknown_setting_is_refused():
    with pytest.raises(InvalidParameter, match="has no setting 'dept'"):
        grid({"one": TRIAL}, {"task.dept": (1,)})
