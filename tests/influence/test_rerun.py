"""Published protocols are what plain loops over torch.optim do, model by model."""

from dataclasses import replace

import pytest
import torch
from crossing import crossed
from problems import class_data, logistic_problem, minimum
from tight_retraining import Lazy, worst
from torch import Tensor
from trainer_oracles import NETWORK, torch_run

from influencelab.data.perturbations.removals import CONVENTIONS
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidParameter
from influencelab.influence.retrainers import rerun as module
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.training.fit import Fit, fit
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.adam import Adam
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.newton import Newton
from influencelab.training.trainers.sgd import SGD

GROUPS = [[3], [17], [4, 5, 40], []]
TRAINERS = [
    GradientDescent(learning_rate=0.2, momentum=0.7, steps=30),
    SGD(learning_rate=0.2, momentum=0.7, batch_size=17, steps=30, seed=3),
    Adam(learning_rate=0.02, steps=30),
    Adam(learning_rate=0.02, batch_size=17, steps=30),
]


def torch_settings(trainer: Trainer) -> dict:
    """The optimiser of torch that does the same."""
    if isinstance(trainer, Adam):
        return {"optimiser": torch.optim.Adam, "lr": trainer.learning_rate}
    return {"optimiser": torch.optim.SGD, "lr": trainer.learning_rate, "momentum": trainer.momentum}


def batches(trainer: Trainer, n: int, steps: range) -> list[Tensor]:
    found = trainer.batches.rows(n, steps, models=torch.zeros(1, dtype=torch.int64))
    return [torch.arange(n) if rows is None else rows for rows in found]


def losses(data, theta: Tensor) -> Tensor:
    """The test losses of the network, by torch's own layers."""
    used = 3 * (data.x_test.shape[1] + 1)
    first, last = theta[:used].view(3, -1), theta[used:].view(3, -1)
    units = torch.tanh(data.x_test @ first[:, :-1].T + first[:, -1])
    outputs = units @ last[:, :-1].T + last[:, -1]
    return torch.nn.functional.cross_entropy(outputs, data.y_test, reduction="none")


def by_hand(fitted: Fit, trainer: Trainer, convention: str, start: Tensor, **settings) -> Tensor:
    """The changes of GROUPS less the control's, by a loop over models."""
    data, rows = fitted.data, []
    for members in [[], *GROUPS]:
        weights = torch.full((data.n,), 1 / data.n, dtype=torch.float64)
        weights[members] = 0
        if convention == "renormalise":
            weights = weights / weights.sum()
        order = batches(trainer, data.n, settings.get("steps", range(trainer.steps)))
        more = {name: value for name, value in settings.items() if name != "steps"}
        rows.append(
            losses(data, torch_run(data, start, weights=weights, batches=order, **torch_settings(trainer), **more)[0])
        )
    return torch.stack(rows[1:]) - rows[0]


@pytest.mark.parametrize(("trainer", "start", "convention"), crossed(TRAINERS, ["warm", "cold"], CONVENTIONS), ids=str)
def test_rerunning_is_a_loop_over_torch_optim(trainer, start, convention):
    data = class_data(4)
    fitted = fit(NETWORK, data, replace(trainer, steps=50))
    removals = groups(60, members=GROUPS, convention=convention)
    found = Rerun(trainer=trainer, start=start).retrain(fitted, removals)
    begin = {"warm": fitted.theta, "cold": fitted.start}
    wanted = by_hand(fitted, trainer, convention, begin[start])
    other = by_hand(fitted, trainer, convention, begin["cold" if start == "warm" else "warm"])
    assert worst(found.values, wanted) < 1e-9
    assert worst(found.values, other) > 1e-2
    assert not found.values[3].abs().max() > 1e-12
    assert found.trusted.all()
    assert found.steps.tolist() == [30] * 4


@pytest.mark.parametrize("trainer", TRAINERS, ids=str)
def test_restored_means_are_those_of_a_loaded_checkpoint(trainer):
    data = class_data(4)
    longer = replace(trainer, steps=50)
    fitted = fit(NETWORK, data, longer)
    whole = torch.full((60,), 1 / 60, dtype=torch.float64)
    state = torch_run(
        data, fitted.start, weights=whole, batches=batches(longer, 60, range(50)), **torch_settings(longer)
    )[1]
    wanted = by_hand(fitted, trainer, "drop", fitted.theta, state=state, steps=range(50, 80))
    removals = groups(60, members=GROUPS)
    found = Rerun(trainer=trainer, restore=True).retrain(fitted, removals)
    assert worst(found.values, wanted) < 1e-9
    assert worst(Rerun(trainer=trainer).retrain(fitted, removals).values, wanted) > 1e-3


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("trainer", TRAINERS, ids=str)
def test_the_last_layer_alone_is_torch_with_the_first_one_frozen(trainer, restore):
    data = class_data(4)
    longer = replace(trainer, steps=50)
    fitted = fit(NETWORK, data, longer)
    settings = {"last_layer": True}
    if restore:
        whole = torch.full((60,), 1 / 60, dtype=torch.float64)
        order = batches(longer, 60, range(50))
        state = torch_run(data, fitted.start, weights=whole, batches=order, **torch_settings(longer))[1]
        # Of the four tensors that torch trained, the last two are the last layer's.
        state["state"] = {0: state["state"][2], 1: state["state"][3]}
        state["param_groups"][0]["params"] = [0, 1]
        settings |= {"state": state, "steps": range(50, 80)}
    wanted = by_hand(fitted, trainer, "drop", fitted.theta, **settings)
    removals = groups(60, members=GROUPS)
    found = Rerun(trainer=trainer, last_layer=True, restore=restore).retrain(fitted, removals)
    assert worst(found.values, wanted) < 1e-9
    assert worst(Rerun(trainer=trainer, restore=restore).retrain(fitted, removals).values, wanted) > 1e-3


