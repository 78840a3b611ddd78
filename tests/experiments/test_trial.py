"""A trial end to end: what is predicted, what is looked at, what is true, and what a reader must know of it."""

from dataclasses import replace

import numpy
import pytest
import torch
from oracles import model, points_of, removal_changes
from small_trial import TRIAL, Clouds

from influencelab.data.removals import Groups
from influencelab.errors import InvalidParameter, NotConverged, UnknownName
from influencelab.experiments.grid import vary, with_setting
from influencelab.experiments.outcome import outcome_of
from influencelab.experiments.selections.everything import Everything
from influencelab.experiments.selections.random_points import RandomPoints
from influencelab.experiments.selections.top import Top
from influencelab.influence.estimators.conjugate_gradient import ConjugateGradient
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.tasks.ridge import Ridge
from influencelab.recipe import fingerprint
from influencelab.testing.bounds import INFLUENCE, check_estimate
from influencelab.training.fit import fit
from influencelab.training.trainers.newton import Newton


@pytest.fixture(scope="module")
def outcome():
    return TRIAL.run()


def test_the_truth_is_what_the_oracle_says_of_every_chosen_point(outcome):
    data = TRIAL.source.load()
    rows = [[int(point) - 500] for point in outcome.train_ids]
    wanted = removal_changes(model(TRIAL.task, data), points_of(data), rows)
    assert outcome.trusted["warm"].all()
    assert outcome.actual["warm"].numpy() == pytest.approx(wanted, rel=1e-4, abs=1e-8)
    check_estimate(outcome.predicted["newton_step"].numpy(), wanted, bounds=INFLUENCE)


def test_the_chosen_pairs_are_those_of_the_selections(outcome):
    fitted = fit(TRIAL.task, TRIAL.source.load(), TRIAL.trainer)
    estimate = Exact().estimate(fitted)
    for selection in TRIAL.selections:
        pairs, name = selection.pairs(estimate), type(selection).__module__.rpartition(".")[2]
        rows = outcome.train_ids - 500
        assert torch.equal(outcome.chosen[name], pairs[rows])
        assert int(outcome.chosen[name].sum()) == int(pairs.sum())
    assert torch.allclose(outcome.predicted["exact"], estimate.values[rows], rtol=1e-12)
    assert outcome.train_ids.tolist() == sorted(set(outcome.train_ids.tolist()))
    assert torch.equal(outcome.train_labels, fitted.data.y_train[rows])
    assert torch.equal(outcome.test_ids, fitted.data.test_ids)


def test_a_comparison_counts_the_chosen_and_trusted_pairs_only(outcome):
    every_other = torch.arange(len(outcome.train_ids)) % 2 == 0
    part = replace(outcome, trusted={"warm": every_other})
    assert (outcome.chosen["top"] & ~every_other[:, None]).any()
    found = part.comparison("top", "exact")
    assert numpy.array_equal(found.mask, outcome.chosen["top"] & every_other[:, None])
    assert found.unit == "nats"
    assert part.comparison("random_points", "random").unit == "none"
    assert found.classes == 3


@pytest.mark.parametrize("names", [("bottom", "exact"), ("top", "perfect"), ("top", "exact", "cold")])
def test_what_a_trial_does_not_have_is_refused_with_what_it_has(outcome, names):
    with pytest.raises(UnknownName, match=r"has no '(bottom|perfect|cold)'. It has: (top, random|exact, newton|warm)"):
        outcome.comparison(*names)


def test_the_facts_say_what_a_reader_must_know(outcome):
    facts, data = outcome.facts, TRIAL.source.load()
    assert facts["data"] == data.name
    assert facts["data_hash"] == data.content_hash()
    assert (facts["n"], facts["m"], facts["p"], facts["classes"]) == (60, 4, 9, 3)
    assert facts["fit_converged"] is True
    assert facts["fit_grad_norm"] <= 1e-10
    assert facts["removals"] == facts["targets"]["warm"]["trusted"] == len(outcome.train_ids)
    assert 0 < facts["effective_parameters"] < 9
    assert 0.5 < facts["train_accuracy"] <= 1
    assert set(facts["estimates"]) == {"exact", "newton_step", "random"}
    assert facts["estimates"]["exact"]["largest_residual"] < 1e-10
    assert facts["estimates"]["random"]["unit"] == "none"


def test_an_outcome_and_its_stored_entry_are_the_same(outcome):
    again = outcome_of(outcome.entry())
    for name in ("train_ids", "train_labels", "test_ids", "test_labels"):
        assert torch.equal(getattr(again, name), getattr(outcome, name))
    for family in ("predicted", "chosen", "actual", "trusted", "control"):
        mine, theirs = getattr(again, family), getattr(outcome, family)
        assert set(mine) == set(theirs)
        # Equal bits: the same arrays.
        assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert again.facts == outcome.facts


def test_a_trial_repeats_itself(outcome):
    again = TRIAL.run()
    # Equal bits are the promise: the same code on the same arrays.
    assert torch.equal(again.actual["warm"], outcome.actual["warm"])
    assert all(torch.equal(again.predicted[name], outcome.predicted[name]) for name in outcome.predicted)


def test_the_convention_rules_predictions_and_truth_alike():
    step = NewtonStep(convention="renormalise")
    trial = replace(
        TRIAL,
        convention="renormalise",
        estimators={"exact": Exact(), "newton_step": step},
        selections=(RandomPoints(count=30),),
    )
    found, dropped = trial.run(), replace(TRIAL, selections=(RandomPoints(count=30),)).run()
    check_estimate(found.predicted["newton_step"].numpy(), found.actual["warm"].numpy(), bounds=INFLUENCE)
    for values in ("actual", "predicted"):
        one, two = getattr(found, values), getattr(dropped, values)
        one, two = (table["exact" if values == "predicted" else "warm"] for table in (one, two))
        assert not torch.allclose(one, two, rtol=0.05)


