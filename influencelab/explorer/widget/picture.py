"""The explorer's view as a figure: for papers, for GitHub, and for notebooks that are not trusted."""

import textwrap
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from influencelab.experiments.house_style import PALETTE, STYLE, VECTOR
from influencelab.experiments.plots import SHOWN, axis_labels
from influencelab.explorer.widget.view import View
from influencelab.statistics.display import display_name

MANY = 12  # kinds that still get a colour each
LARGE = 3000  # pairs from which on points are smaller
MARKERS = {"s": 14, "alpha": 0.6, "linewidth": 0}


def drawn(view: View, selected: list[int]) -> Figure:
    """Predicted against actual change, coloured and scaled as in the widget; selected pairs stand out."""
    pairs: Any = view.pairs
    missing = pairs["actual"].isna()
    shown = pairs[~missing]
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7.2, 4.8), layout="constrained")
    if len(shown):
        draw_pairs(axis, shown, view, selected)
        draw_lines(axis, view)
        if missing.any():
            edge, lost = axis.get_xaxis_transform(), pairs["predicted"][missing].to_numpy()
            axis.plot(lost, numpy.full(len(lost), 0.02), "x", color="0.3", transform=edge)
            axis.text(0.02, 0.05, f"× {len(lost)} not converged", transform=axis.transAxes, fontsize=8)
    else:
        axis.text(0.5, 0.5, "nothing to show: no pair has both", ha="center", transform=axis.transAxes)
    left_out = ("colour", "axes", "models")
    chosen = [f"{name} {value}" for name, value in view.settings.items() if name not in left_out and value is not None]
    across, up = axis_labels(view.unit or "none")
    axis.set(xlabel="score (no unit)" if view.unscaled else across, ylabel=up)
    above = [view.data.title, *textwrap.wrap(", ".join(chosen), 100), stated(view)]
    axis.set_title("\n".join(filter(None, above)), fontsize=9, loc="left")
    plt.close(figure)  # a notebook shows what is returned, once
    return figure


def drawn_rows(rows: Any, settings: Mapping[str, Any], selected: list[int], *, title: str) -> Figure:
    """Two columns of a table against each other, coloured by a third; selected rows stand out."""
    x, y = (rows[settings[name]].to_numpy(float) for name in ("across", "up"))
    picked = numpy.isin(numpy.arange(len(rows)), selected)
    some = picked if picked.any() else numpy.ones(len(rows), dtype=bool)
    style: dict[str, Any] = MARKERS | {"rasterized": len(rows) > VECTOR}
    faint: dict[str, Any] = style | {"alpha": 0.15}
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(7.2, 4.8), layout="constrained")
    axis.scatter(x[~some], y[~some], **faint, color="0.5")
    if settings["colour"] not in rows:
        axis.scatter(x[some], y[some], **style, color=PALETTE[0])
    else:
        hue = rows[settings["colour"]].to_numpy()
        palette: Any = "colorblind" if len(numpy.unique(hue)) <= len(PALETTE) else "viridis"
        seaborn.scatterplot(x=x[some], y=y[some], hue=hue[some], palette=palette, ax=axis, **style)
        right: Any = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False}
        axis.legend(title=settings["colour"], fontsize=7, title_fontsize=8, **right)
    if settings["axes"] == "symlog":
        symlog(axis, x, y)
    axis.set(xlabel=settings["across"], ylabel=settings["up"])
    axis.set_title(title, fontsize=9, loc="left")
    plt.close(figure)
    return figure


def symlog(axis: Axes, x: numpy.ndarray, y: numpy.ndarray) -> None:
    """Scales that are linear below a size that nine in ten of the values exceed."""
    for values, set_scale in ((x, axis.set_xscale), (y, axis.set_yscale)):
        sizes = numpy.abs(values[values != 0]) if values.any() else numpy.ones(1)
        set_scale("symlog", linthresh=max(numpy.quantile(sizes, 0.1), sizes.max() / 1e4))


def draw_pairs(axis: Axes, shown: Any, view: View, selected: list[int]) -> None:
    """The points, faint where others are selected."""
    x, y, count = shown["predicted"].to_numpy(), shown["actual"].to_numpy(), len(shown)
    style: dict[str, Any] = MARKERS | ({"s": 6, "alpha": 0.5} if count > LARGE else {}) | {"rasterized": count > VECTOR}
    picked = numpy.isin(shown["row"], selected)
    some = picked if picked.any() else numpy.ones(count, dtype=bool)
    faint: dict[str, Any] = style | {"alpha": 0.15}
    axis.scatter(x[~some], y[~some], **faint, color="0.5")
    title, hue, palette = hues(shown, view)
    if hue is None:
        axis.scatter(x[some], y[some], **style, color=PALETTE[0])
    else:
        seaborn.scatterplot(x=x[some], y=y[some], hue=hue[some], palette=palette, ax=axis, **style)
        right: Any = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False}
        axis.legend(title=title, fontsize=7, title_fontsize=8, **right)
    if view.settings["axes"] == "symlog":
        symlog(axis, x, y)


def hues(shown: Any, view: View) -> tuple[str, numpy.ndarray | None, Any]:
    """Name and values of the quantity that colours the points, and the colours."""
    by = view.settings["colour"]
    if by == "|influence|":
        return "log10 |predicted|", numpy.log10(shown["predicted"].abs().to_numpy() + 1e-300), "viridis"
    name = {"class": "train_label", "seed": "seed"}.get(by, "")
    if name not in shown or shown[name].isna().any():
        return "", None, None
    values = shown[name].to_numpy()
    kinds = len(numpy.unique(values))
    whole = values.astype(int) if kinds <= MANY and (values % 1 == 0).all() else values
    return (
        f"class {view.first.deed if view.first else ''}" if by == "class" else by,
        whole,
        "colorblind" if kinds <= len(PALETTE) else "viridis",
    )


def draw_lines(axis: Axes, view: View) -> None:
    """Zero lines, the identity, the fitted slope, and what another seed alone changes."""
    low, high = axis.get_xlim()
    across = numpy.linspace(low, high, 200)
    found = view.statistics()["shown"]
    noise = view.first and view.first.noise.get(view.settings["target"])
    if noise:
        axis.axhspan(-2 * noise, 2 * noise, color=PALETTE[0], alpha=0.1, linewidth=0, zorder=0)
    axis.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    axis.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    limits = axis.get_ylim()
    if not view.unscaled:
        axis.plot(across, across, color="0.4", linestyle="--", linewidth=1, zorder=1)
    if found["slope"] is not None:
        axis.plot(across, found["slope"] * across + found["intercept"], color=PALETTE[3], linewidth=1.5, zorder=1)
    axis.set_xlim(low, high)
    axis.set_ylim(*limits)


def stated(view: View) -> str:
    """How many pairs are shown, and their statistics, for above the points."""
    found = view.statistics()["shown"]
    names = [name for name in SHOWN if found[name] is not None and not (view.unscaled and name == "slope")]
    return ", ".join([f"{found['n']:,} pairs", *(f"{display_name(name)} {found[name]:.3f}" for name in names)])
