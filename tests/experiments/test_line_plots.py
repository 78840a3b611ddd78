"""Lines of agreement: each value, interval and dot stands where the table says, and what cannot be drawn is refused."""

import matplotlib.pyplot as plt
import numpy
import pandas
import pytest
from matplotlib.collections import PathCollection

from influencelab.errors import InvalidData
from influencelab.experiments.line_plots import lines, tick_texts
from influencelab.statistics.reliability import null_band


def table(*rows):
    """Rows of panel, line, x and value, with intervals 0.1 to either side."""
    frame = pandas.DataFrame(rows, columns=["panel", "arm", "depth", "value"])
    return frame.assign(low=frame["value"] - 0.1, high=frame["value"] + 0.1)


MEANS = table(
    ("weight decay 0", "published", 1, 0.5),
    ("weight decay 0", "published", 8, -0.2),
    ("weight decay 0", "controlled", 1, 0.7),
    ("weight decay 0", "repeatability", 1, 0.4),
    ("weight decay 0.005", "controlled", 8, 0.3),
    ("weight decay 0.005", "controlled", 1, 0.6),
)
DOTS = table(*(("weight decay 0.005", "controlled", depth, value) for depth, value in ((1, 0.5), (1, 0.8), (8, 0.2))))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def bars(axis):
    """The lower and upper ends of every error bar of an axis."""
    return sorted(
        tuple(segment[:, 1].round(6)) for container in axis.containers for segment in container[2][0].get_segments()
    )


def colors(axis):
    return {container.get_label(): container[0].get_color() for container in axis.containers}


def test_every_panel_shows_its_means_intervals_and_dots():
    figure = lines(MEANS, x="depth", hue="arm", panel="panel", dots=DOTS, null=null_band(25), across="hidden layers")
    first, second = figure.axes
    assert [axis.get_title() for axis in figure.axes] == ["weight decay 0", "weight decay 0.005"]
    assert bars(first) == [(-0.3, -0.1), (0.3, 0.5), (0.4, 0.6), (0.6, 0.8)]
    assert bars(second) == [(0.2, 0.4), (0.5, 0.7)]
    assert second.containers[0][0].get_ydata().tolist() == [0.6, 0.3]
    drawn = [part.get_offsets() for part in second.collections if isinstance(part, PathCollection)]
    assert sorted(numpy.concatenate(drawn)[:, 1]) == pytest.approx([0.2, 0.5, 0.8])
    assert [text.get_text() for text in first.get_xticklabels()] == ["1", "8"]
    assert "Spearman" in first.get_ylabel()
    assert second.get_xlabel() == "hidden layers"
    assert sorted(legend(figure)) == sorted(
        ["controlled", "one correlation by chance (95%)", "published", "repeatability"]
    )
    assert colors(first)["controlled"] == colors(second)["controlled"]
    assert not plt.get_fignums()


def test_what_is_no_arm_is_grey_and_takes_no_colour_from_an_arm():
    neutral = ["repeatability", "published"]
    figure = lines(MEANS, x="depth", hue="arm", panel="panel", neutral=neutral)
    plain = lines(MEANS[MEANS["arm"] == "controlled"], x="depth", hue="arm", panel="panel")
    found = colors(figure.axes[0])
    assert found["repeatability"] == found["published"] != found["controlled"]
    assert found["controlled"] == colors(plain.axes[0])["controlled"]
    assert len({container[0].get_marker() for container in figure.axes[0].containers}) == 3


def test_where_one_setting_was_measured_the_lines_stand_side_by_side_under_their_names():
    axis = lines(MEANS[MEANS["depth"] == 1], x="depth", hue="arm", across="layers").axes[0]
    names = [text.get_text() for text in axis.get_xticklabels()]
    assert names == ["published", "controlled", "repeatability"]
    assert [container[0].get_xdata()[0] for container in axis.containers] == pytest.approx(axis.get_xticks())
    assert axis.get_xlabel() == "layers: 1"


def test_values_outside_the_usual_range_stay_in_view():
    low, high = lines(table(("", "published", 1, -0.85)), x="depth", hue="arm").axes[0].get_ylim()
    assert low < -0.95
    assert high > 1.0


def test_a_missing_value_leaves_a_place_and_no_bar():
    axis = lines(table(("", "a", 1, 0.5), ("", "a", 2, numpy.nan)), x="depth", hue="arm").axes[0]
    assert [text.get_text() for text in axis.get_xticklabels()] == ["1", "2"]
    assert numpy.isnan(axis.containers[0][0].get_ydata()).tolist() == [False, True]


def test_zero_stands_apart_on_a_log_scale_and_a_linear_one_has_every_setting_at_itself():
    frame = table(("", "a", 0, 0.1), ("", "a", 1e-4, 0.3), ("", "a", 1e-2, 0.5))
    axis = lines(frame, x="depth", hue="arm", scale="log").axes[0]
    assert axis.get_xticks().tolist() == pytest.approx([-6, -4, -2])
    assert [text.get_text() for text in axis.get_xticklabels()] == ["0", "0.0001", "0.01"]
    linear = lines(table(("", "a", 5, 0.1), ("", "a", 50, 0.2)), x="depth", hue="arm", scale="linear").axes[0]
    assert linear.get_xticks().tolist() == [5, 50]
    assert linear.get_xlabel() == "depth"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InvalidData, match="0 or more"):
        lines(table(("", "a", -1, 0.1)), x="depth", hue="arm", scale="log")
    with pytest.raises(InvalidData, match="width"):
        lines(MEANS, x="width", hue="arm")
    with pytest.raises(InvalidData, match="0 rows"):
        lines(MEANS[:0], x="depth", hue="arm")


def test_ticks_that_lie_upon_each_other_have_one_text():
    decays = {x: 1.0 if x == 0 else 7 + numpy.log10(x) for x in (0, 1e-5, 1e-4, 1e-3, 0.005, 0.01, 0.1)}
    assert tick_texts(decays) == ["0", "1e-05", "0.0001", "0.001", "", "0.01", "0.1"]
    assert tick_texts({width: width for width in (5, 8, 14, 20, 50)}) == ["5", "8", "14", "20", "50"]
    assert tick_texts({3: 0.0}) == ["3"]
