"""Gradient descent, SGD and Adam are those of torch.optim, step by step."""

from dataclasses import replace
from threading import get_ident

import pytest
import torch
from problems import class_data, value_data
from torch import Tensor
from trainer_oracles import NETWORK, Sibling, dropped, starts, torch_run

from influencelab.errors import InvalidParameter, NotFinite
from influencelab.models import derivatives
from influencelab.models.proximal import proximal, proximal_bregman_response
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.models.tasks.ridge import Ridge
from influencelab.training import first_order
from influencelab.training.fit import fit
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.adam import Adam
from influencelab.training.trainers.gradient_descent import GradientDescent
from influencelab.training.trainers.sgd import SGD


def drawn(trainer: SGD | Adam, *, models: int = 1) -> list[Tensor]:
    """The batches of 60 points that a trainer sees."""
    return list(trainer.batches.rows(60, range(trainer.steps), models=torch.arange(models)))


def worst_gap(trainer: Trainer, optimiser, batches: list[Tensor], *, drops: tuple[int, ...] = (), **settings) -> float:
    """How far a trainer is from torch's optimiser, over all numbers of steps up to that of the batches."""
    data = class_data(4)
    start = NETWORK.start(data, 0)
    sibling = Sibling(start, data.x_train.shape[1])
    torch_optimiser = optimiser(sibling.parameters(), weight_decay=NETWORK.weight_decay, **settings)
    schedule = torch.optim.lr_scheduler.MultiStepLR(torch_optimiser, drops, gamma=0.1)
    gaps = []
    for step, rows in enumerate(batches):
        torch_optimiser.zero_grad()
        torch.nn.functional.cross_entropy(sibling.layers(data.x_train[rows]), data.y_train[rows]).backward()
        torch_optimiser.step()
        schedule.step()
        ours = replace(trainer, steps=step + 1).train(NETWORK, data, start[None], dropped(data, -1))
        gaps.append(float((ours.theta[0] - sibling.theta()).abs().max()))
    return max(gaps)


def test_adam_is_torch_adam_step_by_step():
    batches = [torch.arange(60)] * 30
    settings = {"lr": 0.02, "betas": (0.8, 0.99), "eps": 1e-6}
    trainer = Adam(learning_rate=0.02, betas=(0.8, 0.99), epsilon=1e-6)
    assert worst_gap(trainer, torch.optim.Adam, batches, **settings) < 1e-12
    assert worst_gap(trainer, torch.optim.AdamW, batches, **settings) > 1e-4


def test_gradient_descent_is_torch_sgd_on_the_full_batch():
    batches = [torch.arange(60)] * 30
    trainer = GradientDescent(learning_rate=0.2, momentum=0.7)
    assert worst_gap(trainer, torch.optim.SGD, batches, lr=0.2, momentum=0.7) < 1e-12
    assert worst_gap(trainer, torch.optim.SGD, batches, lr=0.2, momentum=0.7, nesterov=True) > 1e-3


def test_sgd_is_torch_sgd_on_its_batches():
    trainer = SGD(learning_rate=0.2, momentum=0.7, batch_size=17, steps=30, seed=3)
    batches = drawn(trainer)
    assert worst_gap(trainer, torch.optim.SGD, batches, lr=0.2, momentum=0.7) < 1e-12
    assert worst_gap(replace(trainer, seed=4), torch.optim.SGD, batches, lr=0.2, momentum=0.7) > 1e-3


def test_every_point_comes_once_an_epoch_in_an_order_that_the_seed_decides():
    batches = drawn(SGD(batch_size=17, steps=10, seed=1))
    assert [len(rows) for rows in batches] == [17, 17, 17, 9] * 2 + [17, 17]
    first, second = torch.cat(batches[:4]), torch.cat(batches[4:8])
    assert first.sort().values.equal(torch.arange(60))
    assert second.sort().values.equal(torch.arange(60))
    assert not first.equal(second)
    assert torch.cat(drawn(SGD(batch_size=17, steps=4, seed=1))).equal(first)
    assert not torch.cat(drawn(SGD(batch_size=17, steps=4, seed=2))).equal(first)


def test_a_batch_as_large_as_the_data_is_gradient_descent():
    data = class_data(4)
    theta, weights = starts(NETWORK, data, 2), dropped(data, -1, 9)
    batch = SGD(batch_size=1000, steps=20).train(NETWORK, data, theta, weights).theta
    full = GradientDescent(steps=20).train(NETWORK, data, theta, weights).theta
    assert batch.allclose(full, rtol=0, atol=1e-12)


def test_adam_on_batches_is_torch_adam_on_them():
    trainer = Adam(learning_rate=0.02, batch_size=17, steps=30, seed=3)
    assert worst_gap(trainer, torch.optim.Adam, drawn(trainer), lr=0.02) < 1e-12
    assert worst_gap(replace(trainer, batch_size=0), torch.optim.Adam, drawn(trainer), lr=0.02) > 1e-4


