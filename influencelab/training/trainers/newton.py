"""Newton's method with dense Hessians, safeguarded: for convex models and small networks, to the last digit."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP, K, Theta
from influencelab.models.task import Task
from influencelab.training import cholesky
from influencelab.training.deadline import out_of_time
from influencelab.training.line_search import DECREASE, ROUNDING, search
from influencelab.training.simultaneous_gradients import newton_directions
from influencelab.training.trainer import Batched, Trained, Trainer, check_finite

# Numbers in the Hessians that are worked on at once, and parameters up to which there are any of convex tasks.
HESSIANS, FACTORISED = 2**23, 10_000
# Parameters for each product that is tried before a large Hessian of a convex task, which takes longer than all these;
# and what they may leave of ∇J, as little as a step by the Hessian does near a minimum.
TRIED, LITTLE = 32, 1e-7
# A curvature below minus this share of the largest is negative beyond doubt.
NEGATIVE = 1e-10
# A negative curvature is followed where ∇J is below this share of it: Newton's step along it would be this short.
GENTLE = 1e-2
# Where H has a negative eigenvalue, far from a minimum, each |λ| grows by this share of ‖∇J‖: tiny ones would
# otherwise send θ far away (Levenberg; on tanh networks of depth 4 it halves the steps, and more of them arrive).
LEVENBERG = 0.1
# What a solve with lifted eigenvalues may leave of ∇J.
REMAINDER = 0.1
# Steps tried along one direction before it is given up.
TRIALS = 30
# A diagonal of a Hessian whose smallest entry is below this share of its largest may hide features in what looks null.
UNEVEN = 1e-6
# So many steps in a row of one direction, none shorter than this share of the one before, go on without end: a
# gradient that falls by e at each of them (a loss with a tail) has fallen by 1e-13, and no minimum is nearer.
ENDLESS, AS_LONG, AS_STRAIGHT = 30, 0.9, 0.99


@dataclass(frozen=True)
class Newton(Trainer):
    """Steps of −|H|⁻¹ ∇J, shortened until J descends, with |H| the Hessian whose eigenvalues lost their sign.

    Of linear tasks with more than 10,000 parameters conjugate gradients find them, from products alone; of more than
    4,096 they are tried before.

    Null directions (an unpenalised softmax intercept) are left alone. A network counts as converged only where no
    curvature is negative: from a saddle point it follows the most negative one, whichever way J falls further. A
    model for which no step descends stops unconverged, and so does one that goes on without end in one direction.

    Attributes:
        max_steps: steps at most.
    """

    max_steps: int = 500

    def __post_init__(self) -> None:
        if self.max_steps < 0 or not self.tolerance > 0:
            raise InvalidParameter(
                f"max_steps is {self.max_steps} and tolerance {self.tolerance}; "
                "expected max_steps ≥ 0 and tolerance > 0."
            )

    def train(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Train each model from its row of theta under its row of weights."""
        place = evaluate(task, data, theta, weights)
        check_finite(place.value + place.norms, what="J or its gradient", when="at the start")
        active, steps = torch.arange(len(theta), device=theta.device), 0
        last_move, straight = torch.zeros_like(theta), torch.zeros_like(place.norms)
        tolerance = self.tolerance_of(task, data, weights)
        minimum = torch.zeros_like(place.norms).bool()
        while len(active):
            here, ours = place.take(active), weights[active]
            last = steps == self.max_steps or out_of_time()
            plan = self.plan(task, data, here, ours, tolerance=tolerance, last=last)
            minimum[active] = plan.arrived
            if plan.arrived.all() or last:
                break
            steps += 1
            on = ~plan.arrived
            active, here, ours, plan = active[on], here.take(on), ours[on], plan.take(on)
            moved = line_search(task, data, here, ours, plan)
            check_finite(moved.norms, what="The gradient", when=f"at step {steps}")
            place, move = place.put(active, moved), moved.theta - here.theta
            straight[active] = (straight[active] + 1).where(goes_on(last_move[active], move), 0)
            last_move[active] = move
            active = active[(move != 0).any(-1) & (straight[active] < ENDLESS)]
        return Trained(theta=place.theta, grad_norm=place.norms, converged=minimum, steps=steps)

    def plan(self, task: Task, data: Dataset, here: "Place", weights: KN, *, tolerance: float, last: bool) -> "Plan":
        """Mask of the models at a minimum, and directions for the others."""
        near = here.norms <= tolerance
        # Those that go on need a direction; a small gradient proves a minimum only where J is convex.
        asked = (~near & (not last)) | (near & (not task.convex))
        direction, lowest = torch.zeros_like(here.theta), torch.zeros_like(here.value)
        size, only = here.theta.shape[1] ** 2, by_products(task, here.theta)
        if (only or (task.linear and task.convex and size >= cholesky.LARGE)) and asked.any():
            some = here.theta[asked], weights[asked], here.gradient[asked]
            limits = {} if only else {"remainder": LITTLE, "products": here.theta.shape[1] // TRIED}
            direction[asked], found = newton_directions(task, data, *some, **limits)
            asked[asked.clone()] = ~(found | only)
        for rows in asked.nonzero().squeeze(1).split(max(1, HESSIANS // size)):
            hessian = derivatives.hessians(task, data, here.theta[rows], weights[rows])
            check_finite(hessian.sum((1, 2)), what="The Hessian", when="where a step of Newton starts")
            step = convex_descent if task.convex else descent
            direction[rows], lowest[rows] = step(hessian, here.gradient[rows], tolerance=tolerance)
        return Plan(direction, lowest, near & (lowest == 0))


@dataclass(frozen=True, eq=False)
class Place(Batched):
    """θ of each model, J and ∇J there."""

    theta: KP
    value: K
    gradient: KP

    @property
    def norms(self) -> K:
        """‖∇J‖."""
        return self.gradient.norm(dim=-1)


@dataclass(frozen=True, eq=False)
class Plan(Batched):
    """Direction of each model's next step: a negative curvature's, of length 1, where that is followed.

    `lowest` is the curvature of J along it if that is negative beyond doubt and followed, else 0; a model that has
    `arrived` is at a minimum and stays.
    """

    direction: KP
    lowest: K
    arrived: Bool[Tensor, " k"]


def by_products(task: Task, theta: Theta) -> bool:
    """Whether a task is convex and linear with so many parameters that its curvature is known by products alone."""
    return task.linear and task.convex and theta.shape[-1] > FACTORISED


def evaluate(task: Task, data: Dataset, theta: KP, weights: KN) -> Place:
    """Measure J and ∇J."""
    return Place(theta, *derivatives.objectives_and_gradients(task, data, theta, weights))


def convex_descent(hessian: Float[Tensor, "k p p"], gradient: KP, *, tolerance: float) -> tuple[KP, K]:
    """`descent`, where units are uneven with each parameter in the one in which its own curvature is 1.

    No feature's unit then looks flat; where units are even, null directions are left alone. The Hessians are scaled in
    place.
    """
    size = hessian.diagonal(dim1=-2, dim2=-1).clamp_min(0)
    uneven = size.amin(-1, keepdim=True) <= UNEVEN * size.amax(-1, keepdim=True)
    if not uneven.any():
        return descent(hessian, gradient, tolerance=tolerance)
    units = size.rsqrt().where(uneven & (size > 0), 1.0)
    hessian.mul_(units[:, :, None]).mul_(units[:, None, :])
    direction, lowest = descent(hessian, units * gradient, tolerance=tolerance)
    return units * direction, lowest


def descent(hessian: Float[Tensor, "k p p"], gradient: KP, *, tolerance: float) -> tuple[KP, K]:
    """−H⁻¹ ∇J, or the most negative curvature's direction where ∇J is too small against it; and that curvature.

    Where H is only semidefinite, all its eigenvalues are lifted a little: null directions then cost no eigenvalue
    problem, and get no step unless ∇J has mass along them, which a remainder as large as ∇J gives away.
    """
    factor, fault = torch.linalg.cholesky_ex(hessian)
    pivots = factor.diagonal(dim1=-2, dim2=-1).square()
    # A feature in small units has a small pivot, which is no less exact: it is rounding beside its own diagonal only.
    least = torch.minimum(pivots.amax(-1, keepdim=True), hessian.diagonal(dim1=-2, dim2=-1))
    flat = (fault != 0) | (pivots <= rounding(hessian) * least).any(-1)
    lift = max(NEGATIVE, rounding(hessian)) * hessian.diagonal(dim1=-2, dim2=-1).amax(-1).where(flat, 0)
    if flat.all():
        # One large Hessian and its factor are enough to hold.
        del factor
        own = hessian.diagonal(dim1=-2, dim2=-1).clone()
        hessian.diagonal(dim1=-2, dim2=-1).add_(lift[:, None])
        factor, fault = torch.linalg.cholesky_ex(hessian)
        hessian.diagonal(dim1=-2, dim2=-1).copy_(own)
    elif flat.any():
        lifted = hessian[flat]
        lifted.diagonal(dim1=-2, dim2=-1).add_(lift[flat, None])
        factor[flat], fault[flat] = torch.linalg.cholesky_ex(lifted)
    direction = -cholesky.solve(factor, gradient[..., None]).squeeze(-1)
    solved = (fault == 0) & (lift * direction.norm(dim=-1) <= REMAINDER * gradient.norm(dim=-1))
    lowest = torch.zeros_like(gradient[:, 0])
    if not solved.all():
        direction[~solved], lowest[~solved] = modified(hessian[~solved], gradient[~solved], tolerance=tolerance)
    return direction, lowest


def modified(hessian: Float[Tensor, "k p p"], gradient: KP, *, tolerance: float) -> tuple[KP, K]:
    """−|H|⁻¹ ∇J without its null directions, or the most negative curvature's direction; and that curvature."""
    values, vectors = torch.linalg.eigh(hessian)
    size, norms = values.abs(), gradient.norm(dim=-1)
    real = size > rounding(hessian) * size.amax(-1, keepdim=True)
    negative = values[:, 0] < -max(NEGATIVE, rounding(hessian)) * size.amax(-1)
    floor = (LEVENBERG * norms).where(negative, 0)[:, None]
    along = (vectors.mT @ gradient[..., None]).squeeze(-1)
    newton = -(vectors @ (along / (size + floor)).where(real, 0)[..., None]).squeeze(-1)
    followed = negative & (norms <= (GENTLE * -values[:, 0]).clamp(min=tolerance))
    return vectors[:, :, 0].where(followed[:, None], newton), values[:, 0].where(followed, 0)


def goes_on(before: KP, now: KP) -> Bool[Tensor, " k"]:
    """Whether each step goes on in the direction of the one before, about as far or farther."""
    lengths, along = before.norm(dim=-1), torch.linalg.vecdot(before, now)
    return (now.norm(dim=-1) >= AS_LONG * lengths) & (along > AS_STRAIGHT * lengths * now.norm(dim=-1))


def rounding(hessian: Float[Tensor, "k p p"]) -> float:
    """The share of its largest eigenvalue below which an eigenvalue is rounding."""
    return hessian.shape[-1] * torch.finfo(hessian.dtype).eps


def line_search(task: Task, data: Dataset, here: Place, weights: KN, plan: Plan) -> Place:
    """Move each model along its direction until J descends; one for which no step descends stays where it is."""
    slope = torch.linalg.vecdot(here.gradient, plan.direction)
    line, left, reached = search(here.value, slope), torch.arange(len(slope), device=slope.device), here
    on = (slope < 0) & (plan.lowest == 0)
    for _ in range(TRIALS):
        line, left = line.take(on), left[on]
        if not len(left):
            break
        direction = plan.direction[left]
        trial = evaluate(task, data, here.theta[left] + line.step[:, None] * direction, weights[left])
        slope = torch.linalg.vecdot(trial.gradient, direction)
        on = ~line.descends(trial.value, slope)
        reached = reached.put(left[~on], trial.take(~on))
        line = line.refused(slope, too_long=torch.ones_like(on))
    return escape(task, data, reached, weights, plan)


def escape(task: Task, data: Dataset, here: Place, weights: KN, plan: Plan) -> Place:
    """Move the models at a saddle along their negative curvature, in both directions."""
    left = (plan.lowest < 0).nonzero().squeeze(1)
    noise = ROUNDING * torch.finfo(here.value.dtype).eps * here.value.abs()
    reached, step = here, 1.0
    for trial in range(2 * TRIALS):
        if not len(left):
            break
        step = -step if trial % 2 else abs(step) / 2
        there = evaluate(task, data, here.theta[left] + step * plan.direction[left], weights[left])
        predicted = -DECREASE * step**2 / 2 * plan.lowest[left]
        down = here.value[left] - there.value > predicted.maximum(noise[left])
        reached, left = reached.put(left[down], there.take(down)), left[~down]
    return reached
