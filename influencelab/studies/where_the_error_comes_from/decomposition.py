"""Where an estimate's error comes from: five terms that sum to truth minus estimate (Bae et al. 2022)."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.errors import InvalidData, unknown
from influencelab.experiments.trial import Outcome
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.recipe import Recipe

__all__ = ["Decomposition"]

# Each answer to "what does the removal do?", from training anew to first order; each term is one minus the next.
TRUTHS = ("cold", "warm", "proximal", "pbrf")
STEPS = (*TRUTHS, "linearised")
TERMS = ("warm start", "proximity", "non-convergence", "linearisation", "solver")


@dataclass(frozen=True)
class Decomposition(Recipe):
    """Which truths stand between retraining from scratch and an estimate.

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


@dataclass(frozen=True, eq=False)
class Terms:
    """The parts of an error, for each experiment and test point.

    Attributes:
        parts: parts[term][r, j], in nats, in the order of `TERMS`: what the truth of experiment r and test point j
            loses when one idealisation more is made. Their sum is truth − estimate. Of a network that did converge
            `non-convergence` is what the Hessian has and Gauss-Newton leaves out.
        truth: the rise of each test loss by training anew, the control subtracted.
        valid: which experiments every retrainer trusts; the shares are about these.
        test_ids: where the test points stand in their source.
    """

    parts: dict[str, Float[Tensor, "r m"]]
    truth: Float[Tensor, "r m"]
    valid: Bool[Tensor, " r"]
    test_ids: Int[Tensor, " m"]


def terms_of(
    changes: Mapping[str, Float[Tensor, "r m"]],
    *,
    valid: Bool[Tensor, " r"],
    test_ids: Int[Tensor, " m"],
    estimate: str = "estimate",
) -> Terms:
    """The differences of each step to the next.

    Args:
        changes: the rise of each test loss at each of `STEPS`, its own control subtracted, and the estimate.
        estimate: the name of the estimate among them.

    Raises:
        UnknownName: a step is missing.
        InvalidData: a step was made for other experiments or test points.
    """
    steps = (*STEPS, estimate)
    for name in steps:
        if name not in changes:
            raise unknown("step", name, changes)
        if changes[name].shape != changes["cold"].shape:
            found = " and ".join(str(tuple(changes[each].shape)) for each in ("cold", name))
            raise InvalidData(f"'cold' and '{name}' have shapes {found}; take all steps from the same experiments.")
    parts = {
        term: changes[one] - changes[other] for term, (one, other) in zip(TERMS, itertools.pairwise(steps), strict=True)
    }
    return Terms(parts=parts, truth=changes["cold"], valid=valid, test_ids=test_ids)


def terms_in(outcome: Outcome, *, estimate: str = "estimate") -> Terms:
    """The terms of a trial whose targets and estimators bear the names of `Decomposition`.

    Args:
        estimate: which of its estimators the error is of.

    Raises:
        UnknownName: the trial lacks a step.
    """
    for name in TRUTHS:
        if name not in outcome.trusted:
            raise unknown("target", name, outcome.trusted)
    return terms_of(
        {**outcome.actual, **outcome.predicted},
        valid=torch.stack([outcome.trusted[name] for name in TRUTHS]).all(0),
        test_ids=outcome.test_ids,
        estimate=estimate,
    )