@pytest.mark.parametrize(
    ("trainer", "optimiser", "settings"),
    [
        (GradientDescent(learning_rate=0.2), torch.optim.SGD, {"lr": 0.2, "momentum": 0.9}),
        (Adam(learning_rate=0.02), torch.optim.Adam, {"lr": 0.02}),
    ],
)
def test_the_rate_drops_as_in_torch_schedule(trainer, optimiser, settings):
    batches, drops = [torch.arange(60)] * 20, (5, 12)
    assert worst_gap(replace(trainer, drops=drops), optimiser, batches, drops=drops, **settings) < 1e-12
    assert worst_gap(trainer, optimiser, batches, drops=drops, **settings) > 1e-3
    assert worst_gap(replace(trainer, drops=(6, 12)), optimiser, batches, drops=drops, **settings) > 1e-4


# Going on where training stopped.
GOING_ON = [
    GradientDescent(steps=40, drops=(25,)),
    SGD(steps=40, batch_size=7, drops=(30,)),
    SGD(steps=40, batch_size=7, paired=False),
    Adam(steps=40, learning_rate=0.02),
    Adam(steps=40, learning_rate=0.02, batch_size=16, drops=(15,)),
]


@pytest.mark.parametrize("trainer", GOING_ON, ids=str)
def test_going_on_from_the_memory_is_never_having_stopped(trainer):
    data = class_data(4)
    theta, weights = starts(NETWORK, data, 3), dropped(data, -1, 4, 9)
    whole = trainer.train(NETWORK, data, theta, weights)
    half = replace(trainer, steps=13).train(NETWORK, data, theta, weights)
    rest = replace(trainer, steps=27)
    there = rest.train(NETWORK, data, half.theta, weights, memory=half.memory)
    assert there.theta.allclose(whole.theta, rtol=0, atol=1e-12)
    assert there.memory.steps == whole.memory.steps == 40
    for ours, theirs in zip(there.memory.buffers, whole.memory.buffers, strict=True):
        assert ours.allclose(theirs, rtol=0, atol=1e-12)
    afresh = rest.train(NETWORK, data, half.theta, weights)
    assert (afresh.theta - whole.theta).norm() > 1e-3


def test_the_memory_of_another_rule_or_of_other_models_is_refused():
    data = class_data(4)
    theta, weights = starts(NETWORK, data, 2), dropped(data, -1, 4)
    left = Adam(steps=2).train(NETWORK, data, theta, weights).memory
    with pytest.raises(InvalidParameter, match="SGD keeps 1 running means"):
        SGD(steps=2).train(NETWORK, data, theta, weights, memory=left)
    with pytest.raises(InvalidParameter, match="Restore what the same kind of trainer left"):
        Adam(steps=2).train(NETWORK, data, theta[:1], weights[:1], memory=left)


# Who sees which batches.
def test_unpaired_models_see_their_own_batches_and_paired_ones_the_same():
    paired, unpaired = (
        torch.cat(drawn(SGD(batch_size=17, steps=4, paired=each), models=3), dim=-1) for each in (True, False)
    )
    assert paired.shape == (60,)
    assert unpaired.shape == (3, 60)
    for row in unpaired:
        assert row.sort().values.equal(torch.arange(60))
    assert not unpaired[0].equal(unpaired[1])
    again = SGD(batch_size=17, steps=4, paired=False).batches.rows(60, range(4), models=torch.tensor([2]))
    assert torch.cat(list(again), dim=-1)[0].equal(unpaired[2])


@pytest.mark.parametrize("trainer", [SGD(batch_size=17, steps=20, learning_rate=0.2), Adam(batch_size=17, steps=20)])
def test_an_unpaired_model_is_torch_on_its_own_batches(trainer):
    data = class_data(4)
    trainer = replace(trainer, paired=False)
    theta, weights = NETWORK.start(data, 0).repeat(3, 1), dropped(data, -1, -1, 8)
    ours = trainer.train(NETWORK, data, theta, weights).theta
    batches = drawn(trainer, models=3)
    momentum = {"momentum": trainer.momentum} if isinstance(trainer, SGD) else {}
    optimiser = torch.optim.SGD if momentum else torch.optim.Adam
    for model in range(3):
        own = [rows[model] for rows in batches]
        theirs = torch_run(data, theta[0], optimiser, weights[model], own, lr=trainer.learning_rate, **momentum)[0]
        assert ours[model].allclose(theirs, rtol=0, atol=1e-12)
    assert (ours[0] - ours[1]).norm() > 1e-3


def test_models_bear_their_number_wherever_they_stand():
    data = class_data(4)
    theta, weights = starts(NETWORK, data, 4), dropped(data, -1, -1, 8, 9)
    trainer = SGD(batch_size=17, steps=20, paired=False)
    together = trainer.train(NETWORK, data, theta, weights).theta
    some = trainer.train(NETWORK, data, theta[[3, 1]], weights[[3, 1]], models=torch.tensor([3, 1])).theta
    assert some.allclose(together[[3, 1]], rtol=0, atol=1e-12)
    assert (trainer.train(NETWORK, data, theta[[3, 1]], weights[[3, 1]]).theta - some).norm() > 1e-3


