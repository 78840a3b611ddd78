"""Figures of the error's terms, and of agreement with retraining and with the question that influence answers."""

from typing import Any

import pandas
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from influencelab.experiments.house_style import PALETTE, drawing, finish
from influencelab.experiments.line_plots import lines
from influencelab.experiments.replication import seed_means
from influencelab.studies.where_the_error_comes_from.analysis import NAMES, WORDS, Cells, agreement, in_words, pooled
from influencelab.studies.where_the_error_comes_from.decomposition import TERMS

BUDGET = (
    "What the error of influence (retraining from the start less what was predicted) is made of: the length of a "
    "colour is the size of one step between the two, beside that of the others. The number above a bar is the size "
    "of the whole error, with that of the truth as unit; steps have signs and may cancel."
)
BY_DEPTH = (
    "How well influence ranks removals as two truths do, by the number of hidden layers: retraining anew, and the "
    "proximal Bregman response (PBRF), the question that influence really answers. Large marks are means with 95% "
    "intervals, faint dots single networks."
)


def error_terms(cells: Cells) -> Figure:
    """A panel for each data, arm and weight decay, a bar a depth: which terms the error is made of.

    Above each bar stands the RMS of the whole error over that of the truth: 1 is an error as large as what happened.
    """
    found = pandas.DataFrame({key: pooled(outcomes) for key, outcomes in cells.items()}).T
    panels: Any = found.groupby(level=[0, 1, 3], sort=False)
    figure, axes = drawing(len(panels), height=3.6, sharey="all")
    for axis, ((data, arm, decay), part) in zip(axes, panels, strict=True):
        sizes = part.droplevel([0, 1, 3])
        shares = sizes[list(TERMS)].div(sizes[list(TERMS)].sum(axis=1), axis=0)
        shares.plot.bar(stacked=True, width=0.6, color=PALETTE, rot=0, legend=False, ax=axis)
        for place, ratio in enumerate(sizes["error"] / sizes["truth"]):
            axis.text(place, 1.015, f"{ratio:.2g}", ha="center", va="bottom", fontsize=9)
        axis.set(ylim=(0, 1.1), xlabel="hidden layers (count)", ylabel="share of the terms' RMS sizes")
        axis.set_title(f"{data}, {WORDS.get(arm, arm)},\nweight decay {decay:g}")
        axis.yaxis.set_major_formatter(PercentFormatter(1.0))
        axis.grid(visible=False, axis="x")
        axis.label_outer(remove_inner_ticks=False)
        axis.tick_params(axis="x", labelbottom=True)
        axis.set_xlabel("hidden layers (count)")
    return finish(figure, caption=BUDGET)


def agreement_by_depth(measured: pandas.DataFrame, cells: Cells, data: str) -> Figure | None:
    """A panel a weight decay: LiSSA against PBRF and against retraining anew, by depth; None without these data."""
    shown = {"estimator": "estimate", "statistic": "spearman"}
    networks = seed_means(
        (
            {**dict(zip(NAMES, key, strict=True)), **shown, "target": target},
            agreement(outcomes, target=target)["spearman"],
        )
        for key, outcomes in cells.items()
        for target in ("pbrf", "cold")
    )
    means, dots = (
        in_words(table, "target", statistics=["spearman"])
        .query(f"data == '{data}' and `solved by` == 'LiSSA' and target in ('PBRF', 'retraining anew')")
        .assign(
            line=lambda rows: rows["fit"] + ": " + rows["target"],
            panel=lambda rows: rows["weight_decay"].map("weight decay {:g}".format),
        )
        for table in (measured, networks)
    )
    names = {"x": "hidden layers", "hue": "line", "panel": "panel", "across": "hidden layers (count)"}
    return None if means.empty else lines(means, dots=dots, caption=BY_DEPTH, **names)
