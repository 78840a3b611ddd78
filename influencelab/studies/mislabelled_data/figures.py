"""Figures of inspections: flips found, accuracy after mending, and how far self-influence is ahead of its rivals."""

from collections.abc import Sequence
from typing import Any

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.experiments.house_style import drawing, error_bars, finish, look
from influencelab.experiments.tables import Agreement
from influencelab.runner.report import Report
from influencelab.studies.mislabelled_data.flipped_labels import MENDED
from influencelab.studies.mislabelled_data.scores import INFLUENCE, SCORES

ACROSS = "share of the training points inspected"
FOUND = (
    "How many of the flipped labels are among the training points that are inspected, where these are taken in the "
    "order of each score, with 95% intervals over repeats; inspecting at random finds what stands on the dotted line, "
    "and nothing can find more than the dashed one."
)
MENDING = (
    "Test accuracy when the flipped labels among the inspected points are put right and the model is trained again, "
    "for points in the order of each score, with 95% intervals over repeats. Above, dashed, is the accuracy with all "
    "labels right; below, dotted, that with all flips."
)
AHEAD = (
    "By how much the curve of flips found lies higher for self-influence than for each other score, as the difference "
    "of the areas in the same repeat, with 95% intervals. To the right of the solid line self-influence finds more; "
    "within the grey band the difference is smaller than any that matters here."
)
RELABELLED = (
    "Each point is one training label that was changed and one validation point: horizontal, the rise in the "
    "validation point's loss that influence predicted; vertical, what happened when the model was trained again with "
    "that label. On the dashed line prediction is truth."
)
BY_FLIPPED = (
    "The share of the flipped labels among as many training points as there are flips, taken in the order of each "
    "score, against how many of all labels were flipped, with 95% intervals over repeats; inspecting at random finds "
    "what stands on the dotted line."
)
# Between the marks of two scores, as a share of the training points.
APART = 0.0012
# Differences of areas within this are as good as none.
NEGLIGIBLE = 0.01


def found_by_share(table: pandas.DataFrame) -> Figure:
    """The share of flips found against the share inspected, a panel a data set."""
    return curves(table, "found", tuple(SCORES), up="share of the flipped labels found", caption=FOUND)


def accuracy_by_share(table: pandas.DataFrame) -> Figure:
    """Test accuracy after mending against the share inspected, a panel a data set."""
    return curves(table, "accuracy", MENDED, up="share of test points predicted right", caption=MENDING)


def curves(table: pandas.DataFrame, statistic: str, names: tuple[str, ...], *, up: str, caption: str) -> Figure:
    """A line a score, a panel a data set, where the first share of all labels was flipped."""
    rows: Any = of_first_share(table, statistic)
    data = list(dict.fromkeys(rows["data"]))
    figure, axes = drawing(len(data), height=5.0, sharey="none")
    for axis, name in zip(axes, data, strict=True):
        own = rows[rows["data"] == name]
        for count, score in enumerate(names):
            line = own[(own["estimator"] == score) & own["inspected"].notna()].sort_values("inspected")
            across = line["inspected"].to_numpy(dtype=float)
            values = line["value"].to_numpy(dtype=float)
            # Side by side, so that none hides another.
            across = across + APART * (count - (len(names) - 1) / 2)
            axis.errorbar(across, values, yerr=error_bars(line), **look(count), capsize=2, label=SCORES[score])
        bounds(axis, own, statistic)
        axis.set_title(name, fontsize=10)
        axis.set(xlabel=ACROSS, ylabel=up)
    return finish(figure, caption=caption)


def of_first_share(table: pandas.DataFrame, statistic: str) -> pandas.DataFrame:
    """The rows of a statistic where as many labels were flipped as in the first row of each data set."""
    rows: Any = table[table["statistic"] == statistic]
    return rows[rows["flipped"] == rows.groupby("data")["flipped"].transform("first")]


