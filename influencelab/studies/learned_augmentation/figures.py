"""Figures of augmentation: test errors and paired gains, predicted against actual, and what pictures become."""

from typing import Any

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.experiments.house_style import PALETTE, drawing, error_bars, finish, look, short
from influencelab.runner.report import Report
from influencelab.statistics.display import display_name
from influencelab.statistics.measurements import measurement_of, select
from influencelab.studies.learned_augmentation.paired_arms import ARMS, BASELINE

ERRORS = (
    "Test error of one network by what happens to its training pictures: faint dots are seeds, which draw labels and "
    "start, large marks their means with 95% intervals (left), and the mean of how much lower the error is than with "
    "random affine maps and brightness in the same seed (right). What lies to the right of the solid line there beats "
    "them."
)
AGAINST = (
    "Each point is a batch of training pictures that were replaced by transformed copies: horizontal, the rise in mean "
    "validation loss that influence through the last layer predicted; vertical, what happened when the last layer was "
    "fitted again (refit) or the whole network was trained again (network). On the dashed line prediction is truth; "
    "statistics are means over seeds."
)
PICTURES = (
    "Training pictures as they are (first row), moved at random (second) and as the taught augmenter draws them "
    "(third). Each copy is one draw of many."
)
KINDS = {"original": "as they are", "affine": ARMS["affine"], "taught": ARMS["taught"]}


def test_errors(table: pandas.DataFrame, seeds: pandas.DataFrame) -> Figure:
    """The error of every arm and its paired gain over random affine maps, a row of two panels a data set."""
    data, arms = list(dict.fromkeys(seeds["data"])), list(ARMS)
    figure, axes = drawing(2 * len(data), height=2.9, columns=2, sharey="row")
    generator = numpy.random.default_rng(0)
    for place, name in enumerate(data):
        left, right = axes[2 * place], axes[2 * place + 1]
        dots: Any = seeds[seeds["data"] == name]
        own: Any = table[table["data"] == name]
        for row, arm in enumerate(arms):
            values = 100 * dots.loc[dots["arm"] == arm, "error"].to_numpy(dtype=float)
            jitter = row + generator.uniform(-0.18, 0.18, len(values))
            left.scatter(values, jitter, s=10, color=PALETTE[0], alpha=0.35, linewidth=0)
        style = {**look(0), "linestyle": "none", "capsize": 3}
        means = own[own["statistic"] == "test_error"].set_index("arm").loc[arms]
        left.errorbar(means["value"], range(len(arms)), xerr=error_bars(means), **style)
        gains = own[(own["statistic"] == "error_gain") & (own["rival"] == BASELINE)].set_index("arm")
        others = [arm for arm in arms if arm != BASELINE]
        rows, gains = [arms.index(arm) for arm in others], gains.loc[others]
        right.axvline(0, color="0.4", linewidth=1)
        right.errorbar(gains["value"], rows, xerr=error_bars(gains), **{**style, **look(1), "linestyle": "none"})
        left.set_yticks(range(len(arms)), list(ARMS.values()))
        left.set_ylim(len(arms) - 0.5, -0.5)
        left.set_title(display_name(name))
        left.set(xlabel="test error (% of test pictures)", ylabel="augmentation (by name)")
        right.set(xlabel="error less than with random affine maps (percentage points)")
    return finish(figure, caption=ERRORS)


def predicted_against_actual(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure:
    """Replaced batches of all seeds, a panel for each data set, kind of copies and truth."""
    names = ["data", "selection", "target"]
    parts: Any = list(pairs.groupby(names, sort=False, observed=True))
    figure, axes = drawing(len(parts), height=4.3, columns=2, sharey="none")
    for axis, (key, own) in zip(axes, parts, strict=True):
        predicted, actual = (own[name].to_numpy(dtype=float) for name in ("predicted", "actual"))
        reach = 1.08 * max(float(numpy.abs(each).max()) for each in (predicted, actual))
        plots.draw_points(axis, predicted, actual, across=reach, up=reach)
        seeds = own["seed"].nunique()
        words = f"{len(own):,} batches of {seeds} {'seed' if seeds == 1 else 'seeds'}"
        title = [", ".join(display_name(str(each)) for each in key), words]
        for name in ("spearman", "slope"):
            found = select(table, {**dict(zip(names, map(str, key), strict=True)), "statistic": name})
            title += [f"{display_name(name)} {short(measurement_of(line))}" for line in found]
        axis.set_title("\n".join(title), loc="left")
        axis.set(xlabel="predicted change in validation loss (nats)", ylabel="actual change in validation loss (nats)")
    return finish(figure, caption=AGAINST)


def pictures(table: pandas.DataFrame) -> Figure:
    """Pictures of the first data set, a row as they are and a row for each kind of copies."""
    own: Any = table[table["data"] == table["data"].iloc[0]]
    figure, axes = drawing(len(KINDS), height=1.25, columns=1, sharey=False)
    for axis, (kind, words) in zip(axes, KINDS.items(), strict=True):
        some = own[own["kind"] == kind]
        shape = [1 + int(some[name].max()) for name in ("place", "colour", "down", "across")]
        grid = some["brightness"].to_numpy().reshape(shape).transpose(0, 2, 3, 1)
        # Side by side, with a white line between two.
        apart = numpy.pad(grid, ((0, 0), (0, 0), (0, max(1, shape[3] // 16)), (0, 0)), constant_values=255)
        axis.imshow(numpy.concatenate(list(apart), axis=1).squeeze(), cmap="gray", vmin=0, vmax=255)
        axis.set_axis_off()
        axis.set_title(words, loc="left")
    return finish(figure, caption=PICTURES)


def redrawn(report: Report) -> dict[str, Figure | None]:
    """All figures of a report, from its tables."""
    table: Any = report.measurements.drop(columns="study")
    seeds, shown = (pandas.read_parquet(report.kept(f"{each}.parquet", f"no {each}")) for each in ("seeds", "pictures"))
    return {
        "test_errors": test_errors(table, seeds),
        "predicted_against_actual": predicted_against_actual(report.pairs(), table),
        "pictures": pictures(shown),
    }
