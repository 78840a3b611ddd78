"""The numbers of a fragility study: what they belong to, and their values by SciPy and NumPy from the same networks."""

from dataclasses import replace

import numpy
import pytest
from outcomes import network, resampled, spearman
from scipy import stats

from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, measurement_of, records, select, tidy
from influencelab.studies.depth_and_weight_decay import numbers
from influencelab.studies.depth_and_weight_decay.readings import Cell, Reading

QUICK = Bootstrap(resamples=60)
WARM = Reading("controlled", "warm")
PUBLISHED = Reading("published", "published", selection="highest_loss", minima=False)
LAST = [replace(PUBLISHED, arm="epifano", networks="epifano", estimator=name) for name in ("corrected", "theirs")]
CHOSEN = replace(PUBLISHED, arm="sensitivity", networks="chosen", choice={"learning_rate": 0.1, "init": "he"})
SEEDS = (0, 1, 2)
USUAL = (1, 5, 0.005)


def cell(arm, depth, width, decay, **settings):
    """The networks of one cell, all different from those of others."""
    return {(arm, depth, width, decay, seed): network(100 * depth + 10 * width + seed, **settings) for seed in SEEDS}


def study():
    """The arms, each over settings of its own."""
    return {
        **cell("published", 1, 5, 0.005, own=1),
        **cell("published", 2, 5, 0.005, own=0),
        **cell("published", 2, 5, 0.0, own=0, minimum=False),
        **cell("warm", 1, 5, 0.005, failed=(0,), moved=(1, 2)),
        **cell("warm", 1, 5, 1e-4),
        **cell("warm", 1, 8, 0.005),
        **cell("epifano", 1, 5, 0.005, own=2),
        **cell("chosen", 1, 5, 0.005, own=1),
    }


@pytest.fixture(scope="module")
def found():
    return numbers.whole([PUBLISHED, WARM, *LAST, CHOSEN], study(), bootstrap=QUICK)


def one(table, statistic, cell=(None, None, None), *, arm="controlled"):
    """The one number of a statistic of an arm, at a depth, width and weight decay."""
    settings = dict(zip(("depth", "width", "weight_decay"), cell, strict=True))
    (line,) = select(table, {"arm": arm, "statistic": statistic, **settings})
    return measurement_of(line)


def rho(arm, depth, width, decay, **settings):
    """ρ by SciPy: a row a seed, a column a test point."""
    held = [each for key, each in study().items() if key[:4] == (arm, depth, width, decay)]
    return numpy.stack([spearman(each, **settings) for each in held])


# Settings.
def settings(table, statistic, *names):
    """What each number of a statistic belongs to, None for a setting that is missing."""
    return {tuple(line[name] for name in names) for line in records(table) if line["statistic"] == statistic}


def test_every_reading_says_what_it_must(found):
    check_tidy(found)
    warm = {("controlled", "exact", *each) for each in (USUAL, (1, 5, 1e-4), (1, 8, 0.005))}
    published = {("published", "exact", *each) for each in (USUAL, (2, 5, 0.005), (2, 5, 0))}
    last = {("epifano", name, *USUAL) for name in ("corrected", "theirs")}
    where = ("arm", "estimator", "depth", "width", "weight_decay")
    for name in ("median_spearman", "undefined"):
        assert settings(found, name, *where) == warm | published | last
    assert settings(found, "spearman", *where) == warm | published | last | {("sensitivity", "exact", *USUAL)}
    assert settings(found, "repeatability", *where) == warm
    for kind in ("", "_undefined_as_0", "_given_gradient"):
        assert settings(found, f"slope{kind}", *where) == {("published", "exact", None, 5, 0.005)}
        assert settings(found, f"width_slope{kind}", *where) == {("controlled", "exact", 1, None, 0.005)}
    assert settings(found, "decay_gain", *where) == {
        ("published", "exact", 2, 5, None),
        ("controlled", "exact", 1, 5, None),
    }
    once = {(arm, "exact", None, None, None) for arm in ("published", "controlled")}
    assert settings(found, "largest_half_width", *where) == once
    for name in ("fits_at_a_minimum", "converged"):
        assert settings(found, name, *where) == once | warm | published
    assert settings(found, "corrected_less_theirs", *where) == {("epifano", None, *USUAL)}
    mine = select(found, {"arm": "sensitivity"})
    assert [(each["learning_rate"], each["init"]) for each in mine] == [(0.1, "he")]
    assert mine[0]["value"] == pytest.approx(rho("chosen", 1, 5, 0.005)[:, 1].mean())