def test_the_trainer_of_the_fit_is_the_default_and_its_cold_control_does_nothing():
    data = class_data(4)
    fitted = fit(NETWORK, data, TRAINERS[1])
    removals = leave_one_out(60)
    found = Rerun(start="cold").retrain(fitted, removals)
    assert found.control.abs().max() < 1e-12
    # Equal bits: the same code on the same arrays.
    assert found.values.equal(Rerun(trainer=TRAINERS[1], start="cold").retrain(fitted, removals).values)
    assert Rerun().retrain(fitted, removals).control.abs().max() > 1e-4


@pytest.mark.parametrize("paired", [True, False])
def test_batches_of_any_size_give_the_same_and_tell_how_far_they_are(paired, monkeypatch):
    data = class_data(4)
    fitted = fit(NETWORK, data, SGD(steps=30, batch_size=17, paired=paired))
    whole = Rerun().retrain(fitted, leave_one_out(60))
    monkeypatch.setattr(module, "MODELS", 25)
    told = []
    parts = Rerun().retrain(fitted, leave_one_out(60), progress=lambda *so_far: told.append(so_far))
    assert told == [(25, 60), (50, 60), (60, 60)]
    assert worst(parts.values, whole.values) < 1e-10
    assert parts.control.allclose(whole.control, rtol=0, atol=1e-12)


def test_unpaired_batches_add_noise_that_paired_ones_do_not():
    data = class_data(4)
    fitted = fit(NETWORK, data, SGD(steps=60, batch_size=7))
    removals = groups(60, members=[[], [], [8]])
    paired = Rerun(trainer=SGD(steps=60, batch_size=7, seed=1)).retrain(fitted, removals)
    unpaired = Rerun(trainer=SGD(steps=60, batch_size=7, seed=1, paired=False)).retrain(fitted, removals)
    assert paired.values[:2].abs().max() < 1e-12
    assert unpaired.values[:2].abs().max() > 1e-3
    assert (unpaired.values[0] - unpaired.values[1]).abs().max() > 1e-3


def test_another_seed_of_the_trainer_is_another_draw():
    data = class_data(4)
    fitted = fit(NETWORK, data, SGD(steps=60, batch_size=7))
    first, second, again = (
        Rerun(trainer=SGD(steps=60, batch_size=7, seed=seed)).retrain(fitted, leave_one_out(60)).values
        for seed in (1, 2, 1)
    )
    # Equal bits: the same draws and the same steps.
    assert first.equal(again)
    assert worst(first, second) > 1e-2


# With trainers that go to a minimum.
def test_newton_run_again_finds_what_second_order_finds():
    fitted = minimum(logistic_problem, n=40)
    removals = leave_one_out(40)
    wanted = SecondOrder().retrain(fitted, removals).values
    for start in ("warm", "cold"):
        found = Rerun(start=start, require_converged=True).retrain(fitted, removals)
        assert found.converged.all()
        assert worst(found.values, wanted) < 1e-6


def test_convergence_counts_only_where_it_is_asked_for():
    fitted = minimum(logistic_problem, n=40)
    short = Rerun(trainer=GradientDescent(steps=5))
    assert short.retrain(fitted, leave_one_out(40)).converged.all()
    strict = replace(short, require_converged=True)
    found = strict.retrain(fitted, leave_one_out(40))
    assert not found.converged.any()
    assert found.grad_norm.min() > 1e-8
    # Those that arrive count, but none where the control does not.
    for moves, count in (((0, 1, 2), 2), ((1, 2), 0)):
        lazy = Rerun(trainer=Lazy(moves=moves), require_converged=True)
        assert int(lazy.retrain(fitted, leave_one_out(40)).converged.sum()) == count


def test_settings_that_make_no_sense_are_refused():
    fitted = minimum(logistic_problem, n=40)
    with pytest.raises(InvalidParameter, match="start is 'hot', expected one of warm, cold"):
        Rerun(start="hot")
    with pytest.raises(InvalidParameter, match="needs start='warm'"):
        Rerun(start="cold", restore=True)
    with pytest.raises(InvalidParameter, match="the fit is by Newton and the retraining by Adam"):
        Rerun(trainer=Adam(), restore=True).retrain(fitted, leave_one_out(40))
    with pytest.raises(InvalidParameter, match="needs a network of the kind 'mlp'; the fit is of Logistic"):
        Rerun(last_layer=True).retrain(fitted, leave_one_out(40))
    with pytest.raises(InvalidParameter, match="60 training points"):
        Rerun().retrain(fitted, leave_one_out(60))
    network = fit(NETWORK, class_data(4), Newton(max_steps=3))
    with pytest.raises(InvalidParameter, match="the fit is by Newton"):
        Rerun(restore=True).retrain(network, leave_one_out(60))
