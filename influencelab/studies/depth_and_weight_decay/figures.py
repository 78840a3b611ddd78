"""Figures of agreement along depth, weight decay and width, drawn from the table of measurements."""

from collections.abc import Mapping
from typing import Any

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.errors import InvalidData
from influencelab.experiments.house_style import SMALL, drawing, error_bars, finish, look
from influencelab.experiments.line_plots import CHANCE, NEUTRAL, positions, tick_texts
from influencelab.statistics.reliability import NullBand

# The name of each line, by statistic, arm and target, in the order in which they always stand.
ARMS = {
    ("published", "warm"): "published protocol",
    ("controlled", "warm"): "controlled, warm truth",
    ("controlled", "cold"): "controlled, cold truth",
}
REPEATS = {
    ("controlled", "warm"): "no agreement: repeatability of the warm truth",
    ("controlled", "cold"): "no agreement: repeatability of the cold truth",
}
LOOKS = {name: look(place) for place, name in enumerate(ARMS.values())}
LOOKS |= {name: {**NEUTRAL, "marker": mark} for name, mark in zip(REPEATS.values(), "DX", strict=True)}
# A row each: what is drawn, its label, what would be perfect, and between which values it is shown at most. A mean of
# sizes is ruled by the few networks whose truth is nearly 0, so of these the median is drawn.
ROWS = {
    "spearman": ("Spearman correlation", 1.0, (-1.05, 1.05)),
    "pearson": ("Pearson correlation", 1.0, (-1.05, 1.05)),
    "median_slope": ("slope of actual on predicted (median)", 1.0, (-2.0, 6.0)),
    "median_relative_error": ("RMS error / RMS truth (median)", 0.0, (-0.05, 3.0)),
}
WORDS = {
    "depth": "hidden layers (number)",
    "weight_decay": "weight decay",
    "width": "width (units in each hidden layer)",
}
# What is along the axis: its scale, what has a panel a value, and what stays at its least value.
AXES = {
    "depth": ("ordinal", "weight_decay", "width"),
    "weight_decay": ("log", "depth", "width"),
    "width": ("linear", "weight_decay", "depth"),
}
# The weight decays that the figure along depth shows.
SHOWN = (5e-3, 1e-4, 0.0)
NONE, NOT_RUN = "run, but no network has a value", "not run"
# What tells the networks of one place from others.
CELL = ["arm", "target", "depth", "width", "weight_decay"]
SAYS = (
    "where sizes are right the slope is 1 and the error 0. Bars are 95% intervals, figures the networks that are left "
    "where a line loses some, marks at the foot where it stops; grey is how well the truths of two networks agree"
)


def agreement_along(
    axis: str, measurements: pandas.DataFrame, *, null: NullBand | None = None, own_splits: bool = False
) -> Figure:
    """The four measures of every arm along one of `AXES`: a row each, a column a value of what has panels.

    All panels of a row share both axes, and all lines their place, colour and mark.

    Args:
        axis: one of `AXES`.
        measurements: a tidy table, as of the study.
        null: what one rank correlation does by chance.
        own_splits: whether each network has a split of its own, which the caption says.

    Raises:
        InvalidData: nothing was measured along this axis.
    """
    frame = named(measurements, axis)
    if frame.empty:
        raise InvalidData(f"The table has no agreement along {axis}; it needs rows of {', '.join(ROWS)}.")
    columns, places = list(frame["panel"].unique()), positions(sorted(set(frame[axis].tolist())), scale=AXES[axis][0])
    rows = {name: look for name, look in ROWS.items() if name in set(frame["statistic"])}
    height = 1.6 + 1.8 / len(rows)  # inches; the legend below takes as much of one row as of four
    figure, panels = drawing(len(rows) * len(columns), columns=len(columns), height=height, sharex=True)
    grid = [panels[start : start + len(columns)] for start in range(0, len(panels), len(columns))]
    for row, (statistic, (label, right, (least, most))) in zip(grid, rows.items(), strict=True):
        for panel, title in zip(row, columns, strict=True):
            part = frame.loc[(frame["panel"] == title) & frame["statistic"].isin([statistic, "repeatability"])]
            part = part if statistic == "spearman" else part.loc[part["statistic"] == statistic]
            draw_panel(panel, part, axis, places)
            panel.axhline(right, color="0.4", linewidth=0.8, linestyle=":", label="perfect")
        if null is not None and statistic == "spearman":
            for panel in row:
                panel.axhspan(-null.point, null.point, color="0.92", linewidth=0, zorder=0, label=CHANCE)
        low, high = row[0].get_ylim()
        row[0].set_ylim(min(0.0, max(low, least)), min(high, most))
        row[0].set_ylabel(label)
    for panel, title in zip(grid[0], columns, strict=True):
        panel.set_title(title)
    for panel in grid[-1]:
        panel.set_xlabel(WORDS[axis])
        panel.set_xticks(list(places.values()), tick_texts(places))
        panel.tick_params(axis="x", rotation=35 if AXES[axis][0] == "log" else 0)
    over = "each network on a split of its own" if own_splits else "all networks on one split"
    what = WORDS[axis].partition(" (")[0]
    return finish(figure, caption=f"Order, line and size of influence by {what}, {over}: {SAYS}.")


