"""Each figure draws what it was given, in words and units, and refuses what it cannot draw."""

import matplotlib.pyplot as plt
import numpy
import pandas
import pytest

from influencelab.errors import InvalidData
from influencelab.experiments.line_plots import damping_path
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.signal_to_noise import consistency
from influencelab.studies.retraining_noise.figures import draws_and_noise, repeatability_figure


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


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
