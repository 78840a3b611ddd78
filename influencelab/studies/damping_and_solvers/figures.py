"""Figures of the damping path and of solvers beside each other, drawn from the study's table of measurements."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from influencelab.experiments.line_plots import NEUTRAL, legend_below, look
from influencelab.experiments.plots import PALETTE, STYLE
from influencelab.experiments.tables import display_name
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import measurement_of, records

PATH = {
    "spearman": "agreement (signed Spearman correlation)",
    "slope": "slope of actual on predicted change\n(1 = right size)",
    "effective_dimension": "effective dimension (parameters)",
    "residual": "residual of the solver\n‖(H + λ)s − g‖ / ‖g‖",
}
CURVATURES = {"hessian": ("Hessian", "-"), "gauss_newton": ("Gauss-Newton", "--")}
FITS = {"stopped": " stopped early"}
SOLVERS = {
    "exact": "influence (exact, no damping)",
    "exact_damped": "influence (exact, damped)",
    "newton_step": "one Newton step (no damping)",
}
# What solves nothing has no residual; on a logarithmic axis rounding must still have a place.
LEAST = 1e-16


def titled(table: pandas.DataFrame) -> pandas.DataFrame:
    """The same rows in words: the `fit` in place of arm, data and depth, and what all rows lack or share left out."""
    fits = map(fit_title, table["arm"], table["data"], table["depth"])
    estimators = [SOLVERS.get(name, display_name(name)) for name in table["estimator"]]
    shown = table.drop(columns=["arm", "data", "depth", "target", "selection"]).assign(estimator=estimators)
    shown.insert(0, "fit", list(fits))
    return shown.dropna(axis="columns", how="all")


def fit_title(arm: str, data: str, depth: int) -> str:
    """`digits stopped early, 2 hidden layers`."""
    return f"{data}{FITS.get(arm, '')}, {depth} hidden layer{'' if depth == 1 else 's'}"


def damping_path(table: pandas.DataFrame) -> Figure:
    """What damping does: agreement, size, the dimension that is left, and how well the system was solved.

    Args:
        table: rows of a damping path; a colour a fit, a line style a curvature.
    """
    shown = titled(table).sort_values("damping_share", kind="stable")
    colours = {fit: look(place) for place, fit in enumerate(dict.fromkeys(titled(table)["fit"]))}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(10.5, 7.4), sharex=True, layout="constrained")
    for axis, (statistic, label) in zip(axes.flat, PATH.items(), strict=True):
        for fit, style in colours.items():
            for curvature, (words, dashes) in CURVATURES.items():
                wanted = (shown["fit"] == fit) & (shown["curvature"] == curvature) & (shown["statistic"] == statistic)
                line = shown[wanted]
                marks = style._replace(linestyle=dashes)._asdict() | {"markersize": 4, "label": f"{fit}: {words}"}
                axis.plot(line["damping_share"], line["value"], **marks)
                if statistic == "spearman":
                    ends = line["low"], line["high"]
                    axis.fill_between(line["damping_share"], *ends, color=style.color, alpha=0.15, linewidth=0)
        axis.set_ylabel(label)
        axis.set_xscale("log")
    axes[0, 0].axhline(0, color="0.6", linewidth=0.8)
    axes[0, 1].axhline(1, color="0.4", linewidth=1, linestyle=":")
    axes[0, 1].set_yscale("symlog", linthresh=2, subs=(2, 3, 5))
    axes[0, 1].yaxis.set_major_formatter(ScalarFormatter())
    axes[0, 1].yaxis.set_minor_formatter(ScalarFormatter())
    axes[1, 1].set_yscale("log")
    legend_below(figure, [axes[0, 0]])
    draw_negative(axes[1, 0], shown[shown["statistic"] == "negative_eigenvalues"])
    for axis in axes[1]:
        axis.set_xlabel("damping as a share of the largest eigenvalue, λ / λ_max")
    return figure


def draw_negative(axis: Axes, table: pandas.DataFrame) -> None:
    """How many eigenvalues of the damped curvature are still negative, as steps on an axis of its own at the right."""
    worst = table.groupby("damping_share")["value"].max()
    if not worst.max():
        axis.set_title("no eigenvalue of H + λ is negative", fontsize=9, color=NEUTRAL.color)
        return
    right = axis.twinx()
    right.grid(visible=False)
    shade = {"color": NEUTRAL.color, "alpha": 0.18, "linewidth": 0}
    right.fill_between(worst.index.to_numpy(float), 0, worst.to_numpy(float), step="mid", **shade)
    right.set_ylim(0, max(1.0, 1.6 * float(worst.max())))
    right.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    right.set_ylabel("negative eigenvalues of H + λ (shaded)", color=NEUTRAL.color)
    right.tick_params(axis="y", colors=NEUTRAL.color)


def solver_bars(table: pandas.DataFrame) -> Figure:
    """A column a fit: above, correlation with the truth; below, what each solver left unsolved.

    Args:
        table: rows of solvers at one damping.
    """
    found: dict[tuple[str, str], dict[str, Measurement]] = {}
    for line in records(titled(table)):
        found.setdefault((line["fit"], line["estimator"]), {})[line["statistic"]] = measurement_of(line)
    fits, solvers = (list(dict.fromkeys(names)) for names in zip(*found, strict=True))
    size = (2.4 + 2.7 * len(fits), 1.6 + 0.5 * len(solvers))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(
            2, len(fits), figsize=size, sharey=True, sharex="row", squeeze=False, layout="constrained"
        )
    for (above, below), fit in zip(axes.T, fits, strict=True):
        for place, solver in enumerate(solvers):
            draw_correlation(above, found.get((fit, solver), {}), place=place)
            draw_residual(below, found.get((fit, solver), {}), place=place)
        above.set_title(fit.replace(", ", "\n"), fontsize=10)
        above.axvline(0, color="0.4", linewidth=0.8)
        above.set_xlabel("Spearman with retraining", fontsize=9)
        below.set_xlabel("residual of the solver", fontsize=9)
        below.set_xscale("log")
    axes[0, 0].plot([], [], marker="D", color=PALETTE[1], linestyle="none", label="within a class")
    axes[0, 0].set_yticks(range(len(solvers)), solvers)
    axes[0, 0].invert_yaxis()
    axes[1, 0].set_xlim(LEAST, 100)
    axes[0, 0].legend(loc="lower right", frameon=False, fontsize=8)
    plt.close(figure)
    return figure


def draw_correlation(axis: Axes, numbers: Mapping[str, Measurement], *, place: int) -> None:
    """A bar with its interval, and a diamond for the correlation within classes; nothing where there is neither."""
    number, within = numbers.get("spearman"), numbers.get("within_class_spearman")
    if number is None:
        axis.text(0.02, place, "not for this fit", va="center", fontsize=8, color="0.5")
        return
    low, high = number.interval or (number.value, number.value)
    error = numpy.maximum([[number.value - low], [high - number.value]], 0)
    axis.barh(place, number.value, xerr=error, color=PALETTE[0], height=0.66, capsize=2)
    if within is not None:
        axis.plot(within.value, place, marker="D", color=PALETTE[1], markersize=4.5, linestyle="none")


def draw_residual(axis: Axes, numbers: Mapping[str, Measurement], *, place: int) -> None:
    """The largest ‖(C + λ)s − g‖ / ‖g‖ of any seed and test point, from rounding upwards."""
    if "residual" in numbers:
        length = max(numbers["residual"].value, 2 * LEAST) - LEAST
        axis.barh(place, length, left=LEAST, color=PALETTE[2], height=0.66)
    elif numbers:
        axis.text(2 * LEAST, place, "solves no system", va="center", fontsize=8, color="0.5")
