"""Figures of the damping path and of solvers beside each other, drawn from the study's table of measurements."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.house_style import STYLE, WIDEST, drawing, error_bars, finish, look, need
from influencelab.runner.report import Report
from influencelab.statistics.display import display_name
from influencelab.statistics.measurements import MEASURED, records, settings_of

PATH = {
    "spearman": "Spearman correlation of predicted\nand actual change in test loss",
    "slope": "slope of actual on predicted change\n(1 = right size)",
    "effective_dimension": "effective dimension\n(parameters)",
    "negative_eigenvalues": "negative eigenvalues\nof H + λ (count)",
}
EARLY = {"minimum": "", "stopped": " stopped early"}
CURVATURES = {"hessian": ("Hessian", "-"), "gauss_newton": ("Gauss-Newton", "--")}
SOLVERS = {
    "exact": "influence (exact, no damping)",
    "exact_damped": "influence (exact, damped)",
    "newton_step": "one Newton step (no damping)",
}
SOLVED = {
    "spearman": "Spearman correlation with retraining",
    "within_class_spearman": "the same within classes",
    "residual": "residual of the solver ‖(H + λ)s − g‖ / ‖g‖",
}
# A system solved to less than this is solved to rounding.
ROUNDING = 1e-12
DAMPED = (
    "From left to right, more and more damping is added to the curvature: a colour is one kind of network, solid "
    "lines use its Hessian, dashed ones the Gauss-Newton approximation, and bands are 95% intervals. Where training "
    "reached a minimum, damping should only take agreement away; where it stopped early, some may help."
)
COMPARED = (
    "How well each way to compute influence ranks removals as retraining does (left; middle: among points of one "
    "class), with 95% intervals, and what its solver left of its linear system (right; at the edge: only rounding). "
    "A colour is one kind of network; the lower methods solve no system."
)


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


def damping_path(table: pandas.DataFrame) -> Figure | None:
    """What damping does, from rows of a damping path: a panel a statistic, a colour a fit, a line style a curvature.

    Negative eigenvalues have a panel where there are any. Without rows there is no figure.
    """
    if table.empty:
        return None
    need(table, ("damping_share", "curvature", *MEASURED))
    shown = titled(table).sort_values(by="damping_share", kind="stable")
    negative = shown.loc[shown["statistic"] == "negative_eigenvalues", "value"].any()
    panels = [name for name in PATH if name != "negative_eigenvalues" or negative]
    looks = {fit: look(place) for place, fit in enumerate(shown["fit"].unique())}
    figure, axes = drawing(len(panels), height=3.0, sharey=False)
    for axis, statistic in zip(axes, panels, strict=True):
        lines = shown.loc[shown["statistic"] == statistic].groupby(["fit", "curvature"], sort=False)
        for (fit, curvature), steps in lines:  # pyright: ignore[reportGeneralTypeIssues] - two keys, two names
            words, dashes = CURVATURES[curvature]
            damping, value, low, high = steps[["damping_share", "value", "low", "high"]].to_numpy(dtype=float).T
            axis.plot(damping, value, **{**looks[fit], "linestyle": dashes}, markersize=4, label=f"{fit}: {words}")
            axis.fill_between(damping, low, high, color=looks[fit]["color"], alpha=0.12, linewidth=0)
        axis.set(ylabel=PATH[statistic], xscale="log", xlabel="damping, as a share of the largest eigenvalue")
    axes[0].axhline(0, color="0.6", linewidth=0.8)
    axes[1].axhline(1, color="0.4", linewidth=1, linestyle=":", label="right size")
    axes[1].set_yscale("symlog", linthresh=2)
    return finish(figure, caption=DAMPED)


def solver_figure(table: pandas.DataFrame) -> Figure:
    """A row a solver, a mark a fit, from rows of solvers: correlations with the truth, and what was left unsolved.

    Those that solve a system stand above; below them there is no residual, but the legend.
    """
    shown = titled(table)
    has_residual = shown.loc[shown["statistic"] == "residual", "estimator"].unique()
    names = list(shown["estimator"].unique())
    fits = list(shown["fit"].unique())
    groups = [[name for name in names if (name in has_residual) == solves] for solves in (True, False)]
    size = {"figsize": (WIDEST, 1.6 + 0.42 * len(names)), "layout": "constrained"}
    heights = [len(group) + 0.4 for group in groups]
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, sharex="col", sharey="row", height_ratios=heights, squeeze=False, **size)
    for row, group, title in zip(axes, groups, ("solves a system", "solves none"), strict=True):
        row[0].set_ylabel(f"estimator ({title})")
        for axis, statistic in zip(row, SOLVED, strict=True):
            draw_solvers(axis, shown.loc[shown["statistic"] == statistic], group, fits=fits)
        row[0].set_yticks(range(len(group)), map(display_name, group))
        row[0].set_ylim(len(group) - 0.4, -0.6)
    for axis, words in zip([axes[1, 0], axes[1, 1], axes[0, 2]], SOLVED.values(), strict=True):
        axis.set_xlabel(words)
    axes[0, 2].set(xscale="log", xlim=(ROUNDING / 3, 30))
    axes[0, 2].xaxis.set_label_position("top")
    axes[0, 2].tick_params(axis="x", top=True, bottom=False, labeltop=True, labelbottom=False)
    return finish(figure, caption=COMPARED, legend=axes[1, 2])


def draw_solvers(axis: Axes, table: pandas.DataFrame, names: Sequence[str], *, fits: Sequence[str]) -> None:
    """One statistic of these solvers, a mark with its interval a fit; a triangle for a residual of rounding."""
    for count, fit in enumerate(fits):
        rows = table.loc[(table["fit"] == fit) & table["estimator"].isin(names)]
        places = [names.index(name) + (count - (len(fits) - 1) / 2) * 0.7 / len(fits) for name in rows["estimator"]]
        style, value = {**look(count), "linestyle": "none"}, rows["value"].to_numpy(dtype=float)
        if (rows["statistic"] == "residual").any():
            tiny = value < ROUNDING
            axis.plot(numpy.full(tiny.sum(), ROUNDING), numpy.array(places)[tiny], **{**style, "marker": "<"})
            axis.plot(value[~tiny], numpy.array(places)[~tiny], **style)
        else:
            axis.errorbar(value, places, xerr=error_bars(rows), **style, markersize=5, elinewidth=1, label=fit)
            axis.axvline(0, color="0.6", linewidth=0.8, zorder=0)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """Every figure of a report, from its measurements."""
    table = report.measurements.drop(columns="study")
    along = table[table["damping_share"].notna()]
    solved = table[table["damping_share"].isna() & table["reference"].isna()]
    return {
        "damping_path": damping_path(along[along["data"] == "digits"]),
        "damping_path_iris": damping_path(along[along["data"] == "iris"]),
        "solvers": solver_figure(solved),
    }
