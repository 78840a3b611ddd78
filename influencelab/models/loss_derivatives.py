"""Derivatives of weighted losses by automatic differentiation: the definitions that closed forms replace.

A task hands them out (`Task.derivatives`), so that whoever needs a gradient or a curvature asks the task and never its
class. `closed_forms/linear.py` and `closed_forms/mlp_derivatives.py` answer faster; the definitions here hold for every
task, and are what those are tested against.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.func import grad, hessian, jvp, vjp, vmap

from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import row_size
from influencelab.models.loss import OutputLoss
from influencelab.models.shapes import KB, KCB, KM, KN, KP, KPP, RKP, K, N, P, Rows, Theta, X, Y
from influencelab.recipe import Recipe, default

# Numbers held by one chunk's largest array: big enough for long matrix products, small enough for the cache.
CHUNK = 2**21

# ∇ of the losses over the rows of a batch (None for all points), where θ lies at the time.
BatchGradient = Callable[[Tensor | None], Tensor]


def slices(rows: int, step: int) -> Iterator[slice]:
    """Slices that cover `rows` rows, `step` or fewer in each."""
    return (slice(first, min(first + step, rows)) for first in range(0, rows, step))


def chunks(rows: int, *, width: int) -> Iterator[slice]:
    """Slices that cover `rows` rows, each holding about CHUNK numbers when a row holds `width` of them."""
    return slices(rows, max(1, CHUNK // max(1, width)))


@dataclass(frozen=True)
class Model(Recipe):
    """The part of a task that its derivatives depend on: outputs, losses and measures."""

    @property
    @abstractmethod
    def output_loss(self) -> OutputLoss:
        """ℓ as a function of the outputs."""

    @abstractmethod
    def outputs(self, theta: Theta, x: X) -> KCB:
        """Outputs of k models for b points, in one batched computation; points on the last axis."""

    def losses(self, theta: Theta, x: X, y: Y) -> KB:
        """ℓᵢ(θ) of each point, in nats, without the penalty."""
        return self.output_loss.values(self.outputs(theta, x), y)

    @default
    def measure(self, theta: Theta, x: X, y: Y) -> KB:
        """The watched measure of each test point, in nats: the loss, unless the task has another."""
        return self.losses(theta, x, y)


@dataclass(frozen=True, eq=False)
class LossDerivatives:
    """Σ wᵢ ℓᵢ(θ) over training points, without the penalty, and its derivatives, by automatic differentiation.

    `rows` are the points of a sum, a chunk at a time, so that memory does not grow with n.

    Attributes:
        task: the model and its loss.
        data: the training and test points.
        numbers: numbers that one model computes for one point; they decide how many points a chunk has.
        trace: numbers that a gradient keeps of one point's forward pass, over all layers; 0 where models that train
            side by side gain more from sharing one pass over the features than from fitting the cache.
        parameters: of one model, where every chunk of points makes some of that size: a chunk then holds at least a
            quarter as many numbers, so that its own work is more than that; 0 where it makes none.
        threads: whether groups of models may train on threads of their own on the CPU: worth it where single matrix
            products are too small to be split.
    """

    task: Model
    data: Dataset
    numbers: int
    trace: int = 0
    parameters: int = 0
    threads: bool = False

    def chunks(self, models: int) -> Iterator[slice]:
        """Chunks of training points: neither their features nor the outputs of `models` models outgrow the cache."""
        width = max(models * self.numbers, row_size(self.data.x_train))
        return slices(self.data.n, max(1, max(CHUNK, models * self.parameters // 4) // max(1, width)))

    def passes(self, models: int) -> Iterator[slice]:
        """Slices of training points to sum over one after the other; one of all points where sums cut it themselves."""
        return self.chunks(models)

    def losses(self, theta: KP, weights: KN, rows: slice) -> K:
        """Σ wᵢ ℓᵢ of k models over some points, in nats."""
        losses = self.task.losses(theta, self.data.x_train[rows], self.data.y_train[rows])
        return (losses * weights[:, rows]).sum(-1)

    def gradients(self, theta: KP, weights: KN, rows: Rows) -> KP:
        """Σ wᵢ ∇ℓᵢ of k models over some points: the same for all, or in a row for each model its own."""
        if not (isinstance(rows, Tensor) and rows.dim() == 2):
            return self.losses_and_gradients(theta, weights, rows)[1]
        x, y = self.data.x_train[rows], self.data.y_train[rows]
        return vmap(grad(partial(weighted_loss, self.task)))(theta, x, y, weights.gather(1, rows))

    @torch.enable_grad()
    def losses_and_gradients(self, theta: KP, weights: KN, rows: Rows) -> tuple[K, KP]:
        """Σ wᵢ ℓᵢ and Σ wᵢ ∇ℓᵢ of k models over some points."""
        leaf = theta.detach().requires_grad_()
        losses = self.task.losses(leaf, self.data.x_train[rows], self.data.y_train[rows])
        totals = (losses * weights[:, rows]).sum(-1)
        return totals.detach(), torch.autograd.grad(totals.sum(), leaf)[0]

    def products(self, theta: P, weights: N, vectors: KP, rows: slice, *, kind: str = "hessian") -> KP:
        """Curvature of one model over some points times k vectors."""
        x, y = self.data.x_train[rows], self.data.y_train[rows]
        return PRODUCTS[kind](self.task, theta, x, y, weights[rows], vectors)

    def model_products(self, theta: KP, weights: KN, vectors: KP, rows: slice) -> KP:
        """The Hessian of each model over some points, at its own θ and weights, times its own vector."""
        one = vmap(lambda at, weight, vector: self.products(at, weight, vector[None], rows)[0])
        return one(theta, weights, vectors)

    def hessians(self, theta: KP, weights: KN, *, kind: str) -> KPP:
        """Dense curvature of k models, each at its own θ and weights."""
        total, size = theta.new_zeros(*theta.shape, theta.shape[1]), self.task.output_loss.size(self.data)
        if kind == "hessian":
            # Every parameter of every model sends a tangent through all units, the outputs being a small part of them.
            for rows in chunks(self.data.n, width=theta.numel() * max(4 * size, self.numbers)):
                part = (self.data.x_train[rows], self.data.y_train[rows], weights[:, rows])
                total += vmap(hessian(partial(weighted_loss, self.task)), in_dims=(0, None, None, 0))(theta, *part)
            return total
        eye = torch.eye(theta.shape[1], dtype=theta.dtype, device=theta.device)
        for rows in chunks(self.data.n, width=theta.shape[1] * self.numbers):
            for model, (at, weight) in enumerate(zip(theta, weights, strict=True)):
                total[model] += self.products(at, weight, eye, rows, kind=kind)
        return total

    def measures(self, theta: KP) -> KM:
        """The measure of each test point, for k models, in nats."""
        if not len(theta):
            return theta.new_zeros(0, self.data.m)
        models = chunks(len(theta), width=self.data.m * self.numbers)
        return torch.cat([self.task.measure(theta[rows], self.data.x_test, self.data.y_test) for rows in models])

    @torch.enable_grad()
    def products_and_slopes(self, theta: P, weights: N, vectors: KP, rows: Rows) -> tuple[KP, Float[Tensor, "k b"]]:
        """Σ wᵢ ∇²ℓᵢ v over some points and vᵀ∇ℓᵢ of each: the slopes of vᵀ Σ wᵢ ∇ℓᵢ in θ and in w."""
        leaf, weight = theta.clone().requires_grad_(), weights[rows].clone().requires_grad_()
        losses = self.task.losses(leaf, self.data.x_train[rows], self.data.y_train[rows])
        gradient = torch.autograd.grad((losses * weight).sum(), leaf, create_graph=True)
        products, slopes = torch.autograd.grad(gradient, (leaf, weight), (vectors,), is_grads_batched=True)
        return products, slopes

    def sample_products(self, theta: P, weights: N, vectors: RKP, *, samples: Int[Tensor, "r b"], kind: str) -> RKP:
        """Curvature over each of r samples, its weights scaled up by n / b, times the sample's own k vectors."""
        scaled = weights[samples] * (self.data.n / samples.shape[1])
        points = (self.data.x_train[samples], self.data.y_train[samples], scaled)
        return vmap(partial(PRODUCTS[kind], self.task, theta))(*points, vectors)

    def batch_gradients(self, weights: KN, *, cache: int) -> Callable[[Tensor], BatchGradient]:
        """(n / |batch|) Σ wᵢ ∇ℓᵢ over a batch, as a function of θ (k p) and then of the batch's rows.

        For thousands of gradients in a row: θ must be contiguous, may move, and is read where it lies. The cache holds
        `cache` numbers.
        """
        scaled = scaled_weights(weights, self.data.n)

        def gradient(theta: Tensor, rows: Tensor | None) -> Tensor:
            if rows is not None:
                return self.gradients(theta, scaled(rows.shape[-1]), rows)
            parts = (self.gradients(theta, weights, some) for some in self.chunks(len(weights)))
            return sum(parts, torch.zeros_like(theta))

        return lambda theta: partial(gradient, theta)