def draw_panel(panel: Axes, part: pandas.DataFrame, axis: str, places: Mapping[float, float]) -> None:
    """The lines of one panel, at their places; where a line has no value, a cross at the foot in its colour."""
    for name, style in LOOKS.items():
        line = part.loc[part["line"] == name].sort_values(by=axis)
        if line.empty:
            continue
        known = line.loc[line["value"].notna()]
        at = [places[setting] for setting in known[axis]]
        values = known["value"].to_numpy(dtype=float)
        panel.errorbar(
            at, values, yerr=error_bars(known), **style, markersize=4.5, capsize=2, label=name, zorder=3, alpha=0.9
        )
        # Above for one line, below for the next: they often lie upon each other.
        aside = (4, -11 if list(LOOKS).index(name) % 2 else 4)
        words: Any = {"textcoords": "offset points", "fontsize": SMALL, "color": style["color"]}
        for place, value, count, whole in zip(at, values, known["networks"], known["whole"], strict=True):
            if count < whole:
                panel.annotate(f"{count:g}", (place, value), aside, **words)
        for label, marker, missing in (
            (NONE, "x", set(line[axis]) - set(known[axis])),
            (NOT_RUN, "|", set(places) - set(line[axis])),
        ):
            where = [places[setting] for setting in sorted(missing)]
            heights = [0.04 + 0.08 * list(LOOKS).index(name)] * len(where)
            if where:
                foot = panel.get_xaxis_transform()
                panel.scatter(where, heights, transform=foot, marker=marker, s=30, color=style["color"], label=label)


def named(table: pandas.DataFrame, axis: str) -> pandas.DataFrame:
    """The rows that a figure along this axis shows, with their line, panel, networks, and those with a value."""
    _, panels, least = AXES[axis]
    placed = table.loc[table["arm"].isin([arm for arm, _ in ARMS])].dropna(subset=[*AXES])
    lost = placed.loc[placed["statistic"] == "undefined"].set_index(CELL)
    frame = placed.loc[placed["statistic"].isin([*ROWS, "repeatability"])].copy()
    kinds = zip(frame["statistic"], frame["arm"], frame["target"], strict=True)
    frame["line"] = [(REPEATS if kind == "repeatability" else ARMS).get(tuple(key)) for kind, *key in kinds]
    frame = frame.dropna(subset=["line"])
    frame = frame.loc[frame[least] == frame[least].min()]
    if axis == "depth":
        frame = frame.loc[frame["weight_decay"].isin(SHOWN)]
    cells = pandas.MultiIndex.from_frame(frame[CELL])
    frame["whole"] = lost["n"].reindex(cells).to_numpy(dtype=float)
    frame["networks"] = (frame["whole"] * (1 - lost["value"].reindex(cells).to_numpy(dtype=float))).round()
    frame = frame.sort_values(by=panels, ascending=panels == "depth", kind="stable")
    return frame.assign(panel=[f"{WORDS[panels].partition(' (')[0]}: {value:g}" for value in frame[panels]])
