"""Gradient descent, SGD and Adam are those of torch.optim, step by step."""

from dataclasses import replace

import torch
from problems import class_data
from torch import Tensor
from trainer_truths import NETWORK, dropped, starts

from influencelab.trainer import Trainer
from influencelab.trainers.adam import Adam
from influencelab.trainers.gradient_descent import GradientDescent
from influencelab.trainers.sgd import SGD


class Sibling(torch.nn.Module):
    """The network of `NETWORK` written with torch's own layers."""

    def __init__(self, theta: Tensor, features: int) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(features, 3), torch.nn.Tanh(), torch.nn.Linear(3, 3)).double()
        with torch.no_grad():
            used = 0
            for layer in (self.layers[0], self.layers[2]):
                matrix = theta[used : used + layer.weight.numel() + 3].view(3, -1)
                layer.weight.copy_(matrix[:, :-1])
                layer.bias.copy_(matrix[:, -1])
                used += matrix.numel()

    def theta(self) -> Tensor:
        """All parameters in the library's order."""
        layers = [self.layers[0], self.layers[2]]
        return torch.cat([torch.cat([one.weight, one.bias[:, None]], dim=1).flatten() for one in layers]).detach()


def worst_gap(trainer: Trainer, optimiser, batches: list[Tensor], **settings) -> float:
    """How far a trainer is from torch's optimiser, over all numbers of steps up to that of the batches."""
    data = class_data(4)
    start = NETWORK.start(data, 0)
    sibling = Sibling(start, data.x_train.shape[1])
    torch_optimiser = optimiser(sibling.parameters(), weight_decay=NETWORK.weight_decay, **settings)
    gaps = []
    for step, rows in enumerate(batches):
        torch_optimiser.zero_grad()
        torch.nn.functional.cross_entropy(sibling.layers(data.x_train[rows]), data.y_train[rows]).backward()
        torch_optimiser.step()
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
    batches = list(trainer.batches(class_data(4)))
    assert worst_gap(trainer, torch.optim.SGD, batches, lr=0.2, momentum=0.7) < 1e-12
    assert worst_gap(replace(trainer, seed=4), torch.optim.SGD, batches, lr=0.2, momentum=0.7) > 1e-3


def test_every_point_comes_once_an_epoch_in_an_order_that_the_seed_decides():
    data = class_data(4)
    batches = list(SGD(batch_size=17, steps=10, seed=1).batches(data))
    assert [len(rows) for rows in batches] == [17, 17, 17, 9] * 2 + [17, 17]
    first, second = torch.cat(batches[:4]), torch.cat(batches[4:8])
    assert first.sort().values.equal(torch.arange(60))
    assert second.sort().values.equal(torch.arange(60))
    assert not first.equal(second)
    assert torch.cat(list(SGD(batch_size=17, steps=4, seed=1).batches(data))).equal(first)
    assert not torch.cat(list(SGD(batch_size=17, steps=4, seed=2).batches(data))).equal(first)


def test_a_batch_as_large_as_the_data_is_gradient_descent():
    data = class_data(4)
    theta, weights = starts(NETWORK, data, 2), dropped(data, -1, 9)
    batch = SGD(batch_size=1000, steps=20).train(NETWORK, data, theta, weights).theta
    full = GradientDescent(steps=20).train(NETWORK, data, theta, weights).theta
    assert batch.allclose(full, rtol=0, atol=1e-12)


# Minima, against scikit-learn, SciPy and algebra.