# Values.
def test_means_and_medians_are_of_what_counts(found):
    every = rho("warm", 1, 5, 0.005, rows=range(1, 9))
    number = one(found, "spearman", USUAL)
    assert number.value == pytest.approx(every.mean())
    assert number.low < number.value < number.high
    assert number.note.startswith(numbers.ALL)
    assert one(found, "median_spearman", USUAL).value == pytest.approx(numpy.median(every.mean(1)))
    own = one(found, "spearman", (2, 5, 0.005), arm="published")
    assert own.value == pytest.approx(rho("published", 2, 5, 0.005)[:, 0].mean())
    assert own.note.startswith(numbers.OWN)


def test_a_gain_is_more_decay_less_less_decay(found):
    gain = rho("warm", 1, 5, 0.005, rows=range(1, 9)) - rho("warm", 1, 5, 1e-4)
    assert one(found, "decay_gain", (1, 5, None)).value == pytest.approx(gain.mean())
    number = one(found, "decay_gain", (2, 5, None), arm="published")
    without = rho("published", 2, 5, 0.005)[:, 0] - rho("published", 2, 5, 0.0)[:, 0]
    assert number.value == pytest.approx(without.mean())
    assert "0.005 less that at 0" in number.note


def test_slopes_are_least_squares_along_depth_and_along_width(found):
    by_depth = numpy.concatenate([rho("published", depth, 5, 0.005)[:, column] for depth, column in ((1, 1), (2, 0))])
    number = one(found, "slope", (None, 5, 0.005), arm="published")
    assert number.value == pytest.approx(numpy.polyfit(numpy.repeat([1, 2], 3), by_depth, 1)[0])
    by_width = numpy.concatenate([rho("warm", 1, 5, 0.005, rows=range(1, 9)), rho("warm", 1, 8, 0.005)]).mean(1)
    number = one(found, "width_slope", (1, None, 0.005))
    assert number.value == pytest.approx(numpy.polyfit(numpy.repeat([5, 8], 3), by_width, 1)[0])
    assert number.note.endswith(f"half-width {(number.high - number.low) / 2:.2g}")


def test_the_corrected_estimate_is_held_against_the_uncorrected_one(found):
    less = rho("epifano", 1, 5, 0.005, estimator="corrected") - rho("epifano", 1, 5, 0.005, estimator="theirs")
    assert one(found, "corrected_less_theirs", USUAL, arm="epifano").value == pytest.approx(less[:, 2].mean())


def test_quality_and_correlation_without_moved_models_stand_by_cell(found):
    trusted = rho("warm", 1, 5, 0.005, rows=range(3, 9))
    assert one(found, "trusted_spearman", USUAL).value == pytest.approx(trusted.mean())
    assert one(found, "converged", USUAL).value == pytest.approx(8 / 9)
    assert one(found, "trusted", USUAL).value == pytest.approx(6 / 9)
    loss = one(found, "train_loss", USUAL)
    assert (loss.value, loss.unit, loss.n) == (pytest.approx(numpy.mean([1.6, 1.61, 1.62])), "nats", 3)
    assert one(found, "train_accuracy", USUAL).unit == ""
    assert one(found, "fits_at_a_minimum", (2, 5, 0), arm="published").value == 0


def test_shares_count_all_networks_and_all_models(found):
    minima, converged = one(found, "fits_at_a_minimum", arm="published"), one(found, "converged")
    assert (minima.value, minima.n) == (pytest.approx(6 / 9), 9)
    assert (converged.value, converged.n) == (pytest.approx((81 - 3) / 81), 81)
    halves = found.query("arm == 'controlled' and statistic == 'spearman'").eval("(high - low) / 2")
    assert one(found, "largest_half_width").value == pytest.approx(halves.max())
    assert "worst at depth" in one(found, "largest_half_width").note


def test_no_network_means_no_shares_and_no_interval_no_half_width():
    assert numbers.qualities(WARM, {}, bootstrap=QUICK) == []
    bare = numbers.widest({Cell(1, 5, 0.0): resampled(0.5, numpy.nan, numpy.nan)})
    assert numpy.isnan(bare.value)
    assert bare.note == "no cell has an interval"


# Networks that say nothing.
def depths(**last):
    """One network a seed at each of three depths, two at the last of which one has other settings."""
    grads = {(depth, seed): 10.0 ** -(depth + 2 * seed) for depth in (1, 2, 3) for seed in SEEDS}
    outcomes = {
        ("warm", depth, 5, 0.1, seed): network(7 * depth + seed, grad=grad) for (depth, seed), grad in grads.items()
    }
    return outcomes | {("warm", 3, 5, 0.1, 2): network(23, grad=grads[3, 2], **last)}