def scaled_weights(weights: KN, n: int) -> Callable[[int], Tensor]:
    """The weights in a batch of so many points, scaled up to n; an epoch's last batch may be smaller: two scales."""
    return lru_cache(maxsize=2)(lambda points: weights if points == n else weights * (n / points))


def weighted_loss(task: Model, theta: P, x: Tensor, y: Tensor, weights: Tensor) -> Float[Tensor, ""]:
    """Σ wᵢ ℓᵢ of one model."""
    return (task.losses(theta, x, y) * weights).sum()


def hessian_products(task: Model, theta: P, x: X, y: Y, weights: Tensor, vectors: KP) -> KP:
    """Forward over reverse: the derivative of the gradient along each vector."""
    loss = partial(weighted_loss, task, x=x, y=y, weights=weights)
    return vmap(lambda vector: jvp(grad(loss), (theta,), (vector,))[1])(vectors)


def gauss_newton_products(task: Model, theta: P, x: X, y: Y, weights: Tensor, vectors: KP) -> KP:
    """Jᵀ (∂²ℓ/∂z²) J v: each vector through the outputs' Jacobian, their curvature, and the Jacobian's transpose."""
    outputs, pullback = vjp(lambda at: task.outputs(at, x), theta)[:2]
    curved = task.output_loss.products(outputs, y, output_slopes(task, theta, x, vectors)) * weights
    return vmap(lambda cotangent: pullback(cotangent)[0])(curved)


def output_slopes(task: Model, theta: P, x: X, directions: KP) -> Float[Tensor, "k c b"]:
    """J dₖ by forward differentiation."""
    return vmap(lambda direction: jvp(lambda at: task.outputs(at, x), (theta,), (direction,))[1])(directions)


PRODUCTS = {"hessian": hessian_products, "gauss_newton": gauss_newton_products}
