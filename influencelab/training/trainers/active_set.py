"""Active-set solver of the true hinge: its exact minimum, from margins that are nearly right."""

from dataclasses import dataclass

import numpy

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.losses.hinge import Hinge, sides
from influencelab.models.shapes import KN, KP
from influencelab.models.task import Task
from influencelab.training.svm_dual import ROUNDING, Points, Search, residual
from influencelab.training.trainer import Trained, Trainer, check_finite

# Points with margins up to here take part in the search from its beginning; the others are checked when it is over.
NEAR = 2.0


@dataclass(frozen=True)
class ActiveSet(Trainer):
    """Finds which points lie at the bend of the hinge, and solves for them: `SmoothHinge(t=0)` to rounding.

    A true hinge has no gradient where a margin is 1, and its minimum has many such points: methods that follow slopes
    stop near it with dozens of them on the wrong side. Here `grad_norm` is the length of the shortest subgradient, the
    distance from the conditions of Karush, Kuhn and Tucker; rounding is all that is left of it. The start decides only
    how many changes of the active set it takes: from a fit without one point a few, from zeros about one a point.

    Attributes:
        tolerance: length of the shortest subgradient at which a model counts as converged.
        max_steps: changes of the active set, for each model.
    """

    tolerance: float = 1e-10
    max_steps: int = 100_000

    def train(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Train each model from the margins that its row of theta gives, under its row of weights.

        Raises:
            InvalidParameter: the task is no true hinge with every parameter penalised.
        """
        check_finite(theta.norm(dim=-1), what="θ", when="at the start")
        z = sided(task, data, trainer="active_set")
        bounds = weights.cpu().double().numpy()
        starts = theta.cpu().double().numpy().copy()
        inside = starts @ z.T <= NEAR
        optimal = numpy.zeros(len(theta), dtype=bool)
        left, steps = list(range(len(theta))), 0
        found = numpy.zeros_like(starts)
        alpha = numpy.zeros_like(bounds)
        while left:
            for model in left:
                rows = inside[model]
                search = Search(z[rows], bounds[model, rows], starts[model], decay=task.weight_decay)
                optimal[model] = search.run(max_steps=self.max_steps)
                steps, alpha[model, rows] = max(steps, search.steps), search.alpha
                found[model] = z[rows].T @ search.alpha / task.weight_decay
            # Points that were left out (α = 0) and whose margins put them into the search.
            missing = ~inside[left] & (bounds[left] > 0) & (found[left] @ z.T < 1 - ROUNDING)
            inside[left] |= missing
            starts[left] = found[left]
            left = [left[place] for place in numpy.flatnonzero(missing.any(1)) if optimal[left[place]]]
        norms = [residual(z, *model, decay=task.weight_decay) for model in zip(bounds, alpha, found, strict=True)]
        norm = theta.new_tensor(norms)
        return Trained(theta=theta.new_tensor(found), grad_norm=norm, converged=norm <= self.tolerance, steps=steps)


def sided(task: Task, data: Dataset, *, trainer: str) -> Points:
    """zᵢ: the features of each point, turned so that its margin is zᵢᵀθ, if a solver of the hinge's dual can train it.

    Raises:
        InvalidParameter: another loss, or parameters without a penalty.
    """
    if not (task.linear and task.plain and task.output_loss == Hinge(t=0)):
        raise InvalidParameter(
            f"The trainer '{trainer}' trains SmoothHinge(t=0), the true hinge, and was given {task}. "
            "Use 'newton' for a smooth loss."
        )
    if task.weight_decay == 0 or not task.penalised(data).all():
        raise InvalidParameter(
            f"The trainer '{trainer}' needs weight decay on every parameter; {task} leaves some free. "
            "Set weight_decay > 0, and intercept=False or penalise_intercept=True."
        )
    x = task.features(data.x_train)
    return (sides(data.y_train, x)[:, None] * x).cpu().double().numpy()
