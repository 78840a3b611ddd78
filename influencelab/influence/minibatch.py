"""Curvature of small samples of the training points: many samples, each with its own vectors, at once."""

from collections.abc import Iterator
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.func import grad, jvp, vjp, vmap

from influencelab.data.dataset import Dataset
from influencelab.models.task import LinearTask, Task

# Positions drawn ahead for each seed.
DRAWN = 2**16


def sample_products(
    task: Task,
    data: Dataset,
    theta: Float[Tensor, " p"],
    weights: Float[Tensor, " n"],
    vectors: Float[Tensor, "r k p"],
    *,
    samples: Int[Tensor, "r b"],
    kind: str = "hessian",
) -> Float[Tensor, "r k p"]:
    """Curvature of Σᵢ wᵢ ℓᵢ as each sample tells it, times the sample's own k vectors; without the penalty.

    The weights are scaled up by n / b, so that the mean over all samples is the curvature of all points. Work and
    memory grow with the sample, not with n.

    Args:
        samples: the training points of each sample; a point drawn twice counts twice.
        kind: `hessian` or `gauss_newton`; the same for linear tasks.
    """
    rows = samples.flatten()
    x, y, weight = data.x_train[rows], data.y_train[rows], weights[rows] * (data.n / samples.shape[1])
    if isinstance(task, LinearTask):
        return linear_products(task, x, y, theta, weight, vectors)
    part = partial(hessian_products if kind == "hessian" else gauss_newton_products, task, theta)
    shape = samples.shape
    return vmap(part)(x.unflatten(0, shape), y.view(shape), weight.view(shape), vectors)


def linear_products(
    task: LinearTask, x: Tensor, y: Tensor, theta: Tensor, weight: Tensor, vectors: Float[Tensor, "r k p"]
) -> Float[Tensor, "r k p"]:
    """Closed form: two batched matrix products over the samples."""
    count, k = vectors.shape[:2]
    features = task.features(x)
    outputs = theta.view(-1, features.shape[1]) @ features.T
    size = len(outputs)
    grouped = features.view(count, -1, features.shape[1])
    moved = vectors.reshape(count, k * size, -1) @ grouped.mT
    # Output losses keep points on the last axis: the samples are laid side by side there, and apart again after.
    moved = moved.view(count, k, size, -1).permute(1, 2, 0, 3).reshape(k, size, -1)
    bent = task.output_loss.products(outputs, y, moved) * weight
    bent = bent.view(k, size, count, -1).permute(2, 0, 1, 3).reshape(count, k * size, -1)
    return (bent @ grouped).view(vectors.shape)


def hessian_products(
    task: Task, theta: Tensor, x: Tensor, y: Tensor, weight: Tensor, vectors: Float[Tensor, "k p"]
) -> Float[Tensor, "k p"]:
    """Forward over reverse for one sample."""

    def loss(parameters: Tensor) -> Tensor:
        return (task.losses(parameters, x, y) * weight).sum()

    return vmap(lambda vector: jvp(grad(loss), (theta,), (vector,))[1])(vectors)


def gauss_newton_products(
    task: Task, theta: Tensor, x: Tensor, y: Tensor, weight: Tensor, vectors: Float[Tensor, "k p"]
) -> Float[Tensor, "k p"]:
    """Push a vector to the outputs of one sample, bend it there, pull it back."""

    def outputs(parameters: Tensor) -> Tensor:
        return task.outputs(parameters, x)

    at, pull = vjp(outputs, theta)[:2]
    moved = vmap(lambda vector: jvp(outputs, (theta,), (vector,))[1])(vectors)
    bent = task.output_loss.products(at, y, moved) * weight
    return vmap(lambda cotangent: pull(cotangent)[0])(bent)


def draws(n: int, *, size: int, count: int, seeds: list[int]) -> Iterator[Int[Tensor, "r b"]]:
    """`count` times a sample of `size` points a seed, each point drawn uniformly and independently.

    What a seed draws depends on it alone, not on its neighbours.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    step = max(1, DRAWN // size)
    for first in range(0, count, step):
        shape = (min(step, count - first), size)
        yield from torch.stack([torch.randint(n, shape, generator=generator) for generator in generators], dim=1)


def partition(n: int, *, size: int, seed: int) -> Int[Tensor, "r b"]:
    """One epoch: all points in random order, cut into samples of `size`; what is left over at the end is left out."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[: n // size * size].view(-1, size)
