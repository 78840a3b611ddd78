"""The numbers of a fragility study: their names, and their values by SciPy and NumPy from the same networks."""

from dataclasses import replace

import numpy
import pytest
from outcomes import network, resampled, spearman
from scipy import stats

from influencelab.statistics.bootstrap import Bootstrap
from influencelab.studies.depth_and_weight_decay import numbers
from influencelab.studies.depth_and_weight_decay.readings import Cell, Reading

QUICK = Bootstrap(resamples=60)
WARM = Reading("warm", "controlled")
PUBLISHED = Reading("published", "published", selection="highest_loss", minima=False)
LAST = [
    Reading(f"epifano/{name}", "epifano", name, selection="highest_loss", minima=False)
    for name in ("corrected", "theirs")
]
SEEDS = (0, 1, 2)


def cell(arm, depth, width, decay, **settings):
    """The networks of one cell, all different from those of others."""
    return {(arm, depth, width, decay, seed): network(100 * depth + 10 * width + seed, **settings) for seed in SEEDS}


def study():
    """Three arms, each over settings of its own."""
    return {
        **cell("published", 1, 5, 0.005, own=1),
        **cell("published", 2, 5, 0.005, own=0),
        **cell("published", 2, 5, 0.0, own=0, minimum=False),
        **cell("controlled", 1, 5, 0.005, failed=(0,), moved=(1, 2)),
        **cell("controlled", 1, 5, 1e-4),
        **cell("controlled", 1, 8, 0.005),
        **cell("epifano", 1, 5, 0.005, own=2),
    }


@pytest.fixture(scope="module")
def found():
    sensitivity = {"learning rate 0.1, init he": {Cell(1, 5, 0.005): resampled(0.3, 0.2, 0.4)}}
    return numbers.whole([PUBLISHED, WARM, *LAST], study(), sensitivity=sensitivity, stem="", bootstrap=QUICK)


def rho(arm, depth, width, decay, **settings):
    """ρ by SciPy: a row a seed, a column a test point."""
    held = [each for key, each in study().items() if key[:4] == (arm, depth, width, decay)]
    return numpy.stack([spearman(each, **settings) for each in held])


# Names.
def test_every_reading_says_what_it_must(found):
    means = {
        "published": ("1/0.005", "2/0.005", "2/0"),
        "warm": ("1/0.005", "1/0.0001", "1/0.005/width_8"),
        "epifano/corrected": ("1/0.005",),
        "epifano/theirs": ("1/0.005",),
    }
    for name in ("spearman", "median_spearman", "undefined"):
        labels = {f"{reading}/{name}/{label}" for reading, line in means.items() for label in line}
        assert {each for each in found if f"/{name}/" in each} == labels
    slopes = {each.rpartition("/")[0] for each in found if "slope" in each}
    kinds = ("", "_undefined_as_0", "_given_gradient")
    assert slopes == {f"published/slope{kind}" for kind in kinds} | {f"warm/width_slope{kind}/1" for kind in kinds}
    assert {each for each in found if "decay_gain" in each} == {"published/decay_gain/2", "warm/decay_gain/1"}
    assert {each for each in found if "repeatability" in each} == {
        f"warm/repeatability/{label}" for label in means["warm"]
    }
    once = ("fits_at_a_minimum", "converged", "largest_half_width")
    assert {f"{reading}/{name}" for reading in ("published", "warm") for name in once} <= set(found)
    assert not {each for each in found if each.startswith("epifano") and "converged" in each}
    assert found["sensitivity/learning_rate_0.1/init_he/1/0.005"].value == 0.3
    assert "epifano/corrected_less_theirs/1/0.005" in found


# Values.
def test_means_and_medians_are_of_what_counts(found):
    every = rho("controlled", 1, 5, 0.005, rows=range(1, 9))
    number = found["warm/spearman/1/0.005"]
    assert number.value == pytest.approx(every.mean())
    assert number.low < number.value < number.high
    assert number.note.startswith(numbers.ALL)
    assert found["warm/median_spearman/1/0.005"].value == pytest.approx(numpy.median(every.mean(1)))
    own = found["published/spearman/2/0.005"]
    assert own.value == pytest.approx(rho("published", 2, 5, 0.005)[:, 0].mean())
    assert own.note.startswith(numbers.OWN)


def test_a_gain_is_more_decay_less_less_decay(found):
    gain = rho("controlled", 1, 5, 0.005, rows=range(1, 9)) - rho("controlled", 1, 5, 1e-4)
    assert found["warm/decay_gain/1"].value == pytest.approx(gain.mean())
    without = rho("published", 2, 5, 0.005)[:, 0] - rho("published", 2, 5, 0.0)[:, 0]
    assert found["published/decay_gain/2"].value == pytest.approx(without.mean())
    assert "0.005 less that at 0" in found["published/decay_gain/2"].note


def test_slopes_are_least_squares_along_depth_and_along_width(found):
    by_depth = numpy.concatenate([rho("published", depth, 5, 0.005)[:, column] for depth, column in ((1, 1), (2, 0))])
    assert found["published/slope/0.005"].value == pytest.approx(numpy.polyfit(numpy.repeat([1, 2], 3), by_depth, 1)[0])
    by_width = numpy.concatenate(
        [rho("controlled", 1, 5, 0.005, rows=range(1, 9)), rho("controlled", 1, 8, 0.005)]
    ).mean(1)
    number = found["warm/width_slope/1/0.005"]
    assert number.value == pytest.approx(numpy.polyfit(numpy.repeat([5, 8], 3), by_width, 1)[0])
    assert number.note.endswith(f"half-width {(number.high - number.low) / 2:.2g}")


