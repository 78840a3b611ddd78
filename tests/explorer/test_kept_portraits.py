"""A portrait in the store is not made again, and is the one that was made."""

import pytest

from influencelab.data.sources.digits import Digits
from influencelab.experiments.store import Store
from influencelab.experiments.trial import Trial
from influencelab.explorer import build
from influencelab.explorer.build import explorer_data
from influencelab.explorer.data import ExplorerData
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.logistic import Logistic
from influencelab.training.trainers.newton import Newton

TRIAL = Trial(
    source=Digits(scaling="unit", labels=(0, 1), train_size=30, test_size=5),
    task=Logistic(weight_decay=0.1),
    trainer=Newton(),
    estimators={"exact": Exact()},
)


def explored(trial: Trial, store: Store | None) -> ExplorerData:
    return explorer_data(
        {("digits",): trial.run()}, {("digits",): trial}, names=("data",), portraits=[("digits",)], store=store
    )


def test_a_portrait_in_the_store_is_not_made_again_and_is_the_same(tmp_path, monkeypatch) -> None:
    anew, first = explored(TRIAL, None), explored(TRIAL, Store(tmp_path))
    monkeypatch.setattr(build, "fit_details", lambda *_: pytest.fail("a portrait was made again"))
    assert anew.packed() == first.packed() == explored(TRIAL, Store(tmp_path)).packed()


def test_another_fit_has_a_portrait_of_its_own(tmp_path) -> None:
    explored(TRIAL, Store(tmp_path))
    other = Trial(source=TRIAL.source, task=Logistic(weight_decay=0.01), trainer=Newton(), estimators=TRIAL.estimators)
    assert explored(other, Store(tmp_path)).packed() == explored(other, None).packed()
