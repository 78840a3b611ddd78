"""Removals of one fit gone a part of the way: the truth at each share, and what says beforehand where it will bend."""

from dataclasses import dataclass, replace

from influencelab.data.perturbations.downweighting import Downweighting
from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import Outcome, target_facts
from influencelab.experiments.trial import Trial
from influencelab.influence.curvature import Curvature
from influencelab.influence.leverage import leverage_shares
from influencelab.influence.second_order_effect import second_order_effects
from influencelab.recipe import Progress, Recipe, stage, unheard

# The estimator whose prediction at ε = 1 is influence plus the bend of the path.
SECOND_ORDER = "second_order"


@dataclass(frozen=True)
class RemovalPath(Recipe):
    """A trial that also retrains with only a share ε of each removed point's weight taken away, always from the fit.

    Its outcome gains a target `warm/0.1` for each share, the trial's own target being ε = 1; an estimator
    `second_order`, what influence and half the second derivative along the path come to at ε = 1, so that at ε the
    prediction is ε a + ε² b; and the fact `leverages`, the largest eigenvalue of each removed point's leverage block.

    Attributes:
        trial: what is fitted, estimated and retrained: one target, single removals, convention `drop`.
        shares: each above 0 and below 1.

    Raises:
        InvalidParameter: a share outside, or a trial that removes otherwise.
    """

    trial: Trial
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.shares or not all(0 < share < 1 for share in self.shares):
            raise InvalidParameter(f"shares are {self.shares}, expected numbers above 0 and below 1, at least one.")
        if len(self.trial.targets) != 1 or self.trial.groups is not None or self.trial.convention != "drop":
            raise InvalidParameter("a path needs a trial of one target, of single removals, and of convention 'drop'.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Run the trial, then retrain at every share."""
        report = progress or unheard
        outcome = self.trial.run(device=device, progress=stage(report, 0.0, 0.5))
        fitted = self.trial.fit_of(outcome, device=device)
        removals = self.trial.removals_of(outcome, fitted.data)
        ((name, retrainer),) = self.trial.targets.items()
        truths = {}
        for count, share in enumerate(self.shares):
            part = Downweighting(points=removals.points, n=removals.n, share=share)
            truths[target_at(name, share)] = retrainer.retrain(fitted, part)
            report(0.5 + 0.5 * (count + 1) / len(self.shares))
        curvature, first = Curvature(fitted), next(iter(self.trial.estimators))
        bend = second_order_effects(curvature, removals).cpu()
        facts = {
            **outcome.facts,
            "targets": outcome.facts["targets"] | {key: target_facts(truth) for key, truth in truths.items()},
            "estimates": outcome.facts["estimates"] | {SECOND_ORDER: outcome.facts["estimates"][first]},
            "leverages": leverage_shares(curvature)[removals.points, -1].tolist(),
        }
        return replace(
            outcome,
            predicted=outcome.predicted | {SECOND_ORDER: outcome.predicted[first] + bend},
            actual=outcome.actual | {key: truth.values.cpu() for key, truth in truths.items()},
            trusted=outcome.trusted | {key: truth.trusted.cpu() for key, truth in truths.items()},
            converged=outcome.converged | {key: truth.converged.cpu() for key, truth in truths.items()},
            control=outcome.control | {key: truth.control.cpu() for key, truth in truths.items()},
            facts=facts,
        )


def target_at(target: str, share: float) -> str:
    """The name of the truth at a share of the way: `warm/0.1`, and `warm` itself at 1."""
    return target if share == 1 else f"{target}/{share:g}"
