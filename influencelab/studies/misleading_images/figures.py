"""Figures of misleading pictures: who names them, what mending brings, and influence without its factors."""

from collections.abc import Sequence
from typing import Any

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.experiments.house_style import PALETTE, SMALL, drawing, error_bars, finish, look, short
from influencelab.experiments.tables import Agreement
from influencelab.runner.report import Report
from influencelab.statistics.measurements import find
from influencelab.studies.misleading_images.called import SCORES, VARIANTS, WHOLE
from influencelab.studies.misleading_images.pool import RELABELLED

NAMED = (
    "Of the four training pictures that each score blames most for a test picture that is predicted wrongly, the share "
    "that were planted, with 95% intervals over seeds. Whoever blames at random among the pictures of that label would "
    "stand on the dotted line."
)
MENDED = (
    "What training again does once the four training pictures that a score blames for a wrong test picture are put "
    "right: left, the share of wrong pictures that turn back; right, how many other test pictures turn wrong. Circles "
    "put right what was planted among the four, squares all four unseen, with 95% intervals over seeds."
)
RELABELLED_ONE = (
    "Each point is one training picture whose label was changed and one test picture: across, the change in test loss "
    "that influence predicts; up, what happened when the model was trained again. On the dashed line prediction is "
    "truth."
)
FACTORS = (
    "Influence on one test picture, and what is left of it without its factors, beside what removing each training "
    "picture and training again does; circles have the test picture's own class, squares the other. Without a factor "
    "there is no size, so that only the order can be right."
)
# What an arm plants, as a title says it.
TITLES = {
    "relabelled": "training pictures relabelled",
    "copies": "changed copies of test pictures",
    "watermarked": "rightly labelled, test pictures showing through",
}


def who_is_named(table: pandas.DataFrame) -> Figure:
    """The precision of every score, a panel for each data and arm, at the largest share with every arm."""
    rows: Any = table[(table["statistic"] == "precision") & (table["planted"] == main_share(table))]
    cells = list(dict.fromkeys(zip(rows["data"], rows["arm"], strict=True)))
    names = list(SCORES)
    figure, axes = drawing(len(cells), height=3.9, sharey="all")
    for axis, (data, arm) in zip(axes, cells, strict=True):
        own = rows[(rows["data"] == data) & (rows["arm"] == arm)].set_index("estimator").reindex(names)
        style = {**look(0), "linestyle": "none"}
        axis.errorbar(own["value"].to_numpy(dtype=float), range(len(names)), xerr=error_bars(own), capsize=3, **style)
        where = {"data": data, "arm": arm, "planted": main_share(table), "statistic": "among_looked_at"}
        if chance := find(table, where):
            axis.axvline(chance.value, color="0.3", linestyle=":", linewidth=1.4, label="at random")
        axis.set_title(f"{data}: {TITLES[arm]}", fontsize=10)
        axis.set(xlim=(-0.04, 1.04), xlabel="share of the four blamed that were planted")
        axis.set_yticks(range(len(names)), list(SCORES.values()))
        place = axis.get_subplotspec()
        axis.set_ylabel("score (by name)" if place is not None and place.is_first_col() else "")
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    return finish(figure, caption=NAMED)


def main_share(table: pandas.DataFrame) -> float:
    """The share at which every arm was planted: that of the last rows."""
    return float(table["planted"].dropna().iloc[-1])


def what_mending_brings(table: pandas.DataFrame) -> Figure:
    """Pictures turned back and others spoiled by mending the four named, of the last data that were relabelled."""
    chosen = (table["arm"] == RELABELLED) & (table["planted"] == main_share(table))
    every: Any = table[chosen]
    data = every["data"].iloc[-1]
    own = every[every["data"] == data]
    names = list(SCORES)
    figure, axes = drawing(2, height=3.9, sharey="all")
    labels = ("share of wrong pictures that turn back", "other test pictures that turn wrong (count)")
    ways = {"inspected_": "what was planted among the four", "": "all four, unseen"}
    for axis, statistic, label in zip(axes, ("turned", "spoiled"), labels, strict=True):
        for place, (prefix, words) in enumerate(ways.items()):
            rows = own[own["statistic"] == prefix + statistic].set_index("estimator").reindex(names)
            heights = numpy.arange(len(names)) + 0.24 * (place - 0.5)
            style = {**look(place), "linestyle": "none"}
            values = rows["value"].to_numpy(dtype=float)
            axis.errorbar(values, heights, xerr=error_bars(rows), capsize=3, label=f"put right: {words}", **style)
        axis.set_xlabel(label)
        axis.set_yticks(range(len(names)), list(SCORES.values()))
    axes[0].set_xlim(-0.04, 1.04)
    axes[1].set_xlim(left=-0.1)
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    axes[0].set_ylabel("score (by name)")
    axes[0].set_title(str(data), fontsize=10)
    return finish(figure, caption=MENDED)


def relabelled(parts: Sequence[Agreement]) -> Figure | None:
    """Predicted against actual change when one label is changed, a panel a data set."""
    return captioned(plots.predicted_against_actual(parts))


def captioned(figure: Figure | None) -> Figure | None:
    """The figure with what it shows here as its caption."""
    if figure is not None:
        figure.set_label(RELABELLED_ONE)
    return figure


def components(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure:
    """Every variant against the truth, a panel each, from a row a removal."""
    figure, axes = drawing(len(VARIANTS), height=3.7, sharey="all")
    for axis, (name, words) in zip(axes, VARIANTS.items(), strict=True):
        for place, (own, label) in enumerate(((True, "own class"), (False, "other class"))):
            rows: Any = pairs[pairs["own_class"] == own]
            style = {"color": PALETTE[place], "marker": "os"[place], "s": 14, "alpha": 0.6, "linewidth": 0}
            axis.scatter(rows[name], rows["actual"], label=label, rasterized=len(pairs) > 600, **style)
        reach = 1.08 * float(numpy.abs(pairs[name].to_numpy(dtype=float)).max())
        axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        if name == WHOLE:
            axis.axline((0, 0), slope=1, color="0.4", linewidth=1, linestyle="--", label="prediction = truth")
        axis.set(xlim=(-reach, reach), xlabel="score (nats)" if name == WHOLE else "score (no unit)")
        axis.set_ylabel("actual change in test loss (nats)")
        axis.locator_params(nbins=4)
        numbers = [find(table, {"estimator": name, "statistic": each}) for each in ("pearson", "spearman")]
        shown = [
            f"{each} {short(number)}" for each, number in zip(("Pearson", "Spearman"), numbers, strict=True) if number
        ]
        axis.set_title("\n".join([words, *shown]), loc="left", fontsize=SMALL)
    return finish(figure, caption=FACTORS)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its measurements and pairs."""
    table: Any = report.measurements
    planted = table[table["planted"].notna()]
    factors: Any = pandas.read_parquet(report.kept("components.parquet", "no components"))
    return {
        "who_is_named": who_is_named(planted),
        "what_mending_brings": what_mending_brings(planted),
        "relabelled": captioned(plots.pairs_figure(report.pairs(), table)),
        "components": components(factors, table[table["selection"] == "removed"]),
    }