def test_the_corrected_estimate_is_held_against_the_uncorrected_one(found):
    less = rho("epifano", 1, 5, 0.005, estimator="corrected") - rho("epifano", 1, 5, 0.005, estimator="theirs")
    assert found["epifano/corrected_less_theirs/1/0.005"].value == pytest.approx(less[:, 2].mean())


def test_quality_and_correlation_without_moved_models_stand_by_cell(found):
    trusted = rho("controlled", 1, 5, 0.005, rows=range(3, 9))
    assert found["warm/trusted_spearman/1/0.005"].value == pytest.approx(trusted.mean())
    assert found["warm/converged/1/0.005"].value == pytest.approx(8 / 9)
    assert found["warm/trusted/1/0.005"].value == pytest.approx(6 / 9)
    loss = found["warm/train_loss/1/0.005"]
    assert (loss.value, loss.unit, loss.n) == (pytest.approx(numpy.mean([1.6, 1.61, 1.62])), "nats", 3)
    assert found["warm/train_accuracy/1/0.005"].unit == ""
    assert found["published/fits_at_a_minimum/2/0"].value == 0


def test_shares_count_all_networks_and_all_models(found):
    minima, converged = found["published/fits_at_a_minimum"], found["warm/converged"]
    assert (minima.value, minima.n) == (pytest.approx(6 / 9), 9)
    assert (converged.value, converged.n) == (pytest.approx((81 - 3) / 81), 81)
    halves = [(each.high - each.low) / 2 for name, each in found.items() if name.startswith("warm/spearman/")]
    assert found["warm/largest_half_width"].value == pytest.approx(max(halves))
    assert "worst cell" in found["warm/largest_half_width"].note


def test_no_network_means_no_shares_and_no_interval_no_half_width():
    assert numbers.qualities(WARM, {}, bootstrap=QUICK) == {}
    bare = numbers.widest({Cell(1, 5, 0.0): resampled(0.5, numpy.nan, numpy.nan)})
    assert numpy.isnan(bare.value)
    assert bare.note == "no cell has an interval"


# Networks that say nothing.
def depths(**last):
    """One network a seed at each of three depths, two at the last of which one has other settings."""
    grads = {(depth, seed): 10.0 ** -(depth + 2 * seed) for depth in (1, 2, 3) for seed in SEEDS}
    outcomes = {
        ("controlled", depth, 5, 0.1, seed): network(7 * depth + seed, grad=grad)
        for (depth, seed), grad in grads.items()
    }
    return outcomes | {("controlled", 3, 5, 0.1, 2): network(23, grad=grads[3, 2], **last)}


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
    found = numbers.numbers(WARM, outcomes, decays=(1, 0), bootstrap=QUICK)
    left_out, as_zero = (found[f"warm/{name}/0.1"] for name in ("slope", "slope_undefined_as_0"))
    assert left_out.value == pytest.approx(numpy.polyfit(depth[known], value[known], 1)[0])
    assert as_zero.value == pytest.approx(numpy.polyfit(depth, numpy.where(known, value, 0.0), 1)[0])
    assert abs(left_out.value - as_zero.value) > 0.02
    assert found["warm/undefined/3/0.1"].value == pytest.approx(1 / 3)
    assert "1 of 3 networks have none" in found["warm/spearman/3/0.1"].note
    assert found["warm/spearman/3/0.1"].value == pytest.approx(numpy.nanmean(value[depth == 3]))


def test_a_slope_may_hold_the_gradient_norm():
    outcomes = depths(constant=True)
    depth, value, size = points(outcomes)
    known = ~numpy.isnan(value)
    design = numpy.stack([numpy.ones(9), depth, size], axis=1)[known]
    wanted = numpy.linalg.lstsq(design, value[known], rcond=None)[0][1]
    found = numbers.numbers(WARM, outcomes, decays=(1, 0), bootstrap=QUICK)
    assert found["warm/slope_given_gradient/0.1"].value == pytest.approx(wanted)
    assert found["warm/slope_given_gradient/0.1"].value != pytest.approx(found["warm/slope/0.1"].value, abs=1e-3)


def test_a_slope_that_cannot_be_had_says_why():
    outcomes = {
        key: replace(held, facts={**held.facts, "fit_converged": key[1] == 1}) for key, held in depths().items()
    }
    number = numbers.numbers(WARM, outcomes, decays=(1, 0), bootstrap=QUICK)["warm/slope/0.1"]
    assert numpy.isnan(number.value)
    assert "no slope" in number.note
    assert number.interval is None


# A single seed.
def test_one_seed_at_its_own_test_point_has_no_interval():
    outcomes = {
        ("published", depth, 5, decay, 0): network(depth, own=1) for depth in (1, 2, 3) for decay in (0.0, 0.005)
    }
    found = numbers.numbers(PUBLISHED, outcomes, decays=(0.005, 0.0), bootstrap=QUICK)
    assert found["published/spearman/1/0"].value == pytest.approx(spearman(network(1))[1])
    assert found["published/decay_gain/1"].value == 0
    bare = ("spearman/1/0", "median_spearman/1/0", "decay_gain/1", "slope/0", "slope_undefined_as_0/0")
    assert {name: found[f"published/{name}"].interval for name in bare} == dict.fromkeys(bare)


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