def found_by_flipped(table: pandas.DataFrame) -> Figure | None:
    """The share of flips found among as many points, against the share that was flipped; None where that is one."""
    rows: Any = table[(table["statistic"] == "found") & (table["inspected"] == table["flipped"])]
    if rows["flipped"].nunique() < 2:
        return None
    data = list(dict.fromkeys(rows["data"]))
    figure, axes = drawing(len(data), height=4.6, sharey="all")
    for axis, name in zip(axes, data, strict=True):
        own = rows[rows["data"] == name]
        for count, score in enumerate(SCORES):
            line = own[own["estimator"] == score].sort_values("flipped")
            across = line["flipped"].to_numpy(dtype=float) + APART * (count - (len(SCORES) - 1) / 2)
            values = line["value"].to_numpy(dtype=float)
            axis.errorbar(across, values, yerr=error_bars(line), **look(count), capsize=2, label=SCORES[score])
        most = float(own["flipped"].max())
        axis.plot([0, most], [0, most], color="0.3", linestyle=":", linewidth=1.4, label="by chance")
        axis.set_ylim(0, 1.03)
        axis.set_title(name, fontsize=10)
        axis.set(xlabel="share of the labels that were flipped", ylabel="share of these among as many points")
    return finish(figure, caption=BY_FLIPPED)


def bounds(axis: Axes, own: Any, statistic: str) -> None:
    """The best and the worst that an order can do."""
    if statistic == "accuracy":
        ends = {name: own.loc[own["estimator"] == name, "value"].iloc[0] for name in ("clean", "flipped")}
        axis.axhline(ends["clean"], color="0.3", linestyle="--", linewidth=1, label="all labels right")
        axis.axhline(ends["flipped"], color="0.3", linestyle=":", linewidth=1.4, label="nothing mended")
        return
    most, share = float(own["inspected"].max()), float(own["flipped"].iloc[0])
    axis.plot([0, share, most], [0, 1, 1], color="0.3", linestyle="--", linewidth=1, label="all flips first")
    axis.plot([0, most], [0, most], color="0.3", linestyle=":", linewidth=1.4, label="by chance")
    axis.set_ylim(0, 1.03)


def ahead_of_rivals(table: pandas.DataFrame) -> Figure:
    """The area of self-influence less that of each other score, a panel a data set."""
    rows: Any = of_first_share(table, "area_gain")
    data, names = list(dict.fromkeys(rows["data"])), [name for name in SCORES if name != INFLUENCE]
    figure, axes = drawing(len(data), height=3.6, sharey="all")
    for axis, name in zip(axes, data, strict=True):
        own = rows[rows["data"] == name].set_index("estimator").loc[names]
        axis.axvspan(-NEGLIGIBLE, NEGLIGIBLE, color="0.9", linewidth=0, zorder=0)
        axis.axvline(0, color="0.4", linewidth=1)
        style = {**look(0), "linestyle": "none"}
        axis.errorbar(own["value"].to_numpy(dtype=float), range(len(names)), xerr=error_bars(own), capsize=3, **style)
        axis.set_title(name, fontsize=10)
        axis.set_xscale("symlog", linthresh=0.1)
        axis.set_xlabel("area of self-influence less that of the score (share of flips)")
        axis.set_yticks(range(len(names)), [SCORES[each] for each in names])
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    axes[0].set_ylabel("rival score (by name)")
    return finish(figure, caption=AHEAD)


def relabelled(parts: Sequence[Agreement]) -> Figure | None:
    """Predicted against actual change when one label is changed, a panel a data set."""
    return captioned(plots.predicted_against_actual(parts))


def captioned(figure: Figure | None) -> Figure | None:
    """The figure with what it shows here as its caption."""
    if figure is not None:
        figure.set_label(RELABELLED)
    return figure


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its measurements and pairs."""
    table: Any = report.measurements
    return {
        "found_by_share": found_by_share(table),
        "accuracy_by_share": accuracy_by_share(table),
        "ahead_of_rivals": ahead_of_rivals(table),
        "found_by_flipped": found_by_flipped(table),
        "predicted_against_actual": captioned(plots.pairs_figure(report.pairs(), table)),
    }
