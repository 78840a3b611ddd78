"""Figures of augmentation: test errors and paired gains, predicted against actual, and what pictures become."""

from typing import Any

import numpy
import pandas
from matplotlib.figure import Figure

from influencelab.experiments import plots
from influencelab.experiments.house_style import PALETTE, drawing, error_bars, finish, look
from influencelab.runner.report import Report
from influencelab.statistics.display import display_name
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
    "fitted again. On the dashed line prediction is truth; statistics are means over seeds."
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


def predicted_against_actual(pairs: pandas.DataFrame, table: pandas.DataFrame) -> Figure | None:
    """Replaced batches of all seeds, a panel for each data set and kind of copies."""
    figure = plots.pairs_figure(pairs.drop(columns=["seed", "train_id"], errors="ignore"), table, columns=2)
    if figure is not None:
        figure.set_label(AGAINST)
    return figure


def pictures(table: pandas.DataFrame) -> Figure:
    """Pictures of the first data set in three rows."""
    own: Any = table[table["data"] == table["data"].iloc[0]]
    count = 1 + int(own["place"].max())
    figure, axes = drawing(len(KINDS) * count, height=1.1, columns=count, sharey=False)
    for row, (kind, words) in enumerate(KINDS.items()):
        for place in range(count):
            axis = axes[row * count + place]
            some = own[(own["kind"] == kind) & (own["place"] == place)]
            shape = [1 + int(some[name].max()) for name in ("colour", "down", "across")]
            grid = some["brightness"].to_numpy().reshape(shape).transpose(1, 2, 0)
            axis.imshow(grid.squeeze(), cmap="gray", vmin=0, vmax=255)
            axis.set_axis_off()
            if place == 0:
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
