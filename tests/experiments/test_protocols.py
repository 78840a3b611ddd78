"""Protocols of retraining: what a seed changes, and where each target starts with which batches."""

from dataclasses import replace

import pytest

import influencelab as il
from influencelab.errors import InvalidParameter

TRIAL = il.Trial(
    source=il.Digits(),
    task=il.MLP(weight_decay=0.0),
    trainer=il.Adam(batch_size=8),
    estimators={"dot": il.GradientDot()},
)


def test_a_seed_draws_start_and_batches_and_targets_follow_the_trainer():
    rates = {"trainer.learning_rate": [0.1, 0.2]}
    found = il.seeded_trials({"a": TRIAL}, rates, seeds=2, protocols=("unpaired", "warm", "paired"))
    assert list(found) == [("a", 0.1, 0), ("a", 0.1, 1), ("a", 0.2, 0), ("a", 0.2, 1)]
    last = found["a", 0.2, 1]
    assert (last.seed, last.trainer.seed, last.trainer.learning_rate) == (1, 1, 0.2)
    assert last.targets == {
        "unpaired": il.Rerun(trainer=replace(last.trainer, paired=False), start="cold"),
        "warm": il.Rerun(trainer=last.trainer, start="warm"),
        "paired": il.Rerun(trainer=last.trainer, start="cold"),
    }
    assert list(last.targets) == ["unpaired", "warm", "paired"]  # the order is part of a stored key


def test_a_trainer_without_batches_is_refused():
    with pytest.raises(InvalidParameter, match="no setting 'seed'"):
        il.seeded_trials({"a": replace(TRIAL, trainer=il.LBFGS())}, {}, seeds=1, protocols=("paired",))
