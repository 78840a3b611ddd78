"""Agreement by test point and by stratum: every number by NumPy and SciPy."""

import matplotlib.pyplot as plt
import numpy
import pytest
from outcomes import M, R, cells, spearman, table
from scipy import stats

from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import find, joined
from influencelab.statistics.replicates import Replicates
from influencelab.studies.test_points_and_tails import analysis, figures
from influencelab.studies.test_points_and_tails.claims import CLAIMS

QUICK = Bootstrap(resamples=60)
DIGITS = {("digits", 1): cells()["digits", 1]}
PART = {"data": "digits", "depth": 1, "estimator": "exact", "target": "warm", "selection": "top"}


def half_width_of(number):
    """What the note says of it."""
    assert number.note.endswith(f"half-width {(number.high - number.low) / 2:.2g}")
    return True


def test_every_test_point_has_its_correlation_by_cell_and_selection():
    parts = analysis.by_test_point(DIGITS)
    assert [(settings["depth"], settings["selection"]) for settings, _ in parts] == [(1, "top"), (1, "everything")]
    every_other = numpy.arange(0, R, 2)
    wanted = numpy.stack([spearman(held, rows=every_other) for held in DIGITS["digits", 1]])
    assert parts[0][1].values == pytest.approx(wanted)


def test_the_excess_is_the_variance_between_test_points_beyond_sampling():
    z = table(numpy.random.default_rng(3), 5, 12, seed=0.1, test=0.4, rest=0.2, mean=0.5)
    s, m = z.shape
    parts = [(PART, Replicates(numpy.tanh(z), pairs=numpy.full((s, m), 40), measure="spearman"))]
    measured = analysis.measurements_by_test_point(parts, bootstrap=QUICK)
    names = ("excess", "share", "lowest", "highest", "sampling_sd", "sd")
    found = {name: find(measured, {**PART, "statistic": name}) for name in names}
    assert len(measured) == len(names)
    test, seed = z.mean(0) - z.mean(), z.mean(1) - z.mean()
    rest = ((z - z.mean() - test - seed[:, None]) ** 2).sum() / ((s - 1) * (m - 1))
    between, of_seeds = (s * (test**2).sum() / (m - 1) - rest) / s, (m * (seed**2).sum() / (s - 1) - rest) / m
    sampling = ((1 + numpy.tanh(z) ** 2 / 2) / 37).mean()
    assert found["excess"].value == pytest.approx(between - sampling)
    assert half_width_of(found["excess"])
    assert found["share"].value == pytest.approx(between / (between + of_seeds + rest))
    assert found["sd"].value == pytest.approx(between**0.5)
    assert found["sampling_sd"].value == pytest.approx(sampling**0.5)
    ends = numpy.tanh(z).mean(0)
    assert [found[end].value for end in ("lowest", "highest")] == pytest.approx([ends.min(), ends.max()])


def strata(held, j):
    """Pearson, and RMS error over RMS truth, of the sixth of largest |prediction| and of the third to the half."""
    predicted, actual = held.predicted["exact"].numpy()[:, j], held.actual["warm"].numpy()[:, j]
    order = numpy.argsort(numpy.abs(predicted))
    parts = [(predicted[rows], actual[rows]) for rows in (order[-4:], order[8:12])]
    errors = [numpy.linalg.norm(actual - predicted) / numpy.linalg.norm(actual) for predicted, actual in parts]
    return [*(stats.pearsonr(*part)[0] for part in parts), *errors]


def test_the_top_is_held_against_the_middle_by_correlation_and_by_relative_error(monkeypatch):
    monkeypatch.setattr(analysis, "PERCENTILE", 100 * 10 / 24)
    measured = analysis.stratum_measurements(DIGITS, tail=1 / 6, bootstrap=QUICK)
    wanted = numpy.mean([strata(held, j) for held in DIGITS["digits", 1] for j in range(M)], axis=0)
    keys = [(stratum, measure) for measure in ("pearson", "relative_error") for stratum in ("top", "middle")]
    for (stratum, measure), value in zip(keys, wanted, strict=True):
        number = find(measured, {"stratum": stratum, "reference": None, "statistic": measure})
        assert number.value == pytest.approx(value)
    less = [
        find(measured, {"stratum": better, "reference": worse, "statistic": f"{measure}_difference"})
        for better, worse, measure in (("top", "middle", "pearson"), ("middle", "top", "relative_error"))
    ]
    assert [each.value for each in less] == pytest.approx([wanted[0] - wanted[1], wanted[3] - wanted[2]])
    assert all("3 replicates" in each.note and each.interval is None for each in less)
    assert len(measured) == 6


def test_order_and_size_stand_beside_each_other_in_each_selection():
    measured = analysis.agreement_means(DIGITS, bootstrap=QUICK)
    assert len(measured) == 2 * 4
    rows = numpy.arange(0, R, 2)
    pairs = [(each.predicted["exact"].numpy()[rows], each.actual["warm"].numpy()[rows]) for each in DIGITS["digits", 1]]
    wanted = {
        "spearman": [spearman(held, rows=rows) for held in DIGITS["digits", 1]],
        "pearson": [[stats.pearsonr(x[:, j], y[:, j])[0] for j in range(M)] for x, y in pairs],
        "slope": [[stats.linregress(x[:, j], y[:, j]).slope for j in range(M)] for x, y in pairs],
        "relative_error": [numpy.linalg.norm(y - x, axis=0) / numpy.linalg.norm(y, axis=0) for x, y in pairs],
    }
    for statistic, values in wanted.items():
        assert find(measured, {**PART, "statistic": statistic}).value == pytest.approx(numpy.mean(values))


def test_each_setting_of_a_claim_selects_one_number():
    both = {(data, depth): held for depth in (1, 2) for (data, _), held in DIGITS.items()}
    parts = analysis.by_test_point(both)
    measured = joined(
        [
            analysis.measurements_by_test_point(parts, bootstrap=QUICK),
            analysis.stratum_measurements(both, tail=0.2, bootstrap=QUICK),
        ]
    )
    differ, beats = CLAIMS
    assert all(cell.number(measured) is not None for cell in (*differ.cells, *differ.printed, *beats.cells))


def test_test_points_come_worst_first_with_a_dot_a_seed_and_a_line_of_means():
    values = numpy.array([[0.9, 0.1, 0.5], [0.7, -0.3, numpy.nan]])
    parts = [
        (PART, Replicates(values)),
        ({**PART, "depth": 2, "selection": "everything"}, Replicates(values[:1])),
    ]
    figure = figures.by_test_point(parts)
    one, other = figure.axes
    assert [axis.get_title() for axis in (one, other)] == [
        "digits, 1 hidden layer: most influential",
        "digits, 2 hidden layers: all points",
    ]
    assert one.lines[0].get_ydata() == pytest.approx([-0.1, 0.5, 0.8])
    dots = [part.get_offsets()[:, 1].tolist() for part in one.collections]
    assert dots[0] == [0.1, 0.5, 0.9]
    assert dots[1][::2] == [-0.3, 0.7]
    assert len(other.collections) == 1
    assert {axis.get_xlabel() for axis in (one, other)} == {"test point (rank, worst first)"}
    assert "Spearman correlation" in one.get_ylabel()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a network", "mean over networks"]
    assert not plt.get_fignums()
