"""House style: ticks, numbers and labels that can be read, and figures that break a rule are refused by the rules."""

import matplotlib.pyplot as plt
import numpy
import pytest
from figure_rules import faults

from influencelab.experiments.house_style import drawing, finish, power_text, short
from influencelab.statistics.measurement import Measurement

CAPTION = "A line of points. It should rise."


def drawn(caption=CAPTION, *, label="change (nats)", scale="linear", limits=(0.02, 0.9)):
    """One panel with three points."""
    figure, (axis,) = drawing(1, height=3)
    axis.plot([0.1, 0.2, 0.5], [0.1, 0.2, 0.5], "o", label="a point")
    axis.set(xlabel=label, ylabel="change (nats)", xscale=scale, xlim=limits)
    return finish(figure, caption=caption)


def test_a_plain_figure_keeps_the_rules():
    assert faults(drawn()) == []
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("scale", "limits"),
    [("log", (0.11, 0.6)), ("log", (1e-7, 1.0)), ("log", (0.3, 40.0)), ("symlog", (-0.4, 12.0)), ("log", (0.1, 0.2))],
)
def test_every_logarithmic_axis_has_ticks_one_can_read(scale, limits):
    figure = drawn(scale=scale, limits=limits)
    labels = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert faults(figure) == []
    assert 3 <= len(labels) <= 12


def test_a_long_label_is_broken_and_panels_of_a_page_are_not_too_wide():
    figure, axes = drawing(6, height=2.6)
    for axis in axes:
        axis.plot([0, 1], [0, 1])
        axis.set(
            xlabel="a label of so many words that no panel could hold it (nats)", ylabel="another long label (nats)"
        )
        axis.set_title("a title that is longer than the panel below it")
    assert faults(finish(figure, caption=CAPTION)) == []


# Mistakes that break one rule each, with a word of the fault.
BROKEN = (
    (lambda axis: axis.set_title("tiny", fontsize=6), "points"),
    (lambda axis: axis.set(xlabel="actual change (nats)", ylabel="predicted change (nats)"), "axis"),
    (lambda axis: axis.figure.set_size_inches(14, 3), "wide"),
    (lambda axis: axis.text(0.2, 0.2, "Pearson"), "stands on"),
    (lambda axis: axis.set_xlabel("long " * 60 + "(nats)"), "cut off"),
    (lambda axis: axis.set_xticks([0.1]), "labelled ticks"),
    (lambda axis: axis.set_title("Pearson 0.999848"), "digits"),
    (lambda axis: axis.twinx(), "no label"),
    (lambda axis: axis.figure.set_label(""), "caption"),
    (lambda axis: axis.figure.set_label("One. Two. Three."), "caption"),
    (lambda axis: axis.set_xlabel("change"), "unit"),
    (lambda axis: axis.set_xlabel("λ_max (nats)"), "underscore"),
)


@pytest.mark.parametrize(("mistake", "word"), BROKEN, ids=lambda each: each if isinstance(each, str) else "")
def test_a_figure_that_breaks_a_rule_is_refused(mistake, word):
    figure = drawn()
    mistake(figure.axes[0])
    assert any(word in fault for fault in faults(figure))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Measurement(0.999848, 0.999819, 0.99987), "> 0.999"),
        (Measurement(1.0450, 1.0423, 1.0478), "1.04 [1.04, 1.05]"),
        (Measurement(1.00019, 0.99999, 1.0004), "1.00"),
        (Measurement(0.956, 0.9474, 0.9641), "0.956 [0.947, 0.964]"),
        (Measurement(0.9982, 0.9961, 0.9998), "0.998 [0.996, 1.00]"),
        (Measurement(-0.22, -0.53, 0.02), "-0.220 [-0.530, 0.020]"),
        (Measurement(12345.6, 12000.0, 13000.0), "12346 [12000, 13000]"),
        (Measurement(numpy.nan), "nan"),
    ],
)
def test_numbers_have_three_digits_at_most_behind_the_point(number, text):
    assert short(number) == text


def test_powers_of_ten_are_words_of_mathematics():
    assert [power_text(value) for value in (0, 0.01, 300, 1e-7, 3e-6, -1e5)] == [
        *("0", "0.01", "300", "$10^{-7}$", "$3·10^{-6}$", "$-10^{5}$")
    ]
