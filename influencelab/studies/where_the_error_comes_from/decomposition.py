"""Where an estimate's error comes from: five terms that sum to truth minus estimate (Bae et al. 2022)."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy
import pandas
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.removals import Removals
from influencelab.errors import InvalidData, unknown
from influencelab.experiments.comparison import array
from influencelab.experiments.trial import Outcome
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.recipe import Recipe
from influencelab.statistics.bootstrap import Bootstrap, Measure, Statistic
from influencelab.statistics.pairs import FEWEST, Pairs, pairs_drawn, ratio
from influencelab.training.fit import Fit

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

    def decompose(self, fit: Fit, removals: Removals, *, estimator: Estimator) -> "Terms":
        """Retrain four times, predict twice, and take the differences."""
        truths = {name: retrainer.retrain(fit, removals) for name, retrainer in self.targets().items()}
        predictors = self.estimators(estimator)
        predicted = {name: each.estimate(fit).predict(removals) for name, each in predictors.items()}
        return terms_of(
            {name: truth.values for name, truth in truths.items()} | predicted,
            counted=torch.stack([truth.trusted for truth in truths.values()]).all(0),
            test_ids=fit.data.test_ids,
        )


@dataclass(frozen=True, eq=False)
class Terms(Recipe):
    """The parts of an error, for each experiment and test point.

    Attributes:
        parts: parts[term][r, j], in nats, in the order of `TERMS`: what the truth of experiment r and test point j
            loses when one idealisation more is made. Their sum is truth − estimate. Of a network that did converge
            `non-convergence` is what the Hessian has and Gauss-Newton leaves out.
        truth: the rise of each test loss by training anew, the control subtracted.
        counted: which experiments every retrainer trusts; the shares are about these.
        test_ids: where the test points stand in their source.
    """

    parts: dict[str, Float[Tensor, "r m"]]
    truth: Float[Tensor, "r m"]
    counted: Bool[Tensor, " r"]
    test_ids: Int[Tensor, " m"]

    def share(self, term: str, bootstrap: Bootstrap | None = None) -> Statistic:
        """RMS of one term over the sum of the five RMS, for each test point: these shares sum to 1."""
        return self.statistic(share_of(*self.squares(term)), bootstrap)

    def size(self, term: str, bootstrap: Bootstrap | None = None) -> Statistic:
        """RMS of one term over the RMS of the truth, for each test point: 0.1 is an error of a tenth."""
        return self.statistic(ratio_of(self.squares(term)[0], array(self.truth) ** 2), bootstrap)

    def squares(self, term: str) -> tuple[Float[numpy.ndarray, "r m"], list[Float[numpy.ndarray, "r m"]]]:
        """The squares of one term, and of all.

        Raises:
            UnknownName: no such term.
        """
        if term not in self.parts:
            raise unknown("term", term, self.parts)
        return array(self.parts[term]) ** 2, [array(part) ** 2 for part in self.parts.values()]

    def statistic(self, measure: Measure, bootstrap: Bootstrap | None) -> Statistic:
        """A measure of the counted experiments, with its intervals."""
        counted = array(self.counted[:, None].expand_as(self.truth))
        truth = array(self.truth)
        return (bootstrap or Bootstrap()).statistic(Pairs(truth, truth, counted), measure)

    def table(self, bootstrap: Bootstrap | None = None) -> pandas.DataFrame:
        """A row a term, for stacked bars: means over test points of share and size, with intervals, and RMS in nats."""
        rows = []
        for term, part in self.parts.items():
            share, size = self.share(term, bootstrap), self.size(term, bootstrap)
            rows.append(
                {
                    "term": term,
                    **dict(zip(SHARE, share.pooled, strict=True)),
                    **dict(zip(SIZE, size.pooled, strict=True)),
                    "rms": float(part[self.counted].square().mean().sqrt()),
                    "experiments": int(self.counted.sum()),
                    "interval": share.label,
                }
            )
        return pandas.DataFrame(rows)

    def per_test(self, bootstrap: Bootstrap | None = None) -> pandas.DataFrame:
        """A row a term and test point: the same shares and sizes, with the removals resampled, and RMS in nats."""
        tables = []
        for term, part in self.parts.items():
            share, size = self.share(term, bootstrap), self.size(term, bootstrap)
            ends = (share.per_test, share.low, share.high, size.per_test, size.low, size.high)
            columns = dict(zip((*SHARE, *SIZE), ends, strict=True))
            rms = array(part[self.counted].square().mean(0).sqrt())
            tables.append(pandas.DataFrame({"term": term, "test_id": array(self.test_ids), **columns, "rms": rms}))
        return pandas.concat(tables, ignore_index=True)


SHARE = ("share", "share_low", "share_high")
SIZE = ("size", "size_low", "size_high")


def terms_of(
    changes: Mapping[str, Float[Tensor, "r m"]],
    *,
    counted: Bool[Tensor, " r"],
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
    return Terms(parts=parts, truth=changes["cold"], counted=counted, test_ids=test_ids)


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
        counted=torch.stack([outcome.trusted[name] for name in TRUTHS]).all(0),
        test_ids=outcome.test_ids,
        estimate=estimate,
    )


def share_of(part: numpy.ndarray, parts: list[numpy.ndarray]) -> Measure:
    """Root of the mean of one table of squares over the sum of the roots of all, as a statistic."""

    def share(pairs: Pairs, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
        total = numpy.stack([root(each, pairs, weights) for each in parts]).sum(0)
        return ratio(root(part, pairs, weights), total)

    return share


def ratio_of(part: numpy.ndarray, whole: numpy.ndarray) -> Measure:
    """Root of the mean of one table of squares over that of another, as a statistic."""

    def rms_ratio(pairs: Pairs, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
        return ratio(root(part, pairs, weights), root(whole, pairs, weights))

    return rms_ratio


def root(squares: numpy.ndarray, pairs: Pairs, weights: Float[numpy.ndarray, "b r"]) -> Float[numpy.ndarray, "b m"]:
    """The root of the weighted sum over the counted experiments; NaN where fewer than three are drawn."""
    total = numpy.sqrt(weights @ numpy.where(pairs.counted, squares, 0.0))
    return numpy.where(pairs_drawn(pairs, weights) >= FEWEST, total, numpy.nan)