def test_a_convention_that_an_estimator_does_not_speak_is_refused_before_retraining(monkeypatch):
    monkeypatch.setattr(SecondOrder, "retrain", lambda *_, **__: pytest.fail("retrained for nothing"))
    with pytest.raises(InvalidParameter, match="convention='renormalise'"):
        replace(TRIAL, convention="renormalise").run()


def test_real_targets_run_too():
    trial = replace(TRIAL, source=Clouds(line=True), task=Ridge(weight_decay=0.3), selections=(Everything(),))
    found = trial.run()
    assert found.actual["warm"].shape == (60, 4)
    assert found.facts["train_accuracy"] != found.facts["train_accuracy"]
    assert numpy.corrcoef(found.predicted["exact"].ravel(), found.actual["warm"].ravel())[0, 1] > 0.95


def test_progress_rises_from_the_fit_to_the_end():
    said = []
    TRIAL.run(progress=lambda done, total=1.0, label="": said.append(done / total))
    assert said == sorted(said)
    assert said[0] > 0
    assert said[-1] == pytest.approx(1.0)


def test_an_unconverged_fit_stops_a_trial_unless_its_estimators_allow_it():
    rough = replace(TRIAL, trainer=Newton(tolerance=1e-10, max_steps=1))
    with pytest.raises(NotConverged, match="allow_unconverged=True"):
        rough.run()
    found = replace(rough, estimators={"exact": Exact(allow_unconverged=True)}).run()
    assert found.facts["fit_converged"] is False
    assert found.facts["targets"]["warm"]["largest_control"] > 1e-4


@pytest.mark.parametrize(
    "changes",
    [
        {"estimators": {}},
        {"targets": {}},
        {"selections": ()},
        {"selections": (Top(count=1), Top(count=2))},
    ],
)
def test_a_trial_without_its_parts_or_with_one_name_twice_is_refused(changes):
    with pytest.raises(InvalidParameter, match="at least one"):
        replace(TRIAL, **changes)


# Variations of a trial.
def test_varying_changes_one_setting_and_nothing_else():
    trials = vary(TRIAL, "task.weight_decay", [0.1, 0.2])
    assert [trial.task.weight_decay for trial in trials] == [0.1, 0.2]
    assert all(replace(trial, task=TRIAL.task) == TRIAL for trial in trials)
    assert [trial.seed for trial in vary(TRIAL, "seed", range(3))] == [0, 1, 2]
    assert with_setting(TRIAL, "targets.warm.trainer.max_steps", 7).targets["warm"].trainer.max_steps == 7
    assert TRIAL.task.weight_decay == 0.3
    assert with_setting(TRIAL, "estimators.exact", ConjugateGradient()).estimators["exact"] == ConjugateGradient()


@pytest.mark.parametrize("setting", ["weight_decay", "task.weightdecay", "task.weight_decay.x", "", "estimators.0"])
def test_a_setting_that_is_not_there_is_refused(setting):
    with pytest.raises(InvalidParameter, match="has no setting"):
        vary(TRIAL, setting, [1])


def test_an_impossible_value_is_refused_when_the_recipe_is_made():
    with pytest.raises(InvalidParameter, match="weight_decay is -1"):
        vary(TRIAL, "task.weight_decay", [-1.0])


def test_every_setting_has_a_part_in_the_address_of_an_outcome():
    changes = {
        "source.seed": 1,
        "source.n": 61,
        "task.weight_decay": 0.31,
        "task.intercept": True,
        "trainer.tolerance": 1e-9,
        "estimators": {"exact": Exact(), "newton_step": NewtonStep()},
        "selections": (Top(count=6), RandomPoints(count=12)),
        "targets.warm.floor": 1e-7,
        "convention": "renormalise",
        "seed": 1,
    }
    keys = {fingerprint(with_setting(TRIAL, setting, value)) for setting, value in changes.items()}
    assert len(keys | {fingerprint(TRIAL)}) == len(changes) + 1


# Groups and several truths.
def test_groups_are_predicted_and_retrained_whole():
    trial = replace(TRIAL, estimators={"exact": Exact()}, groups=Groups(share=0.05, count=8), convention="renormalise")
    found = trial.run()
    members = Groups(share=0.05, count=8).removals(60, convention="renormalise")
    rows = [members.points[members.rows == row].tolist() for row in range(8)]
    assert [len(row) for row in rows] == [3] * 8
    wanted = removal_changes(
        model(TRIAL.task, TRIAL.source.load()), points_of(TRIAL.source.load()), rows, convention="renormalise"
    )
    assert found.actual["warm"].numpy() == pytest.approx(wanted, rel=1e-4, abs=1e-8)
    assert found.train_labels.tolist() == [-1] * 8
    assert found.comparison("everything", "exact").classes == 0


def test_each_target_is_a_truth_of_its_own_name():
    targets = {"warm": SecondOrder(), "near": SecondOrder(relative=0, floor=1e-9)}
    found = replace(TRIAL, targets=targets).run()
    assert list(found.actual) == ["warm", "near"]
    assert set(found.facts["targets"]) == {"warm", "near"}
    assert torch.allclose(found.actual["warm"], found.actual["near"], rtol=1e-3, atol=1e-8)
    assert not torch.equal(found.actual["warm"], found.actual["near"])


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_a_group_must_be_a_share(share):
    with pytest.raises(InvalidParameter, match="expected 0 < share < 1"):
        Groups(share=share)
