"""Where an estimate's error comes from: five terms that sum to truth minus estimate (Bae et al. 2022)."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.errors import unknown
from influencelab.experiments.outcome import Outcome
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.recipe import Recipe

__all__ = ["Decomposition"]

# Each answer to "what does the removal do?", from training anew to first order; each term is one minus the next.
TRUTHS = ("cold", "warm", "proximal", "pbrf")
STEPS = (*TRUTHS, "linearised", "estimate")
TERMS = ("warm start", "proximity", "non-convergence", "linearisation", "solver")


@dataclass(frozen=True)
class Decomposition(Recipe):
    """Truths and estimators that stand between retraining from scratch and an estimate.

    Attributes:
        cold: training anew, from the start.
        damping: of the proximal objective, of the proximal Bregman response and of its linearisation, alike.
        warm: training on from the fit.
    """

    cold: Retrainer
    damping: float
    warm: Retrainer = field(default_factory=SecondOrder)

    def targets(self) -> dict[str, Retrainer]:
        """The four truths, each found by retraining from the fit alone, for `Trial.targets`."""
        return {
            "cold": self.cold,
            "warm": self.warm,
            "proximal": SecondOrder(target="proximal", target_damping=self.damping),
            "pbrf": SecondOrder(target="pbrf", target_damping=self.damping),
        }

    def estimators(self, estimator: Estimator) -> dict[str, Estimator]:
        """The linearised response, solved exactly, and the estimate in question, for `Trial.estimators`."""
        linearised = Exact(curvature="gauss_newton", damping=self.damping, allow_unconverged=True)
        return {"estimate": estimator, "linearised": linearised}


def terms_of(changes: Mapping[str, Float[Tensor, "r m"]]) -> dict[str, Float[Tensor, "r m"]]:
    """The parts of an error by the names of `TERMS`, in nats, from the rise of each test loss at each of `STEPS`.

    Each is what the truth loses when one idealisation more is made, and their sum is truth − estimate. Of a network
    that did converge `non-convergence` is what the Hessian has and Gauss-Newton leaves out. A missing step is refused.
    """
    for name in STEPS:
        if name not in changes:
            raise unknown("step", name, changes)
    steps = itertools.pairwise(STEPS)
    return {term: changes[one] - changes[other] for term, (one, other) in zip(TERMS, steps, strict=True)}


def terms_in(outcome: Outcome) -> dict[str, Float[Tensor, "r m"]]:
    """The terms of a trial whose targets and estimators bear the names of `Decomposition`."""
    return terms_of({**outcome.actual, **outcome.predicted})


def valid_in(outcome: Outcome) -> Bool[Tensor, " r"]:
    """Which of its experiments all four retrainers trust."""
    return torch.stack([outcome.trusted[name] for name in TRUTHS]).all(0)
