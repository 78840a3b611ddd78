"""Repeatability, its ceiling, detection and strata give back what was simulated."""

import numpy
import pytest
from outcomes import outcome
from scipy import stats
from scipy_statistics import made

from influencelab.errors import InvalidData, InvalidParameter, UnknownName
from influencelab.experiments.replication import correlations, loss_changes, repeatability
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.reliability import ceiling, draws_needed, stepped_up
from influencelab.statistics.replicates import difference
from influencelab.statistics.signal_to_noise import consistency, share_detected, signal_to_noise
from influencelab.statistics.strata import by_stratum

QUICK = Bootstrap(resamples=200)


def draws_of(generator, s, *, r=150, m=6, noise=1.0):
    """Draws (s r m) of a target: one signal, and fresh noise of this size for each draw."""
    return generator.normal(size=(r, m)) + noise * generator.normal(size=(s, r, m))


def test_correlations_are_those_of_valid_models_and_unknown_names_are_refused():
    predicted, actual = numpy.random.default_rng(0).normal(size=(2, 12, 3))
    valid = numpy.arange(12) < 9
    which = {"selection": "everything", "estimator": "exact", "target": "warm"}
    found = correlations([outcome(predicted, actual, trusted=valid)], **which)
    assert found.values[0] == pytest.approx([stats.spearmanr(predicted[:9, j], actual[:9, j])[0] for j in range(3)])
    assert found.pairs.tolist() == [[9] * 3]
    with pytest.raises(UnknownName, match="cold"):
        correlations([outcome(predicted, actual)], **{**which, "target": "cold"})


def test_repeatability_is_the_correlation_of_removals_that_both_made():
    generator = numpy.random.default_rng(0)
    one, other = generator.normal(size=(2, 10, 2))
    first = outcome(one, one, trusted=numpy.arange(10) != 3)
    second = outcome(other[::-1], other[::-1], train_ids=numpy.arange(10)[::-1].copy())
    found = repeatability([first], [second], target="warm", measure="pearson")
    kept = numpy.arange(10) != 3
    assert found.values[0] == pytest.approx([stats.pearsonr(one[kept, j], other[kept, j])[0] for j in range(2)])
    assert found.pairs.tolist() == [[9, 9]]
    part = outcome(other[2:6], other[2:6], train_ids=[2, 3, 4, 5])
    assert loss_changes([first, part], "warm").shape == (2, 4, 2)
    assert numpy.isnan(loss_changes([first, part], "warm")[0, 1]).all()
    with pytest.raises(InvalidData, match="no removal in common"):
        loss_changes([first, outcome(one, one, train_ids=numpy.arange(10) + 50)], "warm")
    with pytest.raises(InvalidData, match="different test points"):
        loss_changes([first, outcome(one, one, test_ids=[4, 5])], "warm")
    with pytest.raises(InvalidData, match="couple"):
        repeatability([first], [], target="warm")


def test_stepping_up_and_needing_draws_undo_each_other():
    one = Measurement(0.1, -0.05, 0.3, 5, "made")
    needed, stepped, top = draws_needed(one), stepped_up(one, 36), ceiling(one)
    assert (needed.value, *needed.ends) == pytest.approx((36, 28 / 3, numpy.inf))
    assert (stepped.value, stepped.low) == pytest.approx((0.8, 0.0))
    assert (top.value, *top.ends) == pytest.approx((0.1**0.5, 0.0, 0.3**0.5))
    assert needed.described().interval is None


def test_consistency_is_repeatability_and_says_how_many_draws_a_mean_needs():
    generator = numpy.random.default_rng(1)
    draws = draws_of(generator, 8, r=400, noise=2.0)
    found = consistency(draws, bootstrap=QUICK)
    assert found.value == pytest.approx(0.2, abs=0.03)
    assert found.low <= 0.2 <= found.high
    first, second = (draws_of(numpy.random.default_rng(9), 40, r=400, noise=2.0).reshape(2, 20, 400, 6)).mean(1)
    of_means = numpy.mean([numpy.corrcoef(first[:, j], second[:, j])[0, 1] for j in range(6)])
    assert stepped_up(found, 20).value == pytest.approx(of_means, abs=0.03)
    shifted = draws + 50 * generator.normal(size=(8, 1, 6))
    assert consistency(shifted, bootstrap=QUICK).value == pytest.approx(found.value)


