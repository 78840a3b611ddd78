"""Families and links: what a row adds is what differences of losses and other people's formulas say."""

import numpy
import pytest
import statsmodels.api as sm

import influencelab as il
from influencelab import names
from influencelab.errors import InvalidParameter
from influencelab.glm.family import Family
from influencelab.glm.link import Link

THEIRS, LINKS = sm.families, sm.families.links
RNG = numpy.random.default_rng(0)
COUNTS, POSITIVE, SHARES = RNG.poisson(3, 9).astype(float), RNG.gamma(2, size=9), RNG.uniform(size=9)
CASES = {
    "gaussian": (il.Gaussian(), THEIRS.Gaussian(), RNG.normal(size=9)),
    "gaussian, logarithm": (il.Gaussian(il.LogLink()), THEIRS.Gaussian(LINKS.Log()), RNG.normal(size=9)),
    "classes": (il.Binomial(), THEIRS.Binomial(), RNG.integers(0, 2, 9).astype(float)),
    "shares": (il.Binomial(), THEIRS.Binomial(), SHARES),
    "probit": (il.Binomial(il.ProbitLink()), THEIRS.Binomial(LINKS.Probit()), SHARES),
    "log-log": (il.Binomial(il.ComplementaryLogLogLink()), THEIRS.Binomial(LINKS.CLogLog()), SHARES),
    "poisson": (il.Poisson(), THEIRS.Poisson(), COUNTS),
    "poisson, root": (il.Poisson(il.SquareRootLink()), THEIRS.Poisson(LINKS.Sqrt()), COUNTS),
    "gamma": (il.Gamma(), THEIRS.Gamma(), POSITIVE),
    "gamma, logarithm": (il.Gamma(il.LogLink()), THEIRS.Gamma(LINKS.Log()), POSITIVE),
    "inverse gaussian": (il.InverseGaussian(), THEIRS.InverseGaussian(), POSITIVE),
    "negative binomial": (il.NegativeBinomial(alpha=0.7), THEIRS.NegativeBinomial(alpha=0.7), COUNTS),
}
PREDICTOR = numpy.linspace(0.2, 1.5, 9)
STEP = 1e-6


@pytest.mark.parametrize("case", CASES)
def test_a_row_adds_what_statsmodels_and_differences_say(case):
    ours, theirs, y = CASES[case]
    found = ours.working(y, PREDICTOR)
    mean = theirs.link.inverse(PREDICTOR)
    assert 2 * found.loss == pytest.approx(theirs._resid_dev(y, mean), abs=1e-12)
    assert found.expected == pytest.approx(theirs.weights(mean), rel=1e-12)
    assert found.pearson == pytest.approx((y - mean) / numpy.sqrt(theirs.variance(mean)), rel=1e-12)
    ahead, behind = (ours.working(y, PREDICTOR + sign * STEP) for sign in (1, -1))
    assert found.score == pytest.approx(-(ahead.loss - behind.loss) / (2 * STEP), rel=1e-6, abs=1e-7)
    assert found.observed == pytest.approx(-(ahead.score - behind.score) / (2 * STEP), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", names(Link))
def test_a_link_and_its_inverse_and_derivatives_agree(name):
    link = il.make(Link, name)
    mean = link.mean(PREDICTOR)
    assert link.predictor(mean) == pytest.approx(PREDICTOR, rel=1e-9)
    ahead, behind = link.mean(PREDICTOR + STEP), link.mean(PREDICTOR - STEP)
    assert link.slope(PREDICTOR) == pytest.approx((ahead - behind) / (2 * STEP), rel=1e-7)
    ahead, behind = link.slope(PREDICTOR + STEP), link.slope(PREDICTOR - STEP)
    assert link.bend(PREDICTOR) == pytest.approx((ahead - behind) / (2 * STEP), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", names(Family))
def test_responses_outside_the_range_are_told_and_predictors_without_a_mean_have_no_loss(name):
    family = il.make(Family, name)
    assert not family.inside(numpy.array([numpy.nan, numpy.inf])).any()
    inside = family.inside(numpy.array([-1.0, 0.0, 0.5, 2.0]))
    wanted = {
        "gaussian": [True, True, True, True],
        "binomial": [False, True, True, False],
        "poisson": [False, True, True, True],
        "negative_binomial": [False, True, True, True],
    }
    assert inside.tolist() == wanted.get(name, [False, False, True, True])
    if name in ("gamma", "inverse_gaussian"):
        assert family.working(numpy.ones(2), numpy.array([-1.0, 1.0])).loss.tolist() == [numpy.inf, 0.0]


def test_certain_rows_lose_no_digits():
    found = il.Binomial().working(numpy.array([1.0, 0.0, 1.0]), numpy.array([50.0, -800.0, -800.0]))
    assert found.loss == pytest.approx([numpy.exp(-50.0), 0, 800], rel=1e-12)
    assert found.score[2] == 1
    assert numpy.isfinite(found.expected).all()
    rare = il.Binomial().working(numpy.array([1.0, 0.0, 1.0, 0.0, 0.0]), numpy.array([50.0, 50, -50, -50, -800]))
    assert rare.pearson == pytest.approx([0, -numpy.exp(25), numpy.exp(25), -numpy.exp(-25), 0], rel=1e-12, abs=1e-8)


def test_a_dispersion_of_nothing_is_another_family():
    with pytest.raises(InvalidParameter, match=r"Take Poisson\(\)"):
        il.NegativeBinomial(alpha=0.0)
