"""Responses of every family on the same rows, and what statsmodels calls them."""

import numpy
import pytest
import statsmodels.api as sm

import influencelab as il

N, P = 300, 4
RNG = numpy.random.default_rng(0)
X = RNG.normal(size=(N, P))
ETA = X @ [0.3, -0.2, 0.1, 0.25]
WITH = numpy.c_[X, numpy.ones(N)]
FAMILIES, LINKS = sm.families, sm.families.links
CLASSES = (RNG.uniform(size=N) < 1 / (1 + numpy.exp(-ETA))).astype(float)
COUNTS = RNG.poisson(numpy.exp(ETA + 1)).astype(float)
SPREAD = RNG.poisson(numpy.exp(ETA + 1) * RNG.gamma(1 / 0.7, 0.7, N)).astype(float)
CASES = {
    "gaussian": (il.Gaussian(), FAMILIES.Gaussian(), ETA + RNG.normal(size=N)),
    "logit": (il.Binomial(), FAMILIES.Binomial(), CLASSES),
    "probit": (il.Binomial(il.ProbitLink()), FAMILIES.Binomial(LINKS.Probit()), CLASSES),
    "log-log": (il.Binomial(il.ComplementaryLogLogLink()), FAMILIES.Binomial(LINKS.CLogLog()), CLASSES),
    "poisson": (il.Poisson(), FAMILIES.Poisson(), COUNTS),
    "poisson, root": (
        il.Poisson(il.SquareRootLink()),
        FAMILIES.Poisson(LINKS.Sqrt()),
        RNG.poisson((ETA + 3) ** 2) * 1.0,
    ),
    "gamma": (il.Gamma(), FAMILIES.Gamma(), RNG.gamma(5, 1 / (ETA + 3))),
    "gamma, logarithm": (il.Gamma(il.LogLink()), FAMILIES.Gamma(LINKS.Log()), RNG.gamma(5, numpy.exp(ETA))),
    "inverse gaussian": (il.InverseGaussian(), FAMILIES.InverseGaussian(), RNG.wald((ETA + 3) ** -0.5, 8)),
    "negative binomial": (il.NegativeBinomial(alpha=0.7), FAMILIES.NegativeBinomial(alpha=0.7), SPREAD),
}
# One family is quick to try, of a link that is not canonical and a dispersion that is estimated; the rest are slow.
SLOWLY = [case if case == "gamma, logarithm" else pytest.param(case, marks=pytest.mark.slow) for case in CASES]
