"""Agreement by test point and by stratum: every number by NumPy and SciPy."""

import matplotlib.pyplot as plt
import numpy
import pytest
from outcomes import M, R, cells, spearman, table
from scipy import stats

from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import find, joined, select
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
    """Pearson of the sixth with the largest |prediction|, of the third to the half of the order, and that widened."""
    predicted, actual = held.predicted["exact"].numpy()[:, j], held.actual["warm"].numpy()[:, j]
    order = numpy.argsort(numpy.abs(predicted))
    top, middle = order[-4:], order[8:12]
    one, other = (stats.pearsonr(predicted[rows], actual[rows])[0] for rows in (top, middle))
    u = predicted[top].std() / predicted[middle].std()
    return one, other, other * u / numpy.sqrt(1 + other**2 * (u**2 - 1))


def test_the_top_is_held_against_the_middle_before_and_after_its_range_is_widened(monkeypatch):
    monkeypatch.setattr(analysis, "PERCENTILE", 100 * 10 / 24)
    measured = analysis.stratum_measurements(DIGITS, tail=1 / 6, bootstrap=QUICK)
    top, middle, corrected = numpy.mean([strata(held, j) for held in DIGITS["digits", 1] for j in range(M)], axis=0)
    pearson = {line["stratum"]: line["value"] for line in select(measured, {"statistic": "pearson"})}
    assert pearson == pytest.approx({"top": top, "middle": middle, "middle_corrected": corrected})
    less = {
        reference: find(measured, {"stratum": "top", "reference": reference, "statistic": "pearson_difference"})
        for reference in ("middle", "middle_corrected")
    }
    assert [each.value for each in less.values()] == pytest.approx([top - middle, top - corrected])
    assert abs(middle - corrected) > 0.05
    assert all(map(half_width_of, less.values()))
    assert len(measured) == 5


def test_each_claim_and_its_control_select_one_number():
    both = {(data, depth): held for depth in (1, 2) for (data, _), held in DIGITS.items()}
    parts = analysis.by_test_point(both)
    measured = joined(
        [
            analysis.measurements_by_test_point(parts, bootstrap=QUICK),
            analysis.stratum_measurements(both, tail=0.2, bootstrap=QUICK),
        ]
    )
    wheres = [where for claim in CLAIMS for where in (claim.where, claim.control) if where]
    assert len(wheres) == 10
    assert all(find(measured, where) is not None for where in wheres)


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
