"""Each figure draws what it was given, in words and units, and refuses what it cannot draw."""

import matplotlib.pyplot as plt
import numpy
import pandas
import pytest
from matplotlib.collections import PathCollection

from influencelab.errors import InvalidData
from influencelab.experiments.line_plots import (
    correlation_by_depth,
    correlation_by_setting,
    damping_path,
)
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.reliability import null_band
from influencelab.statistics.replicates import Replicates, mean

QUICK = Bootstrap(resamples=200)


def cell(value, *, apart=0.2):
    """Two seeds, their means this far to either side of a value, at two test points that differ a little."""
    return Replicates(value + numpy.array([[-apart], [apart]]) + numpy.array([-0.01, 0.01]))


def drawn_as(*values):
    """The ends of the intervals that such cells are drawn with."""
    return sorted(tuple(numpy.round(mean(cell(value), bootstrap=QUICK).ends, 6)) for value in values)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def bars(axis):
    """The lower and upper ends of every error bar of an axis."""
    return sorted(
        tuple(segment[:, 1].round(6)) for container in axis.containers for segment in container[2][0].get_segments()
    )


def test_depth_figure_shows_means_intervals_and_every_seed_panel_by_panel():
    panels = {
        "weight decay 0": {
            "published": {1: cell(0.5), 8: cell(-0.2)},
            "controlled, warm": {1: cell(0.7), 8: cell(0.7)},
        },
        "weight decay 0.005": {"controlled, warm": {1: cell(0.6), 8: cell(0.3)}},
    }
    repeats = {"weight decay 0": {1: cell(0.4), 8: cell(0.1)}}
    figure = correlation_by_depth(panels, repeatability=repeats, null=null_band(25), bootstrap=QUICK)
    first, second = figure.axes
    assert [axis.get_title() for axis in figure.axes] == list(panels)
    assert bars(second) == drawn_as(0.3, 0.6)
    assert len(bars(first)) == 6
    assert bars(first)[0] == drawn_as(-0.2)[0]
    points = [
        offset[1] for part in second.collections if isinstance(part, PathCollection) for offset in part.get_offsets()
    ]
    assert sorted(points) == pytest.approx([0.1, 0.4, 0.5, 0.8])
    assert [text.get_text() for text in first.get_xticklabels()] == ["1", "8"]
    assert "Spearman" in first.get_ylabel()
    assert second.get_xlabel() == "hidden layers"
    names = ["published", "controlled, warm", "repeatability of the target", "one correlation by chance (95%)"]
    assert sorted(legend(figure)) == sorted(names)
    of_warm = [
        {line[0].get_color() for line in axis.containers if line.get_label() == names[1]} for axis in (first, second)
    ]
    assert of_warm[0] == of_warm[1]
    assert not plt.get_fignums()


def test_correlations_outside_the_usual_range_stay_in_view():
    figure = correlation_by_depth({"all": {"published": {1: cell(0.05, apart=0.95)}}})
    low, high = figure.axes[0].get_ylim()
    assert low < -0.9
    assert high > 1.0


def test_setting_figure_keeps_zero_on_a_log_scale_apart():
    lines = {"1 hidden layer": {0: cell(0.1), 1e-4: cell(0.3), 1e-2: cell(0.5)}}
    figure = correlation_by_setting(lines, across="weight decay", scale="log", repeatability=lines, null=null_band(25))
    axis = figure.axes[0]
    assert axis.get_xticks().tolist() == pytest.approx([-6, -4, -2])
    assert [text.get_text() for text in axis.get_xticklabels()] == ["0", "0.0001", "0.01"]
    assert axis.get_xlabel() == "weight decay"
    assert "repeatability of the target" in legend(figure)
    width = correlation_by_setting({"a": {5: cell(0.1), 50: cell(0.2)}}, across="width")
    assert width.axes[0].get_xticks().tolist() == [5, 50]
    with pytest.raises(InvalidData, match="0 or more"):
        correlation_by_setting({"a": {-1: cell(0.1)}}, across="width", scale="log")


def test_damping_path_has_four_panels_and_counts_what_is_negative():
    damping = numpy.geomspace(1e-6, 1, 7)
    rows = [
        {"estimator": name, "damping": each, "spearman": 0.5, "spearman_low": 0.4, "spearman_high": 0.6, "slope": slope}
        | {"effective_dimension": 5.0, "negative_eigenvalues": int(each < 1e-3), "residual": 1e-9}
        for name, slope in (("exact", 1.0), ("lissa", 3.0))
        for each in damping[::-1]
    ]
    figure = damping_path(pandas.DataFrame(rows))
    agreement, size, dimension, residual, negative = figure.axes
    assert [line.get_ydata()[0] for line in size.lines[:2]] == [1.0, 3.0]
    assert agreement.lines[0].get_xdata() == pytest.approx(damping)
    assert "negative eigenvalues" in negative.get_ylabel()
    assert negative.collections[0].get_paths()[0].vertices[:, 1].max() == 1
    assert "λ / λ_max" in dimension.get_xlabel()
    assert "residual" in residual.get_ylabel()
    assert legend(figure) == ["influence (exact)", "influence (LiSSA, stochastic)"]
    with pytest.raises(InvalidData, match="residual"):
        damping_path(pandas.DataFrame(rows).drop(columns="residual"))
