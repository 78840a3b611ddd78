"""Figures of the target's own noise: two draws of it, what averaging draws gains, and which effects stand out."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import drawing, legend_below
from influencelab.experiments.plots import PALETTE, STYLE, VECTOR
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.reliability import ceiling, draws_needed, stepped_up
from influencelab.statistics.signal_to_noise import THRESHOLD, signal_to_noise

DRAWS = (1, 2, 3, 5, 10, 20, 50, 100)
WANTED = 0.8  # the repeatability that is asked for


def repeatability_figure(
    first: Float[numpy.ndarray, " r"],
    second: Float[numpy.ndarray, " r"],
    *,
    repeats: Mapping[str, Measurement],
    draws: Sequence[int] = DRAWS,
) -> Figure:
    """Two draws of a target at one test point, and what averaging k draws gains.

    Args:
        first: effects of the removals on one test point in one draw, in nats; NaN where not known.
        second: in an independent draw.
        repeats: of one draw of each target, by its name, such as `cold`.
        draws: numbers of averaged draws.
    """
    with plt.rc_context(STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(10.5, 5.2), layout="constrained")
    draw_two(left, first, second)
    for place, (name, found) in enumerate(repeats.items()):
        averaged = [stepped_up(found, k) for k in draws]
        steps = numpy.array([(each.value, *each.ends) for each in averaged])
        needed = max(1.0, draws_needed(found, wanted=WANTED).value)
        told = f"{name}: {found.rounded()} for one draw, {WANTED:g} with {needed:.1f} draws"
        right.plot(draws, steps[:, 0], color=PALETTE[place], marker="os^D"[place % 4], markersize=5, label=told)
        right.fill_between(draws, steps[:, 1], steps[:, 2], color=PALETTE[place], alpha=0.15, linewidth=0)
        right.plot(
            draws, [ceiling(each).value for each in averaged], color=PALETTE[place], linestyle=":", linewidth=1.4
        )
    right.plot([], [], color="0.35", linestyle=":", label="ceiling: √repeatability, the best score of another seed")
    right.axhline(WANTED, color="0.4", linewidth=1, linestyle="--", zorder=0)
    right.set_xscale("log")
    right.set_xticks(list(draws), [f"{k:g}" for k in draws])
    right.minorticks_off()
    right.set_ylim(0, 1.04)
    right.set_xlabel("draws of the target averaged")
    right.set_ylabel("repeatability of the average (correlation)")
    right.legend(frameon=False, fontsize=8.5, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    plt.close(figure)
    return figure


def draw_two(axis: Axes, first: Float[numpy.ndarray, " r"], second: Float[numpy.ndarray, " r"]) -> None:
    """One draw against another, zero lines and the line on which they agree."""
    known = ~numpy.isnan(first) & ~numpy.isnan(second)
    x, y = first[known], second[known]
    reach = 1.08 * max(numpy.abs(x).max(initial=0), numpy.abs(y).max(initial=0), 1e-300)
    axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.plot([-reach, reach], [-reach, reach], color="0.4", linewidth=1, linestyle="--", label="the draws agree")
    axis.scatter(x, y, s=14, alpha=0.6, color=PALETTE[0], linewidth=0, rasterized=len(x) > VECTOR)
    axis.set_xlim(-reach, reach)
    axis.set_ylim(-reach, reach)
    axis.set_aspect("equal")
    axis.ticklabel_format(style="sci", scilimits=(-3, 3))
    axis.set_xlabel("change in test loss, one draw (nats)")
    axis.set_ylabel("change in test loss, another draw (nats)")
    axis.text(0.03, 0.97, f"{len(x):,} removals, one test point", transform=axis.transAxes, va="top", fontsize=9)
    axis.legend(loc="lower right", frameon=False, fontsize=9)


def draws_and_noise(arms: Mapping[str, Float[numpy.ndarray, "s r m"]], *, threshold: float = THRESHOLD) -> Figure:
    """How large effects are beside their own noise over seeds, an outline an arm, and the share past the threshold.

    Args:
        arms: draws of a target by arm, such as batch order `paired` and `unpaired`; effects without any
            noise stand in the last bar, those of 0 in the first.
        threshold: of |mean| / sd.
    """
    figure, (axis,) = drawing(1, width=7.2, height=4.8)
    found = {name: signal_to_noise(draws) for name, draws in arms.items()}
    found = {name: each[~numpy.isnan(each)] for name, each in found.items()}
    every = numpy.concatenate([each[(each > 0) & numpy.isfinite(each)] for each in found.values()])
    low, high = numpy.quantile(every, [0.001, 1]) if len(every) else (threshold, threshold)
    edges = numpy.geomspace(min(low, threshold / 10), max(1.1 * high, 10 * threshold), 61)
    for place, (name, each) in enumerate(found.items()):
        share = float((each > threshold).mean())
        heights, _ = numpy.histogram(numpy.clip(each, edges[0], edges[-1]), bins=edges)
        told = f"{name}: {share:.1%} of {each.size:,} pairs beyond {threshold:g}"
        axis.stairs(heights / each.size, edges, color=PALETTE[place], fill=True, alpha=0.3)
        axis.stairs(heights / each.size, edges, color=PALETTE[place], linewidth=1.5, label=told)
    axis.axvline(threshold, color="0.3", linewidth=1, linestyle="--")
    # Above the axes, where no outline reaches.
    place = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "bottom"}
    axis.text(threshold, 1.01, f"|mean| = {threshold:g} sd", fontsize=9, **place)
    axis.set_xscale("log")
    axis.set_xlim(edges[0], edges[-1])
    axis.set_xlabel("size of an effect beside its noise: |mean| / standard deviation over seeds")
    axis.set_ylabel("share of (removal, test point) pairs")
    legend_below(figure, [axis])
    return figure
