"""Removal curves: what retraining without the points that matter most does, beside as many points drawn at random."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy
import pandas
import torch
from matplotlib.figure import Figure

from influencelab.data.removals import groups
from influencelab.errors import InvalidParameter, require, whole
from influencelab.experiments.comparison import array
from influencelab.experiments.house_style import drawing, finish, look
from influencelab.influence.estimator import Estimate
from influencelab.influence.retrainer import Retrained, Retrainer
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.recipe import Progress
from influencelab.summary import Summarised

__all__ = ["RemovalCurve", "removal_curve"]

RANDOM = "random"


@dataclass(frozen=True, eq=False, repr=False)
class RemovalCurve(Summarised):
    """What removing more and more points together does to the mean of what is watched.

    Attributes:
        table: a row an experiment: `removed` (`most helpful`, `most harmful` or `random`; of parameters `most
            lowering` and `most raising`), `share` and `points` that are removed, `predicted` (NaN for scores that only
            rank) and `actual` change of the mean, in `unit`, and whether it `counts` as truth.
        unit: of the changes.
        noun: what is watched.
        retrained: the truth.
    """

    table: pandas.DataFrame
    unit: str
    noun: str
    retrained: Retrained

    def summary(self) -> dict[str, str]:
        """The change at the largest share, beside that of random points."""
        share = float(self.table["share"].to_numpy().max())
        last: Any = self.table.loc[(self.table["share"] == share) & self.table["counts"]]
        means = {name: last.loc[last["removed"] == name, "actual"].mean() for name in self.table["removed"].unique()}
        shown = {
            f"without the {name} {share:.0%}": "no minimum near this one"
            if math.isnan(mean)
            else f"{mean:+.3g} {self.unit}"
            for name, mean in means.items()
        }
        return {"change of the mean of": self.noun, **shown}

    def figure(self) -> Figure:
        """Actual changes as lines, predicted ones as hollow marks, against the share of points removed."""
        figure, (axis,) = drawing(1, height=4.0)
        for place, name in enumerate(self.table["removed"].unique()):
            mine: Any = self.table.loc[(self.table["removed"] == name) & self.table["counts"]]
            mean = mine.groupby("share")[["actual", "predicted"]].mean()
            style = look(place)
            axis.plot(100 * mean.index, mean["actual"], label=name, **style)
            if name != RANDOM and mean["predicted"].notna().any():
                axis.plot(100 * mean.index, mean["predicted"], **{**style, "linestyle": "none"}, fillstyle="none")
        axis.axhline(0, color="0.6", linewidth=0.8, zorder=1)
        axis.set_xlabel("share of training points removed together (%)")
        axis.set_ylabel(f"change of the mean of {self.noun} ({self.unit})")
        caption = "Models trained again without the points: lines. The sum of their predicted effects: hollow marks."
        return finish(figure, caption=caption)


def removal_curve(
    estimate: Estimate,
    *,
    shares: Sequence[float] = (0.01, 0.02, 0.05, 0.1),
    test: int | None = None,
    repeats: int = 5,
    seed: int = 0,
    retrainer: Retrainer | None = None,
    progress: Progress | None = None,
) -> RemovalCurve:
    """Retrain without the points that an estimate says help (and harm) most, and without as many drawn at random.

    A method that ranks well moves the mean of the test losses far more than chance does. The sum of single effects
    leaves out what the points of a group do to each other.

    Args:
        estimate: which ranks the points, by the sum of their effects over the test points.
        shares: of the training points, removed together.
        test: the one test point that counts, by its position; all of them by default.
        repeats: draws at random for each share.
        seed: of the draws.
        retrainer: how the truth is found; `SecondOrder()` by default.
        progress: called as (models done, models in all).

    Raises:
        WrongType: something else was given.
        InvalidParameter: a share that removes no point or all, no such test point, or fewer than one repeat.
    """
    require(estimate, Estimate, what="estimate", cure="Make one: il.influence(model, X, y, X_test, y_test).")
    require(retrainer or SecondOrder(), Retrainer, what="retrainer", cure="Give one such as il.SecondOrder().")
    n, m = estimate.values.shape
    columns = list(range(m)) if test is None else [whole(test, what="test")]
    counts, repeats = counts_of(shares, n), whole(repeats, what="repeats")
    few = not counts or not all(0 < count < n for count in counts) or repeats < 1
    if few or not 0 <= columns[0] < m:
        raise InvalidParameter(
            f"shares {tuple(shares)} of {n} points are {counts}, test is {test} and repeats {repeats}; expected shares "
            f"that remove 1 … {n - 1} points, a test point 0 … {m - 1}, and one repeat or more."
        )
    effect, sized = array(estimate.values[:, columns].mean(1)), estimate.unit != "none"
    experiments = drawn(effect, estimate.fit.measure.effects, counts, repeats=repeats, seed=seed)
    members = [torch.from_numpy(rows.copy()) for _, _, rows in experiments]
    removed = groups(n, members=members, convention=estimate.removals)
    found = (retrainer or SecondOrder()).retrain(estimate.fit, removed, progress=progress)
    table = pandas.DataFrame(
        {
            "removed": [name for name, _, _ in experiments],
            "share": [count / n for _, count, _ in experiments],
            "points": [count for _, count, _ in experiments],
            "predicted": [float(effect[rows].sum()) if sized else math.nan for _, _, rows in experiments],
            "actual": array(found.values[:, columns].mean(1)),
            "counts": array(found.trusted),
        }
    )
    return RemovalCurve(table, estimate.fit.unit, estimate.fit.measure.noun, found)


def counts_of(shares: Any, n: int) -> list[int]:
    """How many of n points each share is; 0 for NaN, which none is."""
    cure = "Give shares of the training points, such as (0.05, 0.1)."
    require(shares, Iterable, what="shares", cure=cure)
    shares = list(shares)
    for share in shares:
        require(share, Real, what="a share", cure=cure)
    return [round(share * n) if math.isfinite(share) else 0 for share in shares]


def drawn(
    effect: numpy.ndarray, effects: dict[str, int], counts: list[int], *, repeats: int, seed: int
) -> list[tuple[str, int, numpy.ndarray]]:
    """What is removed: the points of the largest effects of either sign, and others at random."""
    order = numpy.argsort(-effect, kind="stable")
    ends, generator = {1: order, -1: order[::-1]}, numpy.random.default_rng(whole(seed, what="seed", least=0))
    found = []
    for count in counts:
        found += [(f"most {name}", count, ends[sign][:count]) for name, sign in effects.items()]
        found += [(RANDOM, count, generator.permutation(len(effect))[:count]) for _ in range(repeats)]
    return found