def test_consistency_is_average_covariance_over_average_variance():
    draws = draws_of(numpy.random.default_rng(2), 3, r=9, m=2)
    draws[1, 4, 0] = numpy.nan
    known = [numpy.delete(draws[:, :, 0], 4, axis=1), draws[:, :, 1]]
    truth = [numpy.cov(one)[~numpy.eye(3, dtype=bool)].mean() / numpy.diag(numpy.cov(one)).mean() for one in known]
    assert consistency(draws, bootstrap=QUICK).value == pytest.approx(numpy.mean(truth))


def test_detection_finds_the_pairs_that_stand_out():
    generator = numpy.random.default_rng(3)
    draws = generator.normal(size=(10, 60, 5))
    assert share_detected(draws, bootstrap=QUICK).value == pytest.approx(0.0, abs=0.01)
    draws[:, :15] += 6.0
    found = share_detected(draws, bootstrap=QUICK)
    assert found.value == pytest.approx(0.25, abs=0.01)
    assert found.low < 0.2 < 0.3 < found.high
    loud = numpy.abs(draws.mean(0)) / draws.std(0, ddof=1)
    assert signal_to_noise(draws) == pytest.approx(loud)


def test_detection_of_effects_without_noise_or_without_draws():
    draws = numpy.zeros((3, 2, 2))
    draws[:, 1] = 0.1
    draws[1:, 0, 1] = numpy.nan
    assert signal_to_noise(draws)[1].tolist() == [numpy.inf, numpy.inf]
    assert signal_to_noise(draws)[0, 0] == 0
    assert numpy.isnan(signal_to_noise(draws)[0, 1])
    with pytest.raises(InvalidData, match="two draws"):
        signal_to_noise(draws[:1])


def test_a_narrower_range_lowers_a_correlation_and_not_a_relative_error_of_equal_noise():
    generator, found = numpy.random.default_rng(5), []
    for _ in range(6):
        predicted = numpy.abs(generator.standard_t(3, size=(400, 8)))
        # Noise in proportion to the change: as wrong, relatively, everywhere.
        found.append(made(predicted, predicted * (1 + 0.3 * generator.normal(size=predicted.shape))))
    pearson, error = (by_stratum(found, measure=measure) for measure in ("pearson", "relative_error"))
    assert difference(pearson["top"], pearson["middle"], paired=True, bootstrap=QUICK).low > 0
    low, high = difference(error["middle"], error["top"], paired=True, bootstrap=QUICK).ends
    assert low < 0.02
    assert high > -0.02
    assert pearson["top"].pairs.tolist() == pearson["middle"].pairs.tolist() == [[100] * 8] * 6


def test_strata_are_taken_by_size_of_prediction_for_each_test_point():
    x = numpy.arange(1.0, 9.0)[:, None] * [[1.0, -1.0]]
    x[:, 1] = x[::-1, 1].copy()
    y = x + numpy.random.default_rng(7).normal(size=x.shape)
    found = by_stratum([made(x, y)], top=0.5, middle=(0, 0.5))
    assert found["top"].values[0, 0] == pytest.approx(stats.pearsonr(x[4:, 0], y[4:, 0])[0])
    assert found["top"].values[0, 1] == pytest.approx(stats.pearsonr(x[:4, 1], y[:4, 1])[0])
    assert found["middle"].values[0, 0] == pytest.approx(stats.pearsonr(x[:4, 0], y[:4, 0])[0])
    error = by_stratum([made(x, y)], top=0.5, middle=(0, 0.5), measure="relative_error")
    wanted = [((y[rows, 0] - x[rows, 0]) ** 2).mean() / (y[rows, 0] ** 2).mean() for rows in (slice(4, 8), slice(4))]
    assert [error[name].values[0, 0] ** 2 for name in ("top", "middle")] == pytest.approx(wanted)
    with pytest.raises(InvalidParameter, match="middle"):
        by_stratum([made(x, y)], middle=(0.5, 0.9))
