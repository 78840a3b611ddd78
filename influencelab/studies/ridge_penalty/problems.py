"""The regressions whose penalty is tuned: drawn as in the paper, drawn with more covariates than rows, and real."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from jaxtyping import Float
from sklearn.datasets import load_diabetes

from influencelab.data.dataset import Dataset
from influencelab.data.sources.bodyfat import FEATURES, Bodyfat
from influencelab.errors import InvalidParameter

# The paper's: 20 rows, 5 covariates, all coefficients and the noise 1, and 3 added to the tenth response.
ROWS, COVARIATES, ODD, SHIFT = 20, 5, 9, 3.0
# Ours: more covariates than rows, of which neighbours correlate as genes do; the squared length of the coefficients is
# twice the variance of the noise.
WIDE_ROWS, WIDE_COVARIATES, NEIGHBOURS, SIGNAL = 50, 200, 0.8, 2.0


@dataclass(frozen=True, eq=False)
class Regression:
    """One data set whose ridge penalty is tuned.

    Attributes:
        data: its name in tables.
        x: covariates, standardised as they are penalised.
        y: responses.
        intercept: `free`, `penalised` or `none`, as `criterion` takes it.
        odd: the place of the observation that was made an outlier; None where there is none.
        against: whether its shift goes against the sign of its own signal.
        features: names of the covariates.
    """

    data: str
    x: Float[numpy.ndarray, "n p"]
    y: Float[numpy.ndarray, " n"]
    intercept: str = "free"
    odd: int | None = None
    against: bool = False
    features: tuple[str, ...] = ()

    def dataset(self) -> Dataset:
        """The same as a data set of the library, in which every observation is watched too."""
        return Dataset(self.x, self.y, self.x, self.y, classes=0, name=self.data, feature_names=self.features)


def simulated(draws: int, *, seed: int) -> list[Regression]:
    """Draws of the paper's simulation: the tenth response lies 3 standard deviations of the noise too high."""
    found = []
    for generator in generators(draws, seed=seed):
        x = generator.normal(size=(ROWS, COVARIATES))
        y = x.sum(1) + generator.normal(size=ROWS)
        y[ODD] += SHIFT
        against = bool(x[ODD].sum() < 0)
        found.append(Regression("simulated", x, y, intercept="none", odd=ODD, against=against))
    return found


def wide(draws: int, *, seed: int) -> list[Regression]:
    """Draws with four times as many covariates as rows."""
    found = []
    for generator in generators(draws, seed=seed + 1):
        x = generator.normal(size=(WIDE_ROWS, WIDE_COVARIATES))
        for each in range(1, WIDE_COVARIATES):
            x[:, each] = NEIGHBOURS * x[:, each - 1] + (1 - NEIGHBOURS**2) ** 0.5 * x[:, each]
        beta = generator.normal(size=WIDE_COVARIATES) * numpy.sqrt(SIGNAL / WIDE_COVARIATES)
        found.append(Regression("wide", standardised(x), x @ beta + generator.normal(size=WIDE_ROWS)))
    return found


def real(name: str, *, rows: int = 0) -> list[Regression]:
    """Body fat, with the intercept free and with it penalised as in the authors' package, or diabetes.

    Args:
        name: `bodyfat` (downloaded) or `diabetes` (scikit-learn's own copy).
        rows: keep the first so many; 0 for all.

    Raises:
        InvalidParameter: another name.
        MissingData: body fat could not be had.
    """
    if name == "bodyfat":
        x, y = body_fat()
        x, y = x[: rows or None], y[: rows or None]
        # As R's scale(x, center = FALSE), which divides by the root of the sum of squares over n − 1.
        scaled = x / numpy.sqrt((x**2).sum(0) / (len(x) - 1))
        return [
            Regression("bodyfat", standardised(x), y, features=FEATURES),
            Regression("bodyfat_penalised_intercept", scaled, y, intercept="penalised", features=FEATURES),
        ]
    if name == "diabetes":
        table: Any = load_diabetes(scaled=False)
        x, y = (numpy.asarray(table[part], dtype=numpy.float64)[: rows or None] for part in ("data", "target"))
        return [Regression("diabetes", standardised(x), y, features=tuple(table["feature_names"]))]
    raise InvalidParameter(f"The data are '{name}', expected bodyfat or diabetes.")


def body_fat() -> tuple[Float[numpy.ndarray, "252 12"], Float[numpy.ndarray, " 252"]]:
    """All men of the source, in the order of the file."""
    data = Bodyfat().load()
    order = numpy.argsort(numpy.concatenate([data.train_ids, data.test_ids]))
    x, y = (numpy.concatenate(both)[order] for both in ((data.x_train, data.x_test), (data.y_train, data.y_test)))
    return x, y


def standardised(x: Float[numpy.ndarray, "n p"]) -> Float[numpy.ndarray, "n p"]:
    """Each covariate with mean 0 and standard deviation 1."""
    return (x - x.mean(0)) / x.std(0, ddof=1)


def generators(draws: int, *, seed: int) -> Sequence[numpy.random.Generator]:
    """An independent stream a draw."""
    return [numpy.random.default_rng(each) for each in numpy.random.SeedSequence(seed).spawn(draws)]
