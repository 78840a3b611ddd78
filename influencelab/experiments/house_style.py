"""House style of every figure: colours and marks, sizes, axes whose ticks can be read, one legend below, a caption."""

import math
import textwrap
from collections.abc import Sequence
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy
import pandas
import seaborn
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from influencelab.errors import InvalidData
from influencelab.statistics.measurement import Measurement

# Eight colours that people with any colour vision tell apart; each line has a mark of its own too.
PALETTE = seaborn.color_palette("colorblind")
MARKERS = "os^Dv<>P"
STYLE: Any = {
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}
# More points than this are drawn as pixels, so that an SVG stays small.
VECTOR = 600
# Inches: on a page of 900 pixels at four fifths of its width, the smallest letters are still ten pixels high.
WIDEST, NARROW = 9.0, 6.2
SMALL = 9  # points, the smallest letters
LETTER, SMALLER = 0.084, 0.08  # inches, the width of a letter of a label and of a title
LOGARITHMIC = ("log", "symlog")
LABEL, LINE, MARGIN = 0.5, 0.25, 0.3  # inches, of the label of a tick across and up, and between panels

Look = dict[str, Any]  # colour, marker and style of a line


def look(place: int) -> Look:
    """Colour and marker of the line in this place."""
    return {"color": PALETTE[place % len(PALETTE)], "marker": MARKERS[place % len(MARKERS)], "linestyle": "-"}


def drawing(
    panels: int,
    *,
    height: float,
    columns: int = 0,
    sharex: bool | Literal["none", "col"] = False,
    sharey: bool | Literal["none", "row", "all"] = "row",
) -> tuple[Figure, list[Axes]]:
    """Panels, row by row, of this height in inches: at most three a row, so that all can be read on a page.

    Those of a row may share their vertical axis, those of a column the horizontal one.
    """
    columns = columns or (2 if panels == 4 else min(panels, 3))
    rows = -(-panels // columns)
    size = NARROW if columns == 1 else WIDEST, height * rows
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            rows, columns, figsize=size, sharex=sharex, sharey=sharey, squeeze=False, layout="constrained"
        )
    for spare in axes.flat[panels:]:
        spare.remove()
    return figure, list(axes.flat[:panels])


def finish(figure: Figure, *, caption: str, legend: Axes | None = None) -> Figure:
    """The figure done: one legend under all panels, each label once; ticks to read; its caption, kept as its label.

    Args:
        figure: what was drawn.
        caption: what each mark is and what one should see, for a reader who knows nothing else of the study.
        legend: a panel with nothing to show, which holds the legend instead.
    """
    found = {}
    for axis in figure.axes:
        handles, labels = axis.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    words: Any = {"frameon": False, "fontsize": SMALL}
    if legend is not None:
        legend.set_axis_off()
        legend.legend(found.values(), found.keys(), loc="center", **words)
    elif found:
        widest = 0.5 + 0.068 * max(len(label) for label in found)  # inches, of a mark and its words
        columns = max(1, min(len(found), int(figure.get_size_inches()[0] / widest)))
        figure.legend(found.values(), found.keys(), loc="outside lower center", ncols=columns, **words)
    for side in (side for axis in figure.axes for side in (axis.xaxis, axis.yaxis) if side.get_scale() in LOGARITHMIC):
        side.set_minor_locator(NullLocator())  # over many decades they are a blur, and most of what drawing takes
    layout: Any = figure.get_layout_engine()
    for _ in range(3):  # a broken label takes room from its panel, which may break it again
        layout.execute(figure)
        before = words_of(figure)
        for axis in figure.axes:
            fit_labels(axis)
        if words_of(figure) == before:
            break
    figure.set_layout_engine(None)  # laid out: each file and each view of it would be again, which takes long
    figure.set_label(caption)
    plt.close(figure)  # a notebook shows what is returned, once
    return figure


def words_of(figure: Figure) -> list[str]:
    """All titles, labels and ticks that take room."""
    return [
        text.get_text()
        for axis in figure.axes
        for text in (axis.title, axis.xaxis.label, axis.yaxis.label, *axis.get_xticklabels(), *axis.get_yticklabels())
    ]


