"""What is asked of a stored fit trains nothing: the fit is made again from its parameters."""

import pytest
import torch

import influencelab as il
from influencelab.errors import MissingData
from influencelab.experiments.outcome import Outcome, outcome_of
from influencelab.experiments.trial import Trial
from influencelab.explorer.build import explorer_data
from influencelab.training.fit import Fit, fit

NETWORK = il.Trial(
    source=il.Iris(scaling="standard", train_size=24, test_size=4),
    task=il.MLP(weight_decay=1e-2, depth=1, width=2),
    trainer=il.Sequential(),
    estimators={"exact": il.Exact()},
    seed=3,
)
STEPS = il.Trial(
    source=NETWORK.source,
    task=NETWORK.task,
    trainer=il.Adam(learning_rate=0.05, steps=40),
    estimators={"exact": il.Exact(allow_unconverged=True, damping=0.1)},
    targets={"warm": il.Rerun(start="warm", trainer=il.Adam(learning_rate=0.05, steps=5))},
)
LINEAR = il.Trial(
    source=NETWORK.source, task=il.Logistic(weight_decay=0.1), trainer=il.Newton(), estimators={"exact": il.Exact()}
)
TRIALS = {"network": NETWORK, "steps": STEPS, "linear": LINEAR}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Each trial's outcome, as the store gives it back."""
    return {name: outcome_of(trial.run().entry()) for name, trial in TRIALS.items()}


def trained_anew(trial: Trial) -> Fit:
    return fit(trial.task, trial.source.load(), trial.trainer, seed=trial.seed)


@pytest.mark.parametrize("name", TRIALS)
def test_a_stored_fit_is_the_trained_one_to_the_last_bit(outcomes: dict[str, Outcome], name: str) -> None:
    stored, anew = TRIALS[name].fit_of(outcomes[name]), trained_anew(TRIALS[name])
    for part in ("theta", "start", "weights"):
        assert torch.equal(getattr(stored, part), getattr(anew, part))
    for part in ("loss", "grad_norm", "converged", "steps", "seed", "task", "trainer"):
        assert getattr(stored, part) == getattr(anew, part)
    assert (stored.memory is None) == (anew.memory is None)
    if stored.memory is not None and anew.memory is not None:
        assert stored.memory.steps == anew.memory.steps
        assert all(
            torch.equal(one, other) for one, other in zip(stored.memory.buffers, anew.memory.buffers, strict=True)
        )


def test_details_and_retraining_on_demand_train_no_fit(
    outcomes: dict[str, Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    results, trials = {("network",): outcomes["network"]}, {("network",): NETWORK}
    for trainer in (il.Sequential, il.LBFGS, il.Newton, il.Adam):
        monkeypatch.setattr(trainer, "train", lambda *_, **__: pytest.fail("something was trained"))
    monkeypatch.setattr("influencelab.experiments.trial.fit", lambda *_, **__: pytest.fail("a fit was trained"))
    (table,) = explorer_data(results, trials, names=("arm",), details=trials).tables
    assert table.damping_steps is not None
    assert table.train_loss.shape == (24,)
    data = NETWORK.source.load()
    retrain = il.LeaveOneOutRetrainer(results, trials, ("arm",))
    found = retrain({"arm": "network"}, [int(data.train_ids[5])], int(data.test_ids[1]))
    row = outcomes["network"].train_ids.tolist().index(int(data.train_ids[5]))
    assert found.value == pytest.approx(float(outcomes["network"].actual["warm"][row, 1]), rel=1e-3, abs=1e-7)


def test_an_outcome_without_its_fit_or_of_other_data_is_refused(outcomes: dict[str, Outcome]) -> None:
    kept = outcomes["linear"]
    with pytest.raises(MissingData, match="keeps no parameters"):
        LINEAR.fit_of(Outcome(**{**vars(kept), "theta": None}))
    other = Trial(**{**vars(LINEAR), "source": il.Iris(scaling="standard", train_size=24, test_size=4, seed=1)})
    with pytest.raises(MissingData, match="is not the data"):
        other.fit_of(kept)
