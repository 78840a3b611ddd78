"""Figures of the two laws: error against the number of points, along a removal, and against what was warned of."""

from collections.abc import Mapping
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.house_style import drawing, error_bars, finish, look
from influencelab.experiments.removal_path import SECOND_ORDER
from influencelab.runner.report import Report
from influencelab.studies.size_and_path.analysis import WRONG

WORDS = {"exact": "influence", "newton_step": "one Newton step"}
SIZE = (
    "RMS error / RMS truth of networks of each depth, by the number of training points: marks are networks, each "
    "on a split of its own and by its median test point, lines the powers of n fitted to them. At 1 a prediction is as "
    "far off as predicting 0 throughout; a line that falls by a decade a decade is the law 1/n"
)
PATH = (
    "What happens as a share of a training point's weight is taken away, by depth and weight decay. Above, the median "
    "over removals of RMS error / RMS truth of influence (dotted: half wrong); below, the share of removals that ended "
    "in another basin. Marks are means over networks, bars their 95% intervals where there are five"
)
WARNED = (
    "Whole removals, each a dot: how wrong influence was (up) against how wrong the second-order term of the fit alone "
    "said it would be (across), as RMS error / RMS truth. Dotted lines are at a half: dots in the upper left are wrong "
    "without a warning, in the lower right warned of for nothing. Crosses ended in another basin"
)
# Dots of a panel at most.
DOTS = 1500


def by_size(table: pandas.DataFrame) -> Figure:
    """Error against n, a panel an estimator, a line a depth, from a row a network."""
    estimators = list(dict.fromkeys(table["estimator"]))
    figure, panels = drawing(len(estimators), height=3.8)
    for panel, estimator in zip(panels, estimators, strict=True):
        part = table.loc[(table["estimator"] == estimator) & table["relative_error"].notna()]
        for place, (depth, line) in enumerate(part.groupby("depth")):
            style, name = look(place), layers(depth)
            sizes, errors = line["train_size"].to_numpy(float), line["relative_error"].to_numpy(float)
            dots = {"marker": style["marker"], "color": style["color"], "s": 16, "linewidth": 0}
            panel.scatter(sizes * 1.04**place, errors, **dots, alpha=0.6, label=name)
            if len(set(sizes)) > 1:
                slope, level = numpy.polyfit(numpy.log(sizes), numpy.log(errors), 1)
                ends = numpy.array([sizes.min(), sizes.max()])
                panel.plot(ends, numpy.exp(level) * ends**slope, color=style["color"])
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_title(WORDS[estimator])
        panel.set_xlabel("training points (number)")
    panels[0].set_ylabel("RMS error / RMS truth (0 = right)")
    return finish(figure, caption=SIZE)


def layers(depth: Any) -> str:
    """A depth in words."""
    return "1 hidden layer" if depth == 1 else f"{depth} hidden layers"


def along_path(table: pandas.DataFrame) -> Figure:
    """Error and share that left against ε, a column a weight decay, a line a depth, from the table of measurements."""
    rows = {"error": "RMS error / RMS truth (median removal)", "left_basin": "in another basin (share of removals)"}
    frame = table.loc[(table["arm"] == "path") & table["depth"].notna() & table["share"].notna()]
    decays = sorted(set(frame["weight_decay"]), reverse=True)
    figure, panels = drawing(2 * len(decays), columns=len(decays), height=2.8, sharex=True)
    for place, (panel, (name, label)) in enumerate(
        zip(panels, [each for each in rows.items() for _ in decays], strict=True)
    ):
        decay = decays[place % len(decays)]
        part = frame.loc[(frame["statistic"] == name) & (frame["weight_decay"] == decay)]
        draw_lines(panel, part)
        panel.set_xscale("log")
        if name == "error":
            panel.set_yscale("log")
            panel.axhline(WRONG, color="0.4", linewidth=0.8, linestyle=":")
            panel.set_title(f"weight decay {decay:g}")
        else:
            panel.set_ylim(bottom=-0.01)
            panel.set_xlabel("share of the weight that is taken, ε")
        if place % len(decays) == 0:
            panel.set_ylabel(label)
    return finish(figure, caption=PATH)


def draw_lines(panel: Axes, part: pandas.DataFrame) -> None:
    """A line a depth with its intervals."""
    for place, (depth, line) in enumerate(part.groupby("depth")):
        line = line.sort_values("share")
        x, y = line["share"].to_numpy(dtype=float) * 1.04**place, line["value"].to_numpy(dtype=float)
        panel.errorbar(x, y, yerr=error_bars(line), **look(place), markersize=4.5, capsize=2, label=layers(depth))


def warned(removals: pandas.DataFrame) -> Figure:
    """Error against the second-order warning of whole removals, a panel a weight decay, a colour a depth."""
    whole = removals.loc[removals["share"] == 1]
    parts: Mapping[Any, pandas.DataFrame] = dict(iter(whole.groupby("weight_decay")))
    figure, panels = drawing(len(parts), height=4.0)
    places = {depth: place for place, depth in enumerate(sorted(set(whole["depth"])))}
    for panel, decay in zip(panels, sorted(parts, reverse=True), strict=True):
        part = parts[decay]
        part = part.sample(min(DOTS, len(part)), random_state=0)
        for left, marker in ((False, "o"), (True, "x")):
            for depth, some in part.loc[part["left"] == left].groupby("depth"):
                label = layers(depth) if not left else "in another basin"
                color = look(places[depth])["color"]
                panel.scatter(
                    some[SECOND_ORDER],
                    some["error"],
                    s=12,
                    color=color,
                    marker=marker,
                    alpha=0.5,
                    linewidth=0.8,
                    label=label,
                    rasterized=True,
                )
        panel.axhline(WRONG, color="0.4", linewidth=0.8, linestyle=":")
        panel.axvline(WRONG, color="0.4", linewidth=0.8, linestyle=":")
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_title(f"weight decay {decay:g}")
        panel.set_xlabel("error that second order warns of (share of its effect)")
    panels[0].set_ylabel("RMS error / RMS truth of influence (0 = right)")
    return finish(figure, caption=WARNED)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """The figures of a report from its measurements, its networks and the removals that it keeps."""
    found: dict[str, Figure | None] = {}
    if report.parameters["seeds"]:
        found["error_by_size"] = by_size(pandas.read_parquet(report.folder / "by_size.parquet"))
    if report.parameters["path_seeds"]:
        found["along_a_removal"] = along_path(report.measurements.drop(columns="study"))
        found["warned"] = warned(pandas.read_parquet(report.folder / "removals.parquet"))
    return found
