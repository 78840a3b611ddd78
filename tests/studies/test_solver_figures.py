"""Figures of solvers and of test points draw what they were given, panel by panel, in words and units."""

import matplotlib.pyplot as plt
import numpy
import pytest

from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates
from influencelab.studies.damping_and_solvers.figures import by_test_point, solver_bars

NUMBERS = {
    "solvers/digits-1/exact/spearman": Measurement(0.8, 0.7, 0.85),
    "solvers/digits-1/exact/within_class_spearman": Measurement(0.6),
    "solvers/digits-1/exact/residual": Measurement(1e-9),
    "solvers/digits-1/gradient_dot/spearman": Measurement(-0.2),
    "solvers/stopped-2/exact/spearman": Measurement(0.4, 0.3, 0.5),
    "solvers/stopped-2/exact/residual": Measurement(0.0),
}


def words(axis):
    """What is written in a panel."""
    return [text.get_text() for text in axis.texts]


def bars(axis):
    """Place, start and length of every bar."""
    return [(round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width()) for bar in axis.patches]


def test_solvers_have_a_column_a_fit_with_correlations_above_and_residuals_below():
    figure = solver_bars(NUMBERS)
    (one, other, below, other_below) = figure.axes
    assert [axis.get_title() for axis in (one, other)] == [
        "digits\n1 hidden layer",
        "digits stopped early\n2 hidden layers",
    ]
    assert [text.get_text() for text in one.get_yticklabels()] == ["influence (exact, no damping)", "gradient product"]
    assert {axis.get_xlabel() for axis in (one, other)} == {"Spearman with retraining"}
    assert {axis.get_xlabel() for axis in (below, other_below)} == {"residual of the solver"}
    assert {axis.get_xscale() for axis in (below, other_below)} == {"log"}
    assert bars(one) == [(0, 0, 0.8), (1, 0, -0.2)]
    assert bars(other) == [(0, 0, 0.4)]
    assert not plt.get_fignums()


def test_intervals_and_correlations_within_classes_are_drawn():
    one = solver_bars(NUMBERS).axes[0]
    spans = [
        container.errorbar[2][0].get_segments()[0][:, 0]
        for container in one.containers
        if hasattr(container, "errorbar")
    ]
    assert spans[0] == pytest.approx([0.7, 0.85])
    assert spans[1] == pytest.approx([-0.2, -0.2])
    diamonds = [line.get_xydata().tolist() for line in one.lines if line.get_marker() == "D" and len(line.get_xdata())]
    assert diamonds == [[[0.6, 0.0]]]
    assert [text.get_text() for text in one.get_legend().get_texts()] == ["within a class"]


def test_what_is_missing_is_said():
    one, other, below, other_below = solver_bars(NUMBERS).axes
    assert (words(one), words(other)) == ([], ["not for this fit"])
    assert (words(below), words(other_below)) == (["solves no system"], [])
    assert bars(below) == [(0, 1e-16, pytest.approx(1e-9))]
    assert other_below.patches[0].get_width() > 0


def test_a_figure_of_one_fit_has_two_panels():
    assert len(solver_bars({"solvers/digits-1/exact/spearman": Measurement(0.8)}).axes) == 2


def test_test_points_come_worst_first_with_a_dot_a_seed_and_a_line_of_means():
    values = numpy.array([[0.9, 0.1, 0.5], [0.7, -0.3, numpy.nan]])
    figure = by_test_point({"digits-1/top": Replicates(values), "digits-2/everything": Replicates(values[:1])})
    one, other = figure.axes
    assert [axis.get_title() for axis in (one, other)] == [
        "digits, 1 hidden layer\nmost influential",
        "digits, 2 hidden layers\nall points",
    ]
    assert one.lines[0].get_ydata() == pytest.approx([-0.1, 0.5, 0.8])
    dots = [part.get_offsets()[:, 1].tolist() for part in one.collections]
    assert dots[0] == [0.1, 0.5, 0.9]
    assert dots[1][::2] == [-0.3, 0.7]
    assert len(other.collections) == 1
    assert {axis.get_xlabel() for axis in (one, other)} == {"test point, worst first"}
    assert "Spearman correlation with retraining" in one.get_ylabel()
    assert "mean over seeds" in [text.get_text() for text in one.get_legend().get_texts()]
    assert not plt.get_fignums()
