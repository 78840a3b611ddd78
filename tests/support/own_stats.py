"""Models of statsmodels fitted again by their own class, and their losses written out: the truth of their adapter."""

from functools import cache, partial

import numpy
import pandas
import statsmodels.api as sm
from scipy.special import xlog1py, xlogy

FAMILIES, LINKS = sm.families, sm.families.links
NEWTON = {"method": "newton", "tol": 1e-12, "maxiter": 200, "disp": 0}
IRLS = {"tol": 1e-11, "maxiter": 300}
POLISH = {"method": "newton", "optim_hessian": "oim", "tol": 1e-13, "maxiter": 50, "disp": 0}
# Family, link, and the power of the mean in its variance; of shares of successes None.
GLMS = {
    "gaussian": (FAMILIES.Gaussian, None, 0),
    "gaussian, log": (FAMILIES.Gaussian, LINKS.Log, 0),
    "binomial": (FAMILIES.Binomial, None, None),
    "binomial, probit": (FAMILIES.Binomial, LINKS.Probit, None),
    "binomial, cloglog": (FAMILIES.Binomial, LINKS.CLogLog, None),
    "poisson": (FAMILIES.Poisson, None, 1),
    "poisson, identity": (FAMILIES.Poisson, LINKS.Identity, 1),
    "gamma": (FAMILIES.Gamma, None, 2),
    "gamma, log": (FAMILIES.Gamma, LINKS.Log, 2),
    "inverse gaussian": (FAMILIES.InverseGaussian, None, 3),
    "inverse gaussian, log": (FAMILIES.InverseGaussian, LINKS.Log, 3),
    "tweedie": (partial(FAMILIES.Tweedie, var_power=1.5), LINKS.Log, 1.5),
}
CANONICAL = ("gaussian", "binomial", "poisson", "gamma", "inverse gaussian")
DISCRETE = {"logit": sm.Logit, "probit": sm.Probit, "poisson": sm.Poisson}
KINDS = ("ols", "wls", *DISCRETE, *(f"glm {name}" for name in GLMS))
POWERS = {"poisson": 1, **{f"glm {name}": power for name, (_, _, power) in GLMS.items()}}
PLAIN, ALL = "", "weights, offset, no intercept"
VARIANTS = (PLAIN, "weights", "offset", "no intercept", ALL)
# Which of them a class has.
UNWEIGHTED, UNSHIFTED = ("ols", *DISCRETE), ("ols", "wls")
CASES = [
    (kind, variant)
    for kind in KINDS
    for variant in VARIANTS
    if not ("weights" in variant and kind in UNWEIGHTED) and not ("offset" in variant and kind in UNSHIFTED)
]
CASES += [("wls", "weights, no intercept"), *((kind, "offset, no intercept") for kind in DISCRETE)]


@cache
def frame(which: int, n: int = 310) -> pandas.DataFrame:
    """One of two tables with responses of every kind, in positive features, so that every link has means."""
    draw = numpy.random.default_rng(which)
    table = pandas.DataFrame(
        {"a": draw.uniform(0.5, 1.5, n), "b": draw.uniform(0.5, 2.0 if which else 1.5, n)},
        index=[f"row {number}" for number in range(n)],
    )
    mean = numpy.exp(0.3 * table.a + 0.4 * table.b)
    table["y"] = 1 + table.a + 0.5 * table.b + draw.normal(size=n)
    table["positive"] = mean * draw.gamma(8, 1 / 8, n)
    table["count"] = draw.poisson(mean)
    table["side"] = (draw.uniform(size=n) < 1 / (1 + numpy.exp(1.5 - table.a - 0.3 * table.b))).astype(int)
    table["trials"] = draw.integers(3, 9, n)
    table["won"] = draw.binomial(table.trials, 1 / (1 + numpy.exp(1.2 - table.a)))
    table["lost"] = table.trials - table.won
    table["offset"] = draw.uniform(0, 0.15, n)
    table["exposure"] = draw.uniform(1, 1.2, n)
    table["weight"], table["times"] = draw.uniform(0.5, 2, n), draw.integers(1, 4, n)
    return table


def response(kind: str) -> str | list[str]:
    """The column, or two, that a kind of model explains."""
    if "binomial" in kind:
        return ["won", "lost"]
    if kind in ("logit", "probit"):
        return "side"
    if "poisson" in kind:
        return "count"
    return "y" if kind in ("ols", "wls") or kind.startswith("glm gaussian") else "positive"


def design(variant: str, table: pandas.DataFrame) -> pandas.DataFrame:
    """Two features, and the constant unless there is none."""
    return table[["a", "b"]] if "no intercept" in variant else sm.add_constant(table[["a", "b"]])


def shift(kind: str, variant: str, table: pandas.DataFrame) -> dict[str, numpy.ndarray]:
    """Offsets, and of counts under the log link exposures."""
    if "offset" not in variant:
        return {}
    exposed = {"exposure": table.exposure.to_numpy()} if kind in ("poisson", "glm poisson") else {}
    return {"offset": table.offset.to_numpy(), **exposed}


def offsets(kind: str, variant: str, table: pandas.DataFrame) -> numpy.ndarray | None:
    """What is added to linear predictors, as `from_statsmodels` is given it."""
    parts = shift(kind, variant, table)
    return parts["offset"] + numpy.log(parts.get("exposure", 1.0)) if parts else None


def fitted(kind: str, variant: str, table: pandas.DataFrame, *, more: numpy.ndarray | float = 1.0):
    """The model of a kind in a variant, fitted to a table; where it takes weights, they are multiplied by `more`."""
    x, parts = design(variant, table), shift(kind, variant, table)
    weight = numpy.ones(len(table)) * more * (table.weight.to_numpy() if "weights" in variant else 1.0)
    y = table[response(kind)]
    if kind == "ols":
        return sm.OLS(y, x).fit()
    if kind == "wls":
        return sm.WLS(y, x, weights=weight).fit()
    if kind in DISCRETE:
        return DISCRETE[kind](y, x, **parts).fit(**NEWTON)
    family, link, power = GLMS[kind.removeprefix("glm ")]
    made = family(link()) if link and power != 1.5 else family()
    if "weights" in variant and power is not None:
        parts["freq_weights"] = table.times.to_numpy()
    model = sm.GLM(y, x, family=made, var_weights=weight, **parts)
    return polished(model.fit(**IRLS))


def polished(results):
    """A GLM at its minimum to the last digits, with standard errors by the observed information."""
    return results.model.fit(start_params=numpy.asarray(results.params), **POLISH)


def predicted(results, kind: str, variant: str, table: pandas.DataFrame) -> numpy.ndarray:
    """The means that it predicts."""
    return numpy.asarray(results.predict(design(variant, table), **shift(kind, variant, table)))


def losses(kind: str, mean: numpy.ndarray, table: pandas.DataFrame) -> numpy.ndarray:
    """Half the deviance of each point; of shares and sides minus the log-likelihood of one trial."""
    if kind in ("logit", "probit") or "binomial" in kind:
        y = table.won / table.trials if "binomial" in kind else table.side
        return (-xlogy(y, mean) - xlog1py(1 - y, -mean)).to_numpy()
    y, p = table[response(kind)].to_numpy(dtype=float), POWERS.get(kind, 0)
    if p == 1:
        return xlogy(y, y / mean) - y + mean
    if p == 2:
        return y / mean - numpy.log(y / mean) - 1
    own = numpy.abs(y) ** (2 - p) / ((1 - p) * (2 - p))
    return own - y * mean ** (1 - p) / (1 - p) + mean ** (2 - p) / (2 - p)