def fit_labels(axis: Axes) -> None:
    """Titles and labels broken where their panel ends, and ticks of logarithmic axes labelled."""
    box = axis.get_window_extent().transformed(axis.figure.dpi_scale_trans.inverted())
    spec = axis.get_subplotspec()
    columns = spec.get_geometry()[1] if spec else 1
    room = int((axis.figure.get_size_inches()[0] / columns - MARGIN) / SMALLER)  # pyright: ignore[reportAttributeAccessIssue]
    sizes: dict[Literal["left", "center"], int] = {"left": SMALL, "center": SMALL + 1}
    for place, size in sizes.items():
        lines = axis.get_title(loc=place).split("\n")
        axis.set_title("\n".join(textwrap.fill(line, room) for line in lines), loc=place, fontsize=size)
    for side, length, least in ((axis.xaxis, box.width, LABEL), (axis.yaxis, box.height, LINE)):
        text = " ".join(side.get_label_text().split())
        side.set_label_text(textwrap.fill(text, max(16, int(length / LETTER))))
        if side.get_scale() in LOGARITHMIC:
            label_logarithm(side, most=max(3, int(length / least)))


def label_logarithm(side: Axis, *, most: int) -> None:
    """Ticks of a logarithmic axis, three at least where they can be, and none too close; of a linear part, 0 too."""
    low, high = sorted(map(float, side.get_view_interval()))
    linear = side.get_scale() == "symlog"
    least = side.get_transform().linthresh if linear else low  # pyright: ignore[reportAttributeAccessIssue]
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(max(abs(low), abs(high)))) + 1)
    ticks: list[float] = []
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9)):
        sizes = [step * 10.0**power for power in powers for step in steps]
        both = [*(-size for size in reversed(sizes)), 0.0, *sizes] if linear else sizes
        ticks = [tick for tick in both if low <= tick <= high]
        if len(ticks) >= 3 + linear:
            break
    ticks = ticks[:: -(-len(ticks) // most)]
    side.set_ticks(ticks, [power_text(tick) for tick in ticks])


def power_text(value: float) -> str:
    """A number at a tick: `0.01`, `300`, and larger or much smaller ones as a power of ten."""
    if value == 0 or 1e-4 <= abs(value) <= 1e3:
        return f"{value:g}"
    power = math.floor(math.log10(abs(value)) + 1e-9)
    front = round(value / 10.0**power, 3)
    return f"${'' if front == 1 else '-' if front == -1 else f'{front:g}·'}10^{{{power}}}$"


def error_bars(frame: pandas.DataFrame) -> numpy.ndarray:
    """How far the interval of each measurement reaches below and above it; 0 where it has none."""
    value, low, high = frame[["value", "low", "high"]].to_numpy(dtype=float).T
    return numpy.nan_to_num(numpy.maximum([value - low, high - value], 0))


def short(number: Measurement) -> str:
    """`1.05 [1.04, 1.06]`: three digits at most; `> 0.999` of what would round to 1, and no interval of equal ends."""
    values = [number.value, *(number.interval or ())]
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    decimals = min(3, max(0, 2 - math.floor(math.log10(largest)))) if largest else 2
    if 0.9995 <= number.value < 1:
        return "> 0.999"
    value, *ends = (digits(value, decimals) for value in values)
    return f"{value} [{', '.join(ends)}]" if len({value, *ends}) > 1 else value


def digits(value: float, decimals: int) -> str:
    """A number with so many decimals, or one less where rounding brings it another digit: 1.00 of 0.9998."""
    rounded = round(value, decimals) + 0.0
    over = math.isfinite(rounded) and decimals and len(f"{abs(rounded):.{decimals}f}".replace(".", "").lstrip("0")) > 3
    return f"{rounded:.{decimals - 1 if over else decimals}f}"


def need(table: pandas.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table without these columns."""
    missing = [name for name in columns if name not in table]
    if missing or table.empty:
        raise InvalidData(f"The table has {len(table)} rows and no columns {missing}; it needs {', '.join(columns)}.")
