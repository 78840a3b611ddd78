"""Figures of solvers beside each other, and of test points beside each other."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.plots import PALETTE, STYLE
from influencelab.experiments.tables import display_name
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates
from influencelab.studies.damping_and_solvers.analysis import LEAST, said_of, told


def solver_bars(numbers: Mapping[str, Measurement]) -> Figure:
    """A column a fit: above, correlation with the truth; below, what each solver left unsolved.

    Args:
        numbers: of `solver_numbers`.
    """
    stems = [name.removesuffix("/spearman") for name in numbers if name.endswith("/spearman")]
    cells = list(dict.fromkeys(stem.split("/")[1] for stem in stems))
    names = list(dict.fromkeys(stem.split("/")[2] for stem in stems))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2,
            len(cells),
            figsize=(2.4 + 2.7 * len(cells), 1.6 + 0.5 * len(names)),
            sharey=True,
            sharex="row",
            squeeze=False,
            layout="constrained",
        )
    for column, cell in enumerate(cells):
        for place, name in enumerate(names):
            stem = f"solvers/{cell}/{name}"
            draw_correlation(axes[0, column], numbers, stem, place=place)
            draw_residual(axes[1, column], numbers, stem, place=place)
        axes[0, column].set_title(told(cell).replace(", ", "\n"), fontsize=10)
        axes[0, column].axvline(0, color="0.4", linewidth=0.8)
        axes[0, column].set_xlabel("Spearman with retraining", fontsize=9)
        axes[1, column].set_xlabel("residual of the solver", fontsize=9)
        axes[1, column].set_xscale("log")
    axes[0, 0].plot([], [], marker="D", color=PALETTE[1], linestyle="none", label="within a class")
    axes[0, 0].set_yticks(range(len(names)), [said_of(name) for name in names])
    axes[0, 0].invert_yaxis()
    axes[1, 0].set_xlim(LEAST, 100)
    axes[0, 0].legend(loc="lower right", frameon=False, fontsize=8)
    plt.close(figure)
    return figure


def draw_correlation(axis: Axes, numbers: Mapping[str, Measurement], stem: str, *, place: int) -> None:
    """A bar with its interval, and a diamond for the correlation within classes; nothing where there is neither."""
    number, within = numbers.get(f"{stem}/spearman"), numbers.get(f"{stem}/within_class_spearman")
    if number is None:
        axis.text(0.02, place, "not for this fit", va="center", fontsize=8, color="0.5")
        return
    low, high = number.interval or (number.value, number.value)
    error = numpy.maximum([[number.value - low], [high - number.value]], 0)
    axis.barh(place, number.value, xerr=error, color=PALETTE[0], height=0.66, capsize=2)
    if within is not None:
        axis.plot(within.value, place, marker="D", color=PALETTE[1], markersize=4.5, linestyle="none")


def draw_residual(axis: Axes, numbers: Mapping[str, Measurement], stem: str, *, place: int) -> None:
    """The largest ‖(C + λ)s − g‖ / ‖g‖ of any seed and test point, from rounding upwards."""
    solved = numbers.get(f"{stem}/residual")
    if solved is not None:
        axis.barh(place, max(solved.value, 2 * LEAST) - LEAST, left=LEAST, color=PALETTE[2], height=0.66)
    elif f"{stem}/spearman" in numbers:
        axis.text(2 * LEAST, place, "solves no system", va="center", fontsize=8, color="0.5")


def by_test_point(tables: Mapping[str, Replicates]) -> Figure:
    """A panel a table: the correlation of every test point, worst first; a dot a seed, a line their mean.

    Args:
        tables: Spearman of each seed and test point, by cell and selection, such as `digits-1/top`.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            1, len(tables), figsize=(3.4 * len(tables), 3.8), sharey=True, squeeze=False, layout="constrained"
        )
    for axis, (title, table) in zip(axes[0], tables.items(), strict=True):
        average = numpy.nanmean(table.values, axis=0)
        order = numpy.argsort(average)
        for seed in table.values:
            axis.scatter(range(len(order)), seed[order], s=10, color=PALETTE[0], alpha=0.4, linewidth=0)
        axis.plot(range(len(order)), average[order], color=PALETTE[3], linewidth=1.6, label="mean over seeds")
        axis.axhline(0, color="0.6", linewidth=0.8)
        cell, _, selection = title.partition("/")
        axis.set_title(f"{told(cell)}\n{display_name(selection)}", fontsize=10)
        axis.set_xlabel("test point, worst first")
    axes[0, 0].set_ylabel("signed Spearman correlation with retraining\n(a dot a seed)")
    axes[0, 0].legend(loc="lower right", frameon=False, fontsize=9)
    plt.close(figure)
    return figure
