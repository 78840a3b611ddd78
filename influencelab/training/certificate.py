"""Proof that a network is at a minimum, from products with its Hessian alone: no p × p table is formed."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, require, whole
from influencelab.models import derivatives
from influencelab.models.shapes import KP, N, P
from influencelab.models.task import Task
from influencelab.summary import Summarised
from influencelab.training.fit import Fit, threads_for
from influencelab.training.simultaneous_gradients import simultaneous_conjugate_gradients

__all__ = ["Certificate", "certificate"]

# The chance that a bound is wrong, over all starts of the search; and the products between two looks at it.
FAILURE, BETWEEN = 1e-6, 25
# A curvature below minus this share of the largest is negative beyond doubt.
NEGATIVE = 1e-10
# Numbers of a basis that is held to stay orthogonal; beyond them the search ends.
BASIS = 2**26
# What conjugate gradients leave of ∇J, and products that they take at most.
REMAINDER, PRODUCTS = 1e-3, 1000


@dataclass(frozen=True, eq=False)
class Lowest:
    """The lowest curvature of J at one θ.

    Attributes:
        value: the smallest curvature found along any direction; λ_min is no larger.
        bound: λ_min is no smaller, but with a chance of 1e-6 over random starts.
        largest: the largest curvature found.
        direction: of length 1, along which the curvature is `value`.
        products: with the Hessian that were taken.
    """

    value: float
    bound: float
    largest: float
    direction: P
    products: int

    @property
    def negative(self) -> bool:
        """Whether a direction was found along which J bends down beyond rounding."""
        return self.value < -NEGATIVE * self.largest


@dataclass(frozen=True, repr=False)
class Certificate(Summarised):
    """How sure it is that a fit is at a minimum, where it is too large for a dense Hessian.

    Attributes:
        grad_norm: ‖∇J‖.
        converged: whether that is as small as the fit's trainer asks for.
        smallest_curvature: the smallest found along any direction; λ_min of the Hessian of J is no larger.
        bound: λ_min is no smaller, but with a chance of 1e-6 over random starts of the search.
        largest_curvature: the largest found.
        decrement: √(∇Jᵀ H⁻¹ ∇J), nearly: what one more step of Newton's would lower J by is half its square. NaN where
            conjugate gradients met a direction that bends down, or did not come to an end.
        products: with the Hessian, that all of this took.
    """

    grad_norm: float
    converged: bool
    smallest_curvature: float
    bound: float
    largest_curvature: float
    decrement: float
    products: int

    @property
    def proven(self) -> bool:
        """Whether J has a slope of nearly 0 there and bends up along every direction."""
        return self.converged and self.bound > 0

    def summary(self) -> dict[str, str]:
        """What is known, and whether it is enough."""
        return {
            "minimum": "proven" if self.proven else "not proven",
            "‖∇J‖": f"{self.grad_norm:.1e}",
            "λ_min": f"{self.bound:.2e} to {self.smallest_curvature:.2e}",
            "λ_max": f"{self.largest_curvature:.2e}",
            "Newton's decrement": f"{self.decrement:.1e}",
            "products": f"{self.products:,}",
        }


@torch.inference_mode(mode=False)
def certificate(fit: Fit, *, products: int = 1000, seed: int = 0) -> Certificate:
    """Search for a direction along which J does not bend up, and bound what the search may have missed.

    Lanczos' method finds the ends of the spectrum; how far beyond them an eigenvalue may lie is bounded for a random
    start by Kuczyński and Woźniakowski (1992, Theorem 4.2): after k products the chance that λ_min is lower than what
    was found by more than a share ε of λ_max − λ_min is at most 1.648 √p exp(−√ε (2k − 1)). A proof takes about
    ½ ln(1.648 √p / 1e-6) √(λ_max / λ_min) products. Where J is flat along some direction, as along that of output
    biases without a penalty, there is none.

    Args:
        fit: of any task without kinks, at which curvature says nothing.
        products: with the Hessian at most, in the search.
        seed: of its start.

    Raises:
        WrongType: something else than a fit, or than a whole number.
        InvalidParameter: products below 1, or a task with kinks.
    """
    require(fit, Fit, what="fit")
    if fit.task.kink:
        raise InvalidParameter(
            f"A certificate needs a task without kinks, where curvature is all; this is {type(fit.task).__name__} with "
            f"{fit.task.kink}. Use a smooth activation, such as tanh or softplus."
        )
    most, seed = whole(products, what="products", least=1), whole(seed, what="seed")
    with threads_for(fit):
        found = lowest_curvature(fit.task, fit.data, fit.theta, fit.weights, products=most, seed=seed)
        gradient = derivatives.gradients(fit.task, fit.data, fit.theta[None], fit.weights[None])
        decrement, taken = decrement_of(fit, gradient)
    return Certificate(
        grad_norm=float(gradient.norm()),
        converged=fit.converged,
        smallest_curvature=found.value,
        bound=found.bound,
        largest_curvature=found.largest,
        decrement=decrement,
        products=found.products + taken,
    )


def decrement_of(fit: Fit, gradient: KP) -> tuple[float, int]:
    """√(∇Jᵀ H⁻¹ ∇J) by conjugate gradients, or NaN where they do not find it; and the products that they took."""
    diagonal, taken = derivatives.diagonal(fit.task, fit.data, fit.theta, fit.weights), 0
    units = 1 / diagonal.clamp_min(torch.finfo(diagonal.dtype).tiny)

    def multiply(_: Tensor, vectors: Tensor) -> Tensor:
        nonlocal taken
        taken += 1
        return derivatives.products(fit.task, fit.data, fit.theta, fit.weights, vectors)

    step, solved = simultaneous_conjugate_gradients(
        multiply,
        gradient,
        precondition=lambda vectors: units * vectors,
        tolerance=REMAINDER,
        max_iterations=PRODUCTS,
    )
    return (float((gradient * step).sum()) ** 0.5 if solved.all() else math.nan), taken


def lowest_curvature(task: Task, data: Dataset, theta: P, weights: N, *, products: int, seed: int = 0) -> Lowest:
    """The lowest curvature of J at θ by Lanczos' method, until it is proven positive, or negative, or for so long."""
    return lowest_of(
        lambda vector: derivatives.products(task, data, theta, weights, vector[None])[0],
        torch.randn(len(theta), generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(theta),
        products=products,
    )


def lowest_of(multiply: Callable[[P], P], start: P, *, products: int) -> Lowest:
    """The same of any symmetric matrix, from a start that is normally distributed; its basis is kept orthogonal."""
    most = max(1, min(products, len(start), BASIS // len(start)))
    basis = start.new_empty(most, len(start))
    diagonal, beside = list[float](), list[float]()
    ahead, looks, turn, bound = start / start.norm(), most // BETWEEN + 2, start.new_ones(1), -math.inf
    values = torch.zeros(1, dtype=torch.float64)
    for count in range(1, most + 1):
        basis[count - 1] = ahead
        moved = multiply(ahead)
        diagonal.append(float(moved @ ahead))
        for _ in range(2):
            moved = moved - basis[:count].T @ (basis[:count] @ moved)
        size = float(moved.norm())
        # What is left is rounding: no further direction can be told from it.
        spent = size <= torch.finfo(start.dtype).eps * max(map(abs, diagonal)) * len(start)
        if count % BETWEEN == 0 or count == most or spent:
            values, vectors = torch.linalg.eigh(tridiagonal(diagonal, beside))
            turn = vectors[:, 0]
            bound = float(values[0]) - missed(count, start, values, looks=looks, left=size)
            if spent or bound > 0 or values[0] < -NEGATIVE * values[-1]:
                break
        beside.append(size)
        ahead = moved / size
    direction = basis[: len(turn)].T @ turn.to(start)
    return Lowest(float(values[0]), bound, float(values[-1]), direction / direction.norm(), len(turn))


def missed(count: int, start: P, values: Tensor, *, looks: int, left: float) -> float:
    """How far λ_min may lie below the least of the values found: all that so many looks and rounding leave open.

    By the theorem, at either end of the spectrum; or by what is left of the last product: an eigenvalue lower by g
    has a part in the start of at most left / g, which is below x with a chance of at most x √(2p / π).
    """
    p, seen, chance = len(start), float(values[-1] - values[0]), FAILURE / (3 * looks)
    rounding = p * torch.finfo(start.dtype).eps * float(values.abs().max())
    if count == p:
        return rounding
    share = (math.log(1.648 * math.sqrt(p) / chance) / (2 * count - 1)) ** 2
    by_theorem = share * seen / (1 - 2 * share) if share < 0.5 else math.inf
    return rounding + min(by_theorem, left * math.sqrt(2 * p / math.pi) / chance)


def tridiagonal(diagonal: list[float], beside: list[float]) -> Tensor:
    """The symmetric matrix with these on and beside its diagonal."""
    off = torch.tensor(beside, dtype=torch.float64)
    return torch.diag(torch.tensor(diagonal, dtype=torch.float64)) + torch.diag(off, 1) + torch.diag(off, -1)
