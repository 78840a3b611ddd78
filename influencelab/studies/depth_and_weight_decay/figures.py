"""Figures of agreement along depth, weight decay and width, drawn from the table of measurements."""

import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import lines
from influencelab.statistics.reliability import NullBand

# The name of each line, by statistic, arm and target.
LINES = {
    ("spearman", "published", "warm"): "published protocol",
    ("spearman", "controlled", "warm"): "controlled, warm truth",
    ("spearman", "controlled", "cold"): "controlled, cold truth",
    ("repeatability", "controlled", "warm"): "repeatability of the warm truth",
    ("repeatability", "controlled", "cold"): "repeatability of the cold truth",
}
WORDS = {"depth": "hidden layers", "weight_decay": "weight decay", "width": "units in each hidden layer"}
# What is along the axis: its scale, what has a panel a value, and what stays at its least value.
AXES = {
    "depth": ("ordinal", "weight_decay", "width"),
    "weight_decay": ("log", "depth", "width"),
    "width": ("linear", "weight_decay", "depth"),
}
# The weight decays that the figure along depth shows.
SHOWN = (5e-3, 1e-4, 0.0)


def agreement_along(
    axis: str, measurements: pandas.DataFrame, *, networks: pandas.DataFrame, null: NullBand | None = None
) -> Figure:
    """Mean ρ of every arm, and the repeatability of its truth, along one of `AXES`.

    Dots are each network's mean ρ and each couple's repeatability; null is what one correlation does by chance.
    """
    frame, dots = (named(table, axis) for table in (measurements, networks))
    neutral = [name for (statistic, _, _), name in LINES.items() if statistic == "repeatability"]
    names = {"x": axis, "hue": "line", "panel": "panel", "scale": AXES[axis][0], "across": WORDS[axis]}
    return lines(frame, dots=dots, neutral=neutral, null=null, **names)


def named(table: pandas.DataFrame, axis: str) -> pandas.DataFrame:
    """The rows that a figure along this axis shows, with the names of their `line` and `panel`."""
    _, panels, least = AXES[axis]
    keys = zip(table["statistic"], table["arm"], table["target"], strict=True)
    frame = table.assign(line=[LINES.get(key) for key in keys]).dropna(subset=["line", *AXES])
    shown = frame[least] == frame[least].min()
    if axis == "depth":
        shown &= frame["weight_decay"].isin(SHOWN)
    frame = frame.loc[shown].sort_values(by=panels, ascending=panels == "depth", kind="stable")
    return frame.assign(panel=[f"{WORDS[panels]}: {value:g}" for value in frame[panels]])
