"""LIBLINEAR's coordinate descent on the dual of the true hinge, as scikit-learn calls it: the published arm."""

import warnings
from dataclasses import dataclass
from functools import partial

import numpy
from scipy.optimize import lsq_linear
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.losses.hinge import sides
from influencelab.models.shapes import KN, KP
from influencelab.models.task import Task
from influencelab.training.svm_dual import ROUNDING, Each, Points, Theta
from influencelab.training.trainer import Trained, Trainer, check_finite
from influencelab.training.trainers.active_set import sided


@dataclass(frozen=True)
class Liblinear(Trainer):
    """`LinearSVC(loss="hinge", tol=…, max_iter=…, random_state=…)` with Koh & Liang's settings, for `SmoothHinge(t=0)`.

    It stops when its own bound on the dual's slopes is met, near the minimum and not at it: dozens of margins that are
    exactly 1 there are then a little off, on either side. `grad_norm` is the length of the shortest subgradient, which
    they make large however near θ is: follow with `active_set` for the minimum itself. The start is not used.

    Attributes:
        tolerance: length of that subgradient at which a model counts as converged.
        stopping: LIBLINEAR's own tolerance.
        max_steps: passes over the points.
        seed: of the order of the points.
    """

    stopping: float = 1e-6
    max_steps: int = 5000
    seed: int = 24

    def __post_init__(self) -> None:
        if not self.stopping > 0 or self.max_steps < 1:
            raise InvalidParameter(
                f"stopping is {self.stopping} and max_steps {self.max_steps}; expected stopping > 0 and max_steps ≥ 1."
            )

    def train(self, task: Task, data: Dataset, theta: KP, weights: KN) -> Trained:
        """Train each model under its row of weights.

        Raises:
            InvalidParameter: the task is no true hinge with every parameter penalised.
            InvalidData: all points are of one class.
        """
        check_finite(theta.norm(dim=-1), what="θ", when="at the start")
        z, side = sided(task, data, trainer="liblinear"), sides(data.y_train, theta).cpu().numpy()
        if (side == side[0]).all():
            raise InvalidData(f"{data.name}: all training points are of one class; LIBLINEAR needs points of both.")
        bounds = weights.cpu().double().numpy()
        solver = partial(
            LinearSVC,
            loss="hinge",
            C=1 / task.weight_decay,
            fit_intercept=False,
            tol=self.stopping,
            max_iter=self.max_steps,
            random_state=self.seed,
        )
        with warnings.catch_warnings():
            # That it stopped early is recorded in `grad_norm` and `converged`.
            warnings.simplefilter("ignore", ConvergenceWarning)
            # A weight a point is C a point.
            machines = [solver().fit(side[:, None] * z, side, sample_weight=each) for each in bounds]
        found = numpy.concatenate([machine.coef_ for machine in machines])
        norms = [shortest(z, *model, decay=task.weight_decay) for model in zip(bounds, found, strict=True)]
        norm = theta.new_tensor(norms)
        steps = max(int(machine.n_iter_) for machine in machines)
        return Trained(theta=theta.new_tensor(found), grad_norm=norm, converged=norm <= self.tolerance, steps=steps)


def shortest(z: Points, bounds: Each, theta: Theta, *, decay: float) -> float:
    """The length of the shortest subgradient of J at θ, by bounded least squares over the slopes at the bend."""
    s = z @ theta
    bent = (numpy.abs(s - 1) <= ROUNDING) & (bounds > 0)
    rest = decay * theta - z[~bent & (s < 1)].T @ bounds[~bent & (s < 1)]
    if not bent.any():
        return float(numpy.linalg.norm(rest))
    scaled = z[bent].T * bounds[bent]
    return float(numpy.linalg.norm(lsq_linear(scaled, rest, bounds=(0, 1), tol=1e-14).fun))
