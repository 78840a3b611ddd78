"""Figures of agreement along depth on each data set, and of its trends by data set and network."""

from typing import Any

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.errors import InvalidData
from influencelab.experiments.house_style import drawing, error_bars, finish, look, need
from influencelab.experiments.line_plots import positions, tick_texts
from influencelab.runner.report import Report
from influencelab.statistics.display import display_name
from influencelab.studies.beyond_iris.claims import LINE, POOLED, RANK, WORDS

# A row each: what is drawn, its label, and what would be perfect.
ROWS = {
    "spearman": ("Spearman correlation", 1.0),
    "pearson": ("Pearson correlation", 1.0),
    "median_slope": ("slope of actual on predicted (median)", 1.0),
    "median_relative_error": ("RMS error / RMS truth (median share)", 0.0),
}
# A column each: the trend, its label, and the smallest change that is of interest.
TRENDS = {
    "spearman_per_layer": ("Spearman correlation, change a layer", RANK),
    "pearson_per_layer": ("Pearson correlation, change a layer", LINE),
}
MEAN: dict[str, Any] = {"color": "black", "marker": "o", "linestyle": "-", "linewidth": 2.4, "zorder": 4}


def by_depth(table: pandas.DataFrame, *, network: str) -> Figure:
    """Order, line and size of one network against depth: a line a data set, and their mean; a column a weight decay.

    Raises:
        InvalidData: the table has nothing of this network.
    """
    need(table, ["data", "network", "depth", "weight_decay", "statistic", "value", "low", "high"])
    frame = table.loc[(table["network"] == network) & table["depth"].notna() & table["statistic"].isin([*ROWS])]
    if frame.empty:
        raise InvalidData(f"The table has no agreement of the network '{network}' along depth; choose another.")
    frame = frame.loc[frame["width"] == frame["width"].min()].assign(line=named(frame))
    decays = sorted(frame["weight_decay"].unique(), reverse=True)
    places = positions(sorted(set(frame["depth"].tolist())), scale="ordinal")
    looks = {name: look(place) for place, name in enumerate(each for each in frame["line"].unique() if each != POOLED)}
    figure, panels = drawing(len(ROWS) * len(decays), columns=len(decays), height=2.1, sharex=True)
    for place, panel in enumerate(panels):
        statistic, decay = list(ROWS)[place // len(decays)], decays[place % len(decays)]
        part = frame.loc[(frame["statistic"] == statistic) & (frame["weight_decay"] == decay)]
        draw_lines(panel, part, places, {**looks, POOLED: MEAN})
        label, right = ROWS[statistic]
        panel.axhline(right, color="0.4", linewidth=0.8, linestyle=":", label="perfect")
        if place % len(decays) == 0:
            panel.set_ylabel(label)
        if place < len(decays):
            panel.set_title(f"weight decay: {decay:g}")
        if place >= len(panels) - len(decays):
            panel.set_xlabel("hidden layers (number)")
            panel.set_xticks(list(places.values()), tick_texts(places))
    words = WORDS[network]
    return finish(
        figure,
        caption=f"Order, line and size of influence in {words} networks by depth, on each data set (and so many "
        "training points) and in the mean over data sets but Iris. Bars are 95% intervals, over networks of a data "
        "set, and over data sets of the mean.",
    )


def draw_lines(panel: Axes, part: pandas.DataFrame, places: dict[float, float], looks: dict[str, Any]) -> None:
    """A line for each data set, side by side so that none hides another."""
    for count, (name, style) in enumerate(looks.items()):
        line = part.loc[(part["line"] == name) & part["value"].notna()].sort_values(by="depth")
        if line.empty:
            continue
        shift = 0.04 * (count - (len(looks) - 1) / 2)
        at = [places[depth] + shift for depth in line["depth"]]
        values = line["value"].to_numpy(dtype=float)
        panel.errorbar(at, values, yerr=error_bars(line), markersize=4, capsize=2, label=name, **style)


def trends(table: pandas.DataFrame) -> Figure:
    """The change of Spearman's and Pearson's correlations a layer, by data set and network; a row a weight decay.

    Raises:
        InvalidData: the table has no trends.
    """
    frame = table.loc[table["statistic"].isin([*TRENDS])] if "network" in table else table.head(0)
    if frame.empty:
        raise InvalidData("The table has no trends along depth; take two depths or more.")
    widths = frame["width"] if len(set(frame["width"])) > 1 else []
    lines = [f"{name}, width {width:g}" for name, width in zip(named(frame), widths, strict=False)] or named(frame)
    frame, each = frame.assign(line=lines), list(dict.fromkeys(lines))[::-1]
    names = [name for name in each if not name.startswith(POOLED)]
    lowest = [name for name in each if name.startswith(POOLED)]
    heights: dict[str, int] = {str(name): place for place, name in enumerate([*lowest, *names])}
    decays, networks = sorted(frame["weight_decay"].unique(), reverse=True), list(frame["network"].unique())
    height = 1.3 + 0.2 * len(heights) * max(1.6, 0.5 * len(networks))
    figure, panels = drawing(len(TRENDS) * len(decays), columns=2, height=height, sharex="col", sharey="row")
    for place, panel in enumerate(panels):
        (statistic, (label, least)), decay = list(TRENDS.items())[place % 2], decays[place // 2]
        part = frame.loc[(frame["statistic"] == statistic) & (frame["weight_decay"] == decay) & frame["value"].notna()]
        panel.axvspan(-least, least, color="0.92", linewidth=0, zorder=0, label="no effect of interest")
        panel.axvline(0, color="0.6", linewidth=0.8, zorder=1)
        for count, network in enumerate(networks):
            line = part.loc[part["network"] == network]
            shift = 0.7 * ((len(networks) - 1) / 2 - count) / len(networks)
            at = [heights[name] + shift for name in line["line"]]
            values = line["value"].to_numpy(dtype=float)
            style = {**look(count), "linestyle": "none"}
            panel.errorbar(values, at, xerr=error_bars(line), markersize=4, capsize=2, label=WORDS[network], **style)
        panel.set_title(f"weight decay: {decay:g}")
        panel.set_yticks(list(heights.values()), list(heights))
        if place % 2 == 0:
            panel.set_ylabel("data set (training points)")
        if place >= len(panels) - 2:
            panel.set_xlabel(label)
    return finish(
        figure,
        caption="What one more hidden layer changes in the correlations of predicted with actual changes, by data set "
        "and network. Bars are 95% intervals, over networks of a data set, and over data sets of their mean; within "
        "the grey band a change is too small to be of interest.",
    )


def named(frame: pandas.DataFrame) -> list[str]:
    """Each row's data set with its training points, or that it is a mean."""
    return [
        data if data == POOLED else f"{display_name(data)}, {train:g}"
        for data, train in zip(frame["data"], frame["train"], strict=True)
    ]


def redrawn(report: Report) -> dict[str, Figure | None]:
    """The figures of a report, from its measurements."""
    table = report.measurements
    return {"by_depth": by_depth(table, network=report.parameters["networks"][0]), "trends": trends(table)}
