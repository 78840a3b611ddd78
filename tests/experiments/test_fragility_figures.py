"""Each figure draws what it was given, in words and units, and refuses what it cannot draw."""

import matplotlib.pyplot as plt
import numpy
import pytest

from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.signal_to_noise import consistency
from influencelab.studies.retraining_noise.figures import draws_and_noise, repeatability_figure


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_noise_figures_say_what_draws_gain_and_what_stands_out():
    generator = numpy.random.default_rng(0)
    signal = generator.normal(size=(40, 4))
    draws = signal + generator.normal(size=(10, 40, 4))
    draws[0, 0, 0] = numpy.nan
    found = consistency(draws, bootstrap=Bootstrap(resamples=200))
    figure = repeatability_figure(draws[0, :, 0], draws[1, :, 0], repeats={"cold": found}, draws=(1, 4))
    left, right = figure.axes
    assert len(left.collections[0].get_offsets()) == 39
    assert right.lines[0].get_ydata()[0] == pytest.approx(found.value)
    assert right.lines[1].get_ydata() == pytest.approx(numpy.sqrt(right.lines[0].get_ydata()))
    assert "nats" in left.get_xlabel()
    still = numpy.broadcast_to(signal, draws.shape).copy()
    arms = draws_and_noise({"unpaired": draws, "paired": still})
    share = (numpy.abs(numpy.nanmean(draws, 0)) > 2 * numpy.nanstd(draws, 0, ddof=1)).mean()
    assert legend(arms) == [f"unpaired: {share:.1%} of 160 pairs beyond 2", "paired: 100.0% of 160 pairs beyond 2"]
    assert arms.axes[0].patches[-1].get_data().values.sum() == pytest.approx(1.0)
    (told,) = arms.axes[0].texts
    assert told.get_text() == "|mean| = 2 sd"
    assert told.get_position()[1] > 1  # above the axes: no outline crosses it
    assert not plt.get_fignums()