def points(outcomes):
    """Depth, mean ρ (NaN where undefined) and log10 of the gradient norm of every network."""
    with pytest.warns(stats.ConstantInputWarning):
        rows = [
            (key[1], spearman(held).mean(), numpy.log10(held.facts["fit_grad_norm"])) for key, held in outcomes.items()
        ]
    return numpy.array(rows).T


def test_undefined_correlations_are_left_out_or_counted_as_0():
    outcomes = depths(constant=True)
    depth, value, _ = points(outcomes)
    known = ~numpy.isnan(value)
    assert known.sum() == 8
    found = tidy(numbers.numbers(WARM, outcomes, decays=(1, 0), bootstrap=QUICK))
    left_out, as_zero = (one(found, name, (None, 5, 0.1)) for name in ("slope", "slope_undefined_as_0"))
    assert left_out.value == pytest.approx(numpy.polyfit(depth[known], value[known], 1)[0])
    assert as_zero.value == pytest.approx(numpy.polyfit(depth, numpy.where(known, value, 0.0), 1)[0])
    assert abs(left_out.value - as_zero.value) > 0.02
    assert one(found, "undefined", (3, 5, 0.1)).value == pytest.approx(1 / 3)
    assert "1 of 3 networks have none" in one(found, "spearman", (3, 5, 0.1)).note
    assert one(found, "spearman", (3, 5, 0.1)).value == pytest.approx(numpy.nanmean(value[depth == 3]))


def test_a_slope_may_hold_the_gradient_norm():
    outcomes = depths(constant=True)
    depth, value, size = points(outcomes)
    known = ~numpy.isnan(value)
    design = numpy.stack([numpy.ones(9), depth, size], axis=1)[known]
    wanted = numpy.linalg.lstsq(design, value[known], rcond=None)[0][1]
    found = tidy(numbers.numbers(WARM, outcomes, decays=(1, 0), bootstrap=QUICK))
    given, plain = (one(found, name, (None, 5, 0.1)).value for name in ("slope_given_gradient", "slope"))
    assert given == pytest.approx(wanted)
    assert given != pytest.approx(plain, abs=1e-3)


def test_a_slope_that_cannot_be_had_says_why():
    outcomes = {
        key: replace(held, facts={**held.facts, "fit_converged": key[1] == 1}) for key, held in depths().items()
    }
    number = one(tidy(numbers.numbers(WARM, outcomes, decays=(1, 0), bootstrap=QUICK)), "slope", (None, 5, 0.1))
    assert numpy.isnan(number.value)
    assert "no slope" in number.note
    assert number.interval is None


# A single seed.
def test_one_seed_at_its_own_test_point_has_no_interval():
    outcomes = {
        ("published", depth, 5, decay, 0): network(depth, own=1) for depth in (1, 2, 3) for decay in (0.0, 0.005)
    }
    found = tidy(numbers.numbers(PUBLISHED, outcomes, decays=(0.005, 0.0), bootstrap=QUICK))
    assert one(found, "spearman", (1, 5, 0), arm="published").value == pytest.approx(spearman(network(1))[1])
    assert one(found, "decay_gain", (1, 5, None), arm="published").value == 0
    bare = dict.fromkeys(("spearman", "median_spearman"), (1, 5, 0)) | {"decay_gain": (1, 5, None)}
    bare |= dict.fromkeys(("slope", "slope_undefined_as_0"), (None, 5, 0))
    assert {one(found, name, at, arm="published").interval for name, at in bare.items()} == {None}


# Medians.
@pytest.mark.parametrize(("s", "low", "high", "covers"), [(20, 6, 15, 0.9586), (10, 2, 9, 0.9785), (6, 1, 6, 0.9688)])
def test_the_interval_of_a_median_is_that_of_the_tables(s, low, high, covers):
    number = numbers.median(numpy.random.default_rng(0).permutation(s) + 1.0)
    assert (number.value, number.low, number.high, number.n) == ((s + 1) / 2, low, high, s)
    assert f"covers {covers:.0%}" in number.note
    draws = numpy.sort(numpy.random.default_rng(1).normal(size=(4000, s)), axis=1)
    assert ((draws[:, low - 1] < 0) & (draws[:, high - 1] > 0)).mean() == pytest.approx(covers, abs=0.012)


def test_the_median_of_nothing_is_not_a_number_and_undefined_seeds_are_left_out():
    assert numpy.isnan(numbers.median(numpy.full(3, numpy.nan)).value)
    number = numbers.median(numpy.array([0.5, numpy.nan, 0.1, 0.2]))
    assert (number.value, number.n) == (0.2, 3)
