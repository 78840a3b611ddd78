"""Newton's method by conjugate gradients: for networks too large for a dense Hessian, to a minimum that is proven."""

from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP
from influencelab.models.shifts import shifts_of
from influencelab.models.task import Task
from influencelab.training.certificate import lowest_curvature
from influencelab.training.deadline import out_of_time
from influencelab.training.trainer import Trained, Trainer, check_finite
from influencelab.training.trainers.newton import Place, Plan, evaluate, line_search

# What a step may leave of ∇J, in the metric of the preconditioner, far from a minimum and near it.
FAR, NEAR = 0.1, 1e-4


@dataclass(frozen=True)
class NewtonCG(Trainer):
    """Steps of −H⁻¹ ∇J, nearly, by products alone; k models take each product in one batch.

    Conjugate gradients search in the units in which the Gauss-Newton curvature of each parameter is 1, and stop where
    they meet a direction that bends down (Dembo and Steihaug 1983): what they have by then descends. Where ∇J is small
    a search of `proof` products says whether every direction bends up (`certificate`); where one bends down it is
    followed, and where that stays open, as along flat directions, the model does not count as converged.

    Attributes:
        max_steps: steps at most.
        products: for one step, at most.
        proof: products of the search for the lowest curvature, at most; 0 takes a small gradient for a minimum, as is
            enough for convex tasks, and for models retrained from one that is proven.
    """

    max_steps: int = 200
    products: int = 250
    proof: int = 1000

    def __post_init__(self) -> None:
        if self.max_steps < 0 or self.products < 1 or self.proof < 0 or not self.tolerance > 0:
            raise InvalidParameter(
                f"max_steps is {self.max_steps}, products {self.products}, proof {self.proof} and tolerance "
                f"{self.tolerance}; expected max_steps and proof ≥ 0, products ≥ 1 and tolerance > 0."
            )

    def train(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Train each model from its row of theta under its row of weights."""
        place, steps = evaluate(task, data, theta, weights), 0
        check_finite(place.value + place.norms, what="J or its gradient", when="at the start")
        tolerance = self.tolerance_of(task, data, weights)
        active, minimum = torch.arange(len(theta), device=theta.device), torch.zeros_like(place.norms).bool()
        while len(active):
            here, ours = place.take(active), weights[active]
            plan = self.plan(task, data, here, ours, tolerance=tolerance)
            minimum[active] = plan.arrived
            if plan.arrived.all() or steps == self.max_steps or out_of_time():
                break
            steps += 1
            on = ~plan.arrived
            active, here = active[on], here.take(on)
            moved = line_search(task, data, here, ours[on], plan.take(on))
            check_finite(moved.norms, what="The gradient", when=f"at step {steps}")
            place, active = place.put(active, moved), active[(moved.theta != here.theta).any(-1)]
        return Trained(theta=place.theta, grad_norm=place.norms, converged=minimum, steps=steps)

    def plan(self, task: Task, data: Dataset, here: Place, weights: KN, *, tolerance: float) -> Plan:
        """Mask of the models at a minimum, and directions for the others; none for what stays open."""
        near = here.norms <= tolerance
        direction, lowest, arrived = torch.zeros_like(here.theta), torch.zeros_like(here.value), near.clone()
        if not (task.convex or self.proof == 0):
            for row in near.nonzero().squeeze(1).tolist():
                found = lowest_curvature(task, data, here.theta[row], weights[row], products=self.proof)
                arrived[row] = found.bound > 0
                if found.negative:
                    direction[row], lowest[row] = found.direction, found.value
        if (rest := ~near).any():
            direction[rest] = newton_steps(task, data, here.take(rest), weights[rest], most=self.products)
        return Plan(direction, lowest, arrived)


def newton_steps(task: Task, data: Dataset, here: Place, weights: KN, *, most: int) -> KP:
    """−H⁻¹ ∇J of each model, nearly; or, where a direction bends down, as far as the others were searched."""
    each = zip(here.theta, weights, strict=True)
    diagonal = torch.stack([derivatives.diagonal(task, data, *model) for model in each])
    units = 1 / diagonal.maximum(torch.finfo(diagonal.dtype).eps * diagonal.amax(-1, keepdim=True))
    found, residual = torch.zeros_like(here.theta), -here.gradient
    active, ahead = torch.arange(len(found), device=found.device), units * residual
    # Where nothing bends up there is the direction of steepest descent, in these units.
    size, steepest = torch.linalg.vecdot(residual, ahead), ahead
    # The nearer, the more exact: each step then has half as many right digits again as the one before.
    end = here.norms.sqrt().clamp(NEAR, FAR).square() * size
    for _ in range(most):
        if not len(active):
            break
        product = derivatives.model_products(task, data, here.theta[active], weights[active], ahead)
        curvature = torch.linalg.vecdot(ahead, product)
        up = curvature > 0
        length = (size / curvature).where(up, 0)
        found[active] += length[:, None] * ahead
        residual = residual - length[:, None] * product
        eased = units * residual
        before, size = size, torch.linalg.vecdot(residual, eased)
        ahead = eased + (size / before)[:, None] * ahead
        on = up & (size > end)
        active, ahead, residual, size, end, units = (each[on] for each in (active, ahead, residual, size, end, units))
    found = found.where((found != 0).any(-1, keepdim=True), steepest)
    shifts = shifts_of(task, data)
    # A part along these changes nothing: null directions are left alone.
    return found if shifts is None else found - shifts.part(found.T).T
