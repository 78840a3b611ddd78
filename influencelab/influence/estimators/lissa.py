"""Influence by LiSSA: a fixed-point iteration on the curvature of all points, or of a few drawn anew at each step."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.errors import Diverged, InvalidParameter, NotSolved, NullSpaceMass
from influencelab.influence.curvature import Curvature, Solution, check_recipe, checked, lengths
from influencelab.influence.estimator import Solver
from influencelab.models import derivatives
from influencelab.models.shapes import KP, P
from influencelab.training.fit import Fit

# The step is this much shorter than the largest eigenvalue found asks for, which is found from below.
SAFETY = 1.05
# With all points at every step the residual only falls from 1, if the scale is large and no curvature negative.
GROWN = 1.01
# While every step shrinks, the t-th sum of steps is at most t times as long as g; luck explains no more than this.
LUCK = 1e3
# Sampled steps between two checks of the size of the estimates.
CHECK = 100
# Positions drawn ahead for each seed.
DRAWN = 2**16
# Numbers in the estimates of the repeats that run side by side: few enough for the cache.
CACHE = 2**18


@dataclass(frozen=True)
class Lissa(Solver):
    """s ← g + s − (C + damping I) s / scale, and s / scale at the end (Agarwal et al. 2017; Koh & Liang 2017, Sec. 3).

    The fixed point is (C + damping I)⁻¹ g whatever the scale; the scale only sets the length of a step. (In Koh &
    Liang's code the same knob adds damping × scale.) Theirs for MNIST is
    `Lissa(batch_size=1, scale=25, depth=5000, repeats=10)`. Where `depth` ends the iteration early, directions of
    little curvature are not yet reached, as if there were more damping: a NotSolved warning where all points are taken
    at every step, and `Estimate.residual` always. A small residual does not bound the error in such directions.

    Attributes:
        curvature: `hessian` or `gauss_newton`.
        damping: added to every eigenvalue; the scale has no part in it.
        batch_size: points drawn at each step, uniformly with replacement, their weights scaled up by n / batch_size;
            None takes all points at every step, and stops once the tolerance is reached.
        scale: above half the largest eigenvalue of a batch's curvature, or the iteration diverges. None finds it by
            power iteration: of all points, or the largest of the batches of one epoch.
        depth: steps, at most.
        repeats: independent runs, averaged; with all points at every step there is nothing to repeat, and one is made.
        tolerance: ‖(C + damping I) s − g‖ / ‖g‖ at which the iteration on all points stops.
        seed: of the draws and of the power iteration.
    """

    curvature: str = "hessian"
    damping: float = 0.0
    batch_size: int | None = None
    scale: float | None = None
    depth: int = 5000
    repeats: int = 1
    tolerance: float = 1e-8
    seed: int = 0

    def __post_init__(self) -> None:
        check_recipe(self.curvature, self.damping)
        for name in ("batch_size", "depth", "repeats"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InvalidParameter(f"{name} is {value}, expected at least 1.")
        if self.scale is not None and not 0 < self.scale < float("inf"):
            raise InvalidParameter(f"scale is {self.scale}, expected a positive number, or None to have it found.")
        if not 0 < self.tolerance < 1:
            raise InvalidParameter(f"tolerance is {self.tolerance}, expected a number between 0 and 1.")

    def solve(self, fit: Fit, gradients: Float[Tensor, "m p"]) -> tuple[Solution, float]:
        """Iterate for all measures at once, and measure what is left with one product.

        Raises:
            Diverged: the scale is too small, or some direction has negative curvature.
            NullSpaceMass: with all points at every step, what is left lies where the curvature is 0.
        """
        if self.batch_size is not None and self.batch_size > fit.data.n:
            raise InvalidParameter(
                f"batch_size is {self.batch_size} and there are {fit.data.n} training points; None takes them all."
            )
        curvature = Curvature(fit, kind=self.curvature, damping=self.damping)
        solved = self.full(curvature, gradients) if self.batch_size is None else self.sampled(curvature, gradients)
        return checked(curvature, gradients, solved), self.damping

    def full(self, curvature: Curvature, gradients: Float[Tensor, "m p"]) -> Float[Tensor, "m p"]:
        """The iteration with all points at every step, written for s / scale, whose step is the residual / scale."""
        scale = self.scale or SAFETY * full_scale(curvature, seed=self.seed)
        solved, left, size, worst = gradients / scale, gradients, lengths(gradients), 1.0
        for _ in range(self.depth):
            left = gradients - (curvature @ solved.T).T
            worst = float((left.norm(dim=1) / size).max())
            if not worst <= GROWN:
                raise Diverged(self.advice(scale, f"the residual grew to {worst:.1e}"))
            if worst <= self.tolerance:
                break
            solved += left / scale
        else:
            unsolved = left[left.norm(dim=1) > self.tolerance * size]
            check_null_mass(curvature, unsolved, scale=scale)
            warnings.warn(self.unsolved(worst, count=len(unsolved), of=len(left)), NotSolved, stacklevel=2)
        return solved

    def sampled(self, curvature: Curvature, gradients: Float[Tensor, "m p"]) -> Float[Tensor, "m p"]:
        """The mean of the repeats, run in groups that fit the cache."""
        size = self.batch_size or curvature.fit.data.n
        scale = self.scale or SAFETY * batch_scale(curvature, batch_size=size, seed=self.seed)
        generator = torch.Generator().manual_seed(self.seed)
        seeds = torch.randint(2**62, (self.repeats,), generator=generator).tolist()
        together = max(1, CACHE // gradients.numel())
        total = torch.zeros_like(gradients)
        for first in range(0, self.repeats, together):
            total += self.run(curvature, gradients, scale=scale, seeds=seeds[first : first + together]).sum(0)
        return total / (self.repeats * scale)

    def run(
        self, curvature: Curvature, gradients: Float[Tensor, "m p"], *, scale: float, seeds: list[int]
    ) -> Float[Tensor, "r m p"]:
        """s of one run a seed, not yet divided by the scale."""
        fit, size = curvature.fit, self.batch_size or curvature.fit.data.n
        losses = fit.task.derivatives(fit.data)
        factor = 1 - fixed_curvature(curvature) / scale
        weights, norms = fit.weights / scale, lengths(gradients)
        summed = gradients.repeat(len(seeds), 1, 1)
        for step, samples in enumerate(draws(fit.data.n, size=size, count=self.depth, seeds=seeds), start=1):
            products = losses.sample_products(
                fit.theta, weights, summed, samples=samples.to(gradients.device), kind=self.curvature
            )
            torch.addcmul(gradients, summed, factor, out=summed).sub_(products)
            if step % CHECK == 0 or step == self.depth:
                grown = float((summed.norm(dim=-1) / norms).max()) / (step + 1)
                if not grown <= LUCK:
                    raise Diverged(self.advice(scale, f"an estimate grew {grown:.0e} times as long as it can be"))
        return summed

    def unsolved(self, worst: float, *, count: int, of: int) -> str:
        """Message of an iteration whose steps were too few, with the next step."""
        return (
            f"LiSSA took all of its {self.depth} steps before {count} of {of} test gradients met tolerance "
            f"{self.tolerance:.1e}; ‖(C + damping I) s − g‖ / ‖g‖ is {worst:.1e}. Where the curvature is small their "
            "values may be far off, however small that is. Raise the depth or the damping, bring features to one scale "
            "(Source(scaling='standard')), or use 'conjugate_gradient'."
        )

    def advice(self, scale: float, what: str) -> str:
        """Message of an iteration that diverged, with the next step."""
        return (
            f"LiSSA diverged at scale {scale:.3g}: {what}. Raise the scale (None finds one), take larger batches, or, "
            "where some curvature is negative, curvature='gauss_newton' or more damping."
        )


def check_null_mass(curvature: Curvature, left: KP, *, scale: float) -> None:
    """Refuse, by NullSpaceMass, residuals along which the curvature is 0: no step shortens them. Others pass."""
    curvatures = (left * (curvature @ left.T).T).sum(1) / left.square().sum(1)
    flat = int((curvatures.abs() <= left.shape[1] * torch.finfo(left.dtype).eps * scale).sum())
    if flat:
        raise NullSpaceMass(
            f"What is left of {flat} test gradients lies where the curvature is zero, so no finite influence exists. "
            "Add damping or weight decay, or penalise the intercept."
        )


def fixed_curvature(curvature: Curvature) -> P:
    """The part of C + damping I that does not depend on the points drawn: weight decay and damping."""
    fit = curvature.fit
    return fit.task.penalty(fit.data, fit.theta).stiffness + curvature.damping


def full_scale(curvature: Curvature, *, seed: int) -> float:
    """The largest eigenvalue of C + damping I."""
    found = largest_eigenvalues(lambda row: (curvature @ row.T).T, random_start(curvature, seed=seed))
    return float(found[0])


def batch_scale(curvature: Curvature, *, batch_size: int, seed: int) -> float:
    """The largest eigenvalue that C + damping I has on any batch of one epoch."""
    epoch = partition(curvature.fit.data.n, size=batch_size, seed=seed).to(curvature.fit.theta.device)
    start, largest = random_start(curvature, seed=seed), 0.0
    for rows in derivatives.chunks(len(epoch), width=8 * start.shape[1]):
        samples = epoch[rows]
        found = largest_eigenvalues(partial(batch_products, curvature, samples), start.expand(len(samples), -1))
        largest = max(largest, float(found.max()))
    return largest


def batch_products(
    curvature: Curvature, samples: Int[Tensor, "r b"], vectors: Float[Tensor, "r p"]
) -> Float[Tensor, "r p"]:
    """C + damping I of each batch, times the batch's own vector."""
    fit = curvature.fit
    losses = fit.task.derivatives(fit.data)
    products = losses.sample_products(fit.theta, fit.weights, vectors[:, None], samples=samples, kind=curvature.kind)
    return products[:, 0] + fixed_curvature(curvature) * vectors


def random_start(curvature: Curvature, *, seed: int) -> Float[Tensor, "1 p"]:
    """A direction that favours none, drawn on the CPU so that devices agree."""
    theta = curvature.fit.theta
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, len(theta), generator=generator, dtype=theta.dtype).to(theta.device)


def largest_eigenvalues(
    multiply: Callable[[Tensor], Tensor], start: Float[Tensor, "r p"], *, tolerance: float = 1e-2, limit: int = 100
) -> Float[Tensor, " r"]:
    """The largest |eigenvalue| of r operators side by side, from below, by power iteration from their own rows.

    It stops once no estimate rises by more than the tolerance's part of itself in a step.
    """
    directions, sizes = start, start.new_zeros(len(start))
    for _ in range(limit):
        directions = torch.nn.functional.normalize(directions, dim=-1)
        directions, before = multiply(directions), sizes
        sizes = directions.norm(dim=-1)
        if bool((sizes - before <= tolerance * sizes).all()):
            break
    return sizes


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