# How it is computed must not matter.
@pytest.mark.parametrize("trainer", GOING_ON, ids=str)
@pytest.mark.parametrize("cache", [1, 2000, 2**40])
def test_models_trained_in_any_chunks_are_the_same(trainer, cache, monkeypatch):
    data = class_data(4)
    theta, weights = starts(NETWORK, data, 5), dropped(data, -1, 4, 9, 11, 30)
    wanted = trainer.train(NETWORK, data, theta, weights)
    monkeypatch.setattr(first_order, "CACHE", cache)
    found = trainer.train(NETWORK, data, theta, weights)
    assert found.theta.allclose(wanted.theta, rtol=0, atol=1e-11)
    assert found.memory.buffers[-1].allclose(wanted.memory.buffers[-1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("trainer", [SGD(batch_size=7, steps=20), Adam(steps=20)])
def test_the_number_of_threads_changes_no_result(trainer, monkeypatch):
    monkeypatch.setattr(first_order, "CACHE", 1)
    data, before = class_data(4), torch.get_num_threads()
    runs, original = [], first_order.FirstOrder.run
    monkeypatch.setattr(
        first_order.FirstOrder, "run", lambda *of, **more: runs.append(get_ident()) or original(*of, **more)
    )
    ends = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            ends.append(trainer.train(NETWORK, data, starts(NETWORK, data, 5), dropped(data, *range(5))))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    # Equal bits are the promise: models are cut into the same chunks, each done by one thread.
    assert torch.equal(ends[0].theta, ends[1].theta)
    assert all(torch.equal(*pair) for pair in zip(ends[0].memory.buffers, ends[1].memory.buffers, strict=True))
    assert set(runs[:5]) == {get_ident()}
    assert get_ident() not in runs[5:]
    assert len(runs) == 10


@pytest.mark.parametrize("trainer", [GradientDescent(steps=3), SGD(batch_size=7, steps=3), Adam(steps=3)])
def test_what_a_trainer_is_given_stays_as_it_was(trainer):
    data, models = class_data(4), torch.arange(2)
    theta, weights = starts(NETWORK, data, 2), dropped(data, -1, 4)
    memory = trainer.train(NETWORK, data, theta, weights).memory
    given = (theta, weights, *memory.buffers)
    before = [part.clone() for part in given]
    first, second = (trainer.train(NETWORK, data, theta, weights, memory=memory, models=models) for _ in range(2))
    # Equal bits: copies, and the same steps twice.
    assert all(torch.equal(*pair) for pair in zip(given, before, strict=True))
    assert torch.equal(first.theta, second.theta)


def test_every_task_is_trained_along_its_own_gradient():
    data = class_data(4)
    network = fit(NETWORK, data, GradientDescent(steps=20))
    held = proximal_bregman_response(NETWORK, data, network.theta, network.weights, damping=0.1)
    for task in (NETWORK, proximal(NETWORK, network.theta, damping=0.1), held, Logistic(weight_decay=0.1)):
        theta, weights = starts(task, data, 3), dropped(data, -1, 4, 9)
        moved = GradientDescent(learning_rate=0.5, steps=1).train(task, data, theta, weights).theta
        along = derivatives.gradients(task, data, theta, weights)
        assert ((theta - moved) / 0.5).allclose(along, rtol=0, atol=1e-13)
        plain = derivatives.gradients(NETWORK, data, theta, weights) if task.convex is False else 0 * along
        assert task is NETWORK or (plain - along).norm() > 1e-3


def test_divergence_is_found_between_two_looks():
    data = value_data(0)
    task = Ridge(weight_decay=0.1)
    theta, weights = starts(task, data, 1), dropped(data, -1)
    trainer = GradientDescent(learning_rate=100.0, steps=2000)
    with pytest.raises(NotFinite, match=r"at step \d+00 and was finite at step \d*0"):
        trainer.train(task, data, theta, weights)
    with pytest.raises(NotFinite, match="after step 99"):
        replace(trainer, steps=99).train(task, data, theta, weights)


# Where published networks start.
def test_the_torch_start_is_that_of_torch_linear():
    data = class_data(0)
    task = MLP(weight_decay=0.0, depth=1, width=400, init="torch")
    theta = task.start(data, 0)
    first = theta[: 400 * (data.x_train.shape[1] + 1)].view(400, -1)
    torch.manual_seed(0)
    layer = torch.nn.Linear(data.x_train.shape[1], 4000)
    for ours, theirs in ((first[:, :-1], layer.weight), (first[:, -1], layer.bias)):
        assert float(ours.abs().max()) <= data.x_train.shape[1] ** -0.5
        assert abs(float(ours.std()) / float(theirs.detach().std()) - 1) < 0.06
        assert abs(float(ours.mean())) < 0.1 * float(ours.std())
    last = theta[first.numel() :].view(3, -1)
    assert 0.9 < float(last.abs().max()) * 20 <= 1
    assert task.start(data, 0).equal(theta)
    assert not task.start(data, 1).equal(theta)
