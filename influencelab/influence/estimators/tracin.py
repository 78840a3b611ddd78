"""Influence along the path of training: what each point's steps did for each test point."""

import time
from dataclasses import dataclass, replace

from influencelab import kind, names
from influencelab.errors import InvalidParameter
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.models import derivatives
from influencelab.recipe import kind_name
from influencelab.training.first_order import FirstOrder
from influencelab.training.fit import Fit
from influencelab.training.trainer import Trainer


@dataclass(frozen=True)
class TracIn(Estimator):
    """wᵢ Σ_t η ∇ℓᵢ(θ_t)ᵀ ∇L_j(θ_t) over checkpoints, each for the steps since the last (Pruthi et al. 2020).

    What the steps on point i together took off test loss j, in nats, to first order in the learning rate η of plain
    gradient descent. What each step did to later ones is forgotten, and so are momentum (which makes steps about
    1 / (1 − momentum) times longer), Adam's scaling and weight decay: with them it ranks, and its size is too small
    or means little. It makes no claim about minima and takes any fit of a first-order trainer; `allow_unconverged`
    has no effect.

    The checkpoints are found by training once more from the same start.

    Attributes:
        checkpoints: how many, evenly spaced over the steps; the last is the fit itself, and the start is none. With
            as many as there were steps, none is left out.
    """

    checkpoints: int = 5

    def __post_init__(self) -> None:
        if self.checkpoints < 1:
            raise InvalidParameter(f"checkpoints is {self.checkpoints}, expected at least 1.")

    def estimate(self, fit: Fit) -> Estimate:
        """Train from checkpoint to checkpoint, and add up.

        Raises:
            InvalidParameter: the trainer takes no steps of a stated length, or fewer than there are checkpoints.
        """
        started = time.perf_counter()
        trainer = traceable(fit.trainer)
        slopes = fit.theta.new_zeros(fit.data.n, fit.data.m)
        theta, memory, before = fit.start[None], None, 0
        if fit.steps < self.checkpoints:
            raise InvalidParameter(
                f"checkpoints is {self.checkpoints} and training took {fit.steps} steps; ask for at most that many."
            )
        for place in range(1, self.checkpoints + 1):
            step = round(place * fit.steps / self.checkpoints)
            part = replace(trainer, steps=step - before)
            trained = part.train(fit.task, fit.data, theta, fit.weights[None], memory=memory)
            theta, memory = trained.theta, trained.memory
            length = sum(trainer.rate(taken) for taken in range(before, step))
            gradients = fit.measure.gradients(fit.task, fit.data, theta[0])
            slopes -= length * derivatives.point_slopes(fit.task, fit.data, theta[0], gradients)
            before = step
        return estimate_of(self, fit, -fit.weights[:, None] * slopes, slopes=slopes, started=started)


def traceable(trainer: Trainer) -> FirstOrder:
    """The trainer, if it takes a stated number of steps at a stated rate; an InvalidParameter names those that do."""
    if isinstance(trainer, FirstOrder):
        return trainer
    known = [name for name in names(Trainer) if issubclass(kind(Trainer, name), FirstOrder)]
    raise InvalidParameter(
        f"training by '{kind_name(trainer)}' has no learning rate to weigh its path with; tracin can follow "
        f"{', '.join(known)}. Fit with one of them, or take an estimator that asks only for a minimum."
    )
