"""Figures of the damping path and of solvers beside each other, drawn from the study's table of measurements."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from influencelab.experiments.line_plots import drawing, legend_below, look, need
from influencelab.experiments.plots import PALETTE, STYLE
from influencelab.statistics.display import display_name
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import MEASURED, measurement_of, records, settings_of

PATH = {
    "spearman": "agreement (signed Spearman correlation)",
    "slope": "slope of actual on predicted change\n(1 = right size)",
    "effective_dimension": "effective dimension (parameters)",
    "residual": "residual of the solver\n‖(H + λ)s − g‖ / ‖g‖",
}
EARLY = {"minimum": "", "stopped": " stopped early"}
CURVATURES = {"hessian": ("Hessian", "-"), "gauss_newton": ("Gauss-Newton", "--")}
SOLVERS = {
    "exact": "influence (exact, no damping)",
    "exact_damped": "influence (exact, damped)",
    "newton_step": "one Newton step (no damping)",
}
# What solves nothing has no residual; on a logarithmic axis rounding must still have a place.
LEAST = 1e-16


def titled(table: pandas.DataFrame) -> pandas.DataFrame:
    """The same rows in words: the `fit` for arm, data and depth, what a solver's damping is; no empty settings."""
    fits = [
        f"{line['data']}{EARLY[line['arm']]}, {line['depth']} hidden layer{'s' if line['depth'] > 1 else ''}"
        for line in records(table)
    ]
    empty = [name for name in settings_of(table) if not table[name].notna().to_numpy().any()]
    shown = table.drop(columns=["arm", "data", "depth", "target", "selection", *empty]).replace(SOLVERS)
    shown.insert(0, "fit", fits)
    return shown


def damping_path(table: pandas.DataFrame) -> Figure:
    """What damping does, from rows of a damping path: a panel a statistic, a colour a fit, a line style a curvature."""
    need(table, ("damping_share", "curvature", *MEASURED))
    shown = titled(table).sort_values(by="damping_share", kind="stable")
    looks = {fit: look(place) for place, fit in enumerate(shown["fit"].unique())}
    figure, axes = drawing(2, rows=2, width=5.25, height=7.4, sharey="none")
    panels = dict(zip(PATH, axes, strict=True))
    lines: Any = shown.loc[shown["statistic"].isin(PATH)].groupby(["fit", "curvature", "statistic"], sort=False)
    for (fit, curvature, statistic), steps in lines:
        damping, value, low, high = steps[["damping_share", "value", "low", "high"]].to_numpy(dtype=float).T
        words, dashes = CURVATURES[curvature]
        style = {**looks[fit], "linestyle": dashes}
        panels[statistic].plot(damping, value, **style, markersize=4, label=f"{fit}: {words}")
        panels[statistic].fill_between(damping, low, high, color=style["color"], alpha=0.12, linewidth=0)
    for statistic, axis in panels.items():
        axis.set(ylabel=PATH[statistic], xscale="log")
    panels["spearman"].axhline(0, color="0.6", linewidth=0.8)
    panels["slope"].axhline(1, color="0.4", linewidth=1, linestyle=":")
    panels["slope"].set_yscale("symlog", linthresh=2, subs=(2, 5))
    panels["slope"].yaxis.set_major_formatter(ScalarFormatter())
    panels["slope"].yaxis.set_minor_formatter(ScalarFormatter())
    panels["residual"].set_yscale("log")
    legend_below(figure, [panels["spearman"]])
    draw_negative(panels["effective_dimension"], table.loc[table["statistic"] == "negative_eigenvalues"])
    for axis in axes[2:]:
        axis.set_xlabel("damping as a share of the largest eigenvalue, λ / λ_max")
    return figure


def draw_negative(axis: Axes, table: pandas.DataFrame) -> None:
    """How many eigenvalues of the damped curvature are still negative, as steps on an axis of its own at the right."""
    damping = numpy.unique(table["damping_share"].to_numpy(dtype=float))
    worst = numpy.array([table.loc[table["damping_share"] == each, "value"].max() for each in damping])
    if not worst.any():
        axis.set_title("no eigenvalue of H + λ is negative", fontsize=9, color="0.35")
        return
    right = axis.twinx()
    right.grid(visible=False)
    right.fill_between(damping, 0, worst, step="mid", color="0.35", alpha=0.18, linewidth=0)
    right.set_ylim(0, max(1.0, 1.6 * float(worst.max())))
    right.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    right.set_ylabel("negative eigenvalues of H + λ (shaded)", color="0.35")
    right.tick_params(axis="y", colors="0.35")


def solver_bars(table: pandas.DataFrame) -> Figure:
    """A column a fit, from rows of solvers: above, correlation with the truth; below, what each left unsolved."""
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for line in records(titled(table)):
        found.setdefault((line["fit"], line["estimator"]), {})[line["statistic"]] = measurement_of(line)
    fits, solvers = (list(dict.fromkeys(names)) for names in zip(*found, strict=True))
    size = {"figsize": (2.4 + 2.7 * len(fits), 1.6 + 0.5 * len(solvers)), "layout": "constrained"}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, len(fits), sharey=True, sharex="row", squeeze=False, **size)
    for (above, below), fit in zip(axes.T, fits, strict=True):
        for place, solver in enumerate(solvers):
            draw_solver(above, below, found.get((fit, solver), {}), place=place)
        above.set_title(fit.replace(", ", "\n"), fontsize=10)
        above.axvline(0, color="0.4", linewidth=0.8)
        above.set_xlabel("Spearman with retraining", fontsize=9)
        below.set_xlabel("residual of the solver", fontsize=9)
        below.set(xscale="log", xlim=(LEAST, 100))
    axes[0, 0].plot([], [], "s", color=PALETTE[0], label="all pairs, with the 95% interval")
    axes[0, 0].plot([], [], "D", color=PALETTE[1], label="pairs within a class")
    axes[0, 0].set_yticks(range(len(solvers)), map(display_name, solvers))
    axes[0, 0].invert_yaxis()
    legend_below(figure, [axes[0, 0]])
    return figure


def draw_solver(above: Axes, below: Axes, numbers: Mapping[str, Measurement], *, place: int) -> None:
    """Above, correlation with its interval, and a diamond within classes; below, the residual from rounding upwards."""
    if not numbers:
        above.text(0.02, place, "not for this fit", va="center", fontsize=8, color="0.5")
        return
    number, within = numbers["spearman"], numbers.get("within_class_spearman")
    low, high = number.interval or (number.value, number.value)
    error = numpy.maximum([[number.value - low], [high - number.value]], 0)
    above.barh(place, number.value, xerr=error, color=PALETTE[0], height=0.66, capsize=2)
    if within is not None:
        above.plot(within.value, place, marker="D", color=PALETTE[1], markersize=4.5, linestyle="none")
    if "residual" in numbers:
        length = max(numbers["residual"].value, 2 * LEAST) - LEAST
        below.barh(place, length, left=LEAST, color=PALETTE[2], height=0.66)
    else:
        below.text(2 * LEAST, place, "solves no system", va="center", fontsize=8, color="0.5")
