"""LIBLINEAR's coordinate descent on the dual of the true hinge, as scikit-learn calls it: the published arm."""

import warnings
from dataclasses import dataclass

import numpy
from jaxtyping import Float
from scipy.optimize import lsq_linear
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from torch import Tensor

from influencelab.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.hinge_dual import ROUNDING
from influencelab.task import Task
from influencelab.trainer import Trained, Trainer, check_finite
from influencelab.trainers.active_set import sided, true_hinge


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

    def train(self, task: Task, data: Dataset, theta: Float[Tensor, "k p"], weights: Float[Tensor, "k n"]) -> Trained:
        """Train each model under its row of weights.

        Raises:
            InvalidParameter: the task is no true hinge with every parameter penalised.
        """
        check_finite(theta.norm(dim=-1), what="θ", when="at the start")
        z = sided(true_hinge(task, data, who="liblinear"), data)
        found, steps = numpy.zeros(theta.shape), 0
        for model, bounds in enumerate(weights.cpu().double().numpy()):
            machine = LinearSVC(
                loss="hinge",
                C=1 / task.weight_decay,
                fit_intercept=False,
                tol=self.stopping,
                max_iter=self.max_steps,
                random_state=self.seed,
            )
            labels = data.y_train.cpu().numpy()
            # A weight a point is C a point, as scikit-learn has it.
            with warnings.catch_warnings():
                # That it stopped early is a fact of the fit: `grad_norm` and `converged` tell it.
                warnings.simplefilter("ignore", ConvergenceWarning)
                machine.fit((2 * labels - 1)[:, None] * z, labels, sample_weight=bounds)
            found[model], steps = machine.coef_[0], max(steps, int(machine.n_iter_))
        norms = [
            shortest(z, *model, decay=task.weight_decay) for model in zip(weights.cpu().numpy(), found, strict=True)
        ]
        norm = theta.new_tensor(numpy.array(norms))
        return Trained(theta=theta.new_tensor(found), grad_norm=norm, converged=norm <= self.tolerance, steps=steps)


def shortest(
    z: Float[numpy.ndarray, "n d"],
    bounds: Float[numpy.ndarray, " n"],
    theta: Float[numpy.ndarray, " d"],
    *,
    decay: float,
) -> float:
    """The length of the shortest subgradient of J at θ, by bounded least squares over the slopes at the bend."""
    s = z @ theta
    bent = (numpy.abs(s - 1) <= ROUNDING) & (bounds > 0)
    rest = decay * theta - z[~bent & (s < 1)].T @ bounds[~bent & (s < 1)]
    if not bent.any():
        return float(numpy.linalg.norm(rest))
    scaled = z[bent].T * bounds[bent]
    return float(numpy.linalg.norm(lsq_linear(scaled, rest, bounds=(0, 1), tol=1e-14).fun))
