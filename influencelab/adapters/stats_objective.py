"""The objective that a model of statsmodels minimised: loss, weights and offsets of its points."""

from dataclasses import dataclass
from typing import Any

import numpy

from influencelab.errors import WrongType
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.binary_cross_entropy import BinaryCrossEntropy
from influencelab.models.losses.binomial_cross_entropy import LINKS, BinomialCrossEntropy
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.losses.tweedie_deviance import TweedieDeviance
from influencelab.models.task import LinearTask
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.generalised_linear import GeneralisedLinear
from influencelab.models.tasks.offset_linear import OffsetLinear
from influencelab.models.tasks.ridge import Ridge
from influencelab.training.origin import Noise
from influencelab.training.separation import PROGRAM, separates

SQUARES, COUNTS, LOGIT = SquaredError(), TweedieDeviance(1.0), BinomialCrossEntropy()
DISCRETE = {"Logit": LOGIT, "Probit": BinomialCrossEntropy("probit"), "Poisson": COUNTS}
FAMILIES = {"Gaussian": 0.0, "Poisson": 1.0, "Gamma": 2.0, "InverseGaussian": 3.0}
# The power of the mean that a link of powers makes the linear predictor.
POWERS = {1.0: "identity", -1.0: "inverse", -2.0: "inverse_squared", 0.0: "log"}


@dataclass(frozen=True, eq=False)
class Objective:
    """Σ sᵢ ℓ(zᵢ, yᵢ) with zᵢ = xᵢᵀβ + offsetᵢ.

    Attributes:
        loss: ℓ.
        weights: sᵢ: the weights that the model was given, times the trials of a share of successes.
        offset: of each point, an exposure by its logarithm; None where there is none.
        noise: what standard errors rest on.
        solved: whether the minimum is found in one step.
    """

    loss: OutputLoss
    weights: numpy.ndarray
    offset: numpy.ndarray | None
    noise: Noise
    solved: bool = False

    def task(self, *, classes: int) -> LinearTask:
        """The task with this objective; its intercept is a column of the design."""
        loss = BinaryCrossEntropy() if classes and self.loss == LOGIT else self.loss
        if self.offset is not None:
            return OffsetLinear(0.0, intercept=False, loss=loss)
        if loss == SQUARES:
            return Ridge(0.0, intercept=False)
        return BinaryLogistic(0.0, intercept=False) if classes and loss != self.loss else plain(loss)


def plain(loss: OutputLoss) -> LinearTask:
    """Linear outputs of any loss, without penalty or intercept."""
    return GeneralisedLinear(0.0, intercept=False, loss=loss)


def objective_of(results: Any) -> Objective:
    """What these results minimised.

    Raises:
        WrongType: a family or link that is not read.
    """
    model = results.model
    count = len(model.exog)
    kind, freedom = type(model).__name__, float(results.df_resid)
    if kind in ("OLS", "WLS"):
        weights = numpy.broadcast_to(numpy.asarray(model.weights if kind == "WLS" else 1.0, dtype=float), (count,))
        noise = Noise(float(weights.sum()), freedom, float(results.mse_resid), anew=True)
        return Objective(SQUARES, weights, None, noise, solved=True)
    if kind == "GLM":
        weights = numpy.ones(count) * model.iweights * model.n_trials
        offset = model._offset_exposure
        noise = Noise(float(weights.sum()), freedom, float(results.scale))
        return Objective(loss_of(model.family), weights, given(offset, count), noise)
    offset = sum(numpy.asarray(getattr(model, each, 0.0), dtype=float) for each in ("offset", "exposure"))
    return Objective(DISCRETE[kind], numpy.ones(count), given(offset, count), Noise(float(count), freedom, 1.0))


def given(offset: Any, count: int) -> numpy.ndarray | None:
    """Offsets of so many points; None where all are 0."""
    found = numpy.broadcast_to(numpy.asarray(offset, dtype=float), (count,))
    return found if found.any() else None


def loss_of(family: Any) -> OutputLoss:
    """Half the deviance of a family under its link."""
    name, link = type(family).__name__, link_of(family.link)
    if name == "Binomial" and link in LINKS:
        return BinomialCrossEntropy(link)
    power = float(family.var_power) if name == "Tweedie" else FAMILIES.get(name)
    if power is not None and not 0 < power < 1 and link in POWERS.values():
        return SQUARES if (power, link) == (0.0, "identity") else TweedieDeviance(power, link)
    raise WrongType(
        f"GLM of the family {name} with the link {type(family.link).__name__} is not read. Read are Gaussian, Poisson, "
        f"Gamma, InverseGaussian and Tweedie with the links {', '.join(sorted(POWERS.values()))}, and Binomial with "
        f"{', '.join(LINKS)}. Fit one of these; of NegativeBinomial with known alpha, Poisson is the nearest."
    )


def link_of(link: Any) -> str:
    """Our name of a link; that of its class where we have none."""
    power = getattr(link, "power", None)
    name = type(link).__name__.lower()
    return POWERS.get(float(power), name) if power is not None else name


def runaway(loss: OutputLoss, x: numpy.ndarray, y: numpy.ndarray) -> str:
    """Why the losses of counts or shares fall for ever along some coefficients; '' where they do not.

    As of classes (`unbounded`): coefficients that change no output but of points at an end of their range, and move
    these further towards it. Not tried where the linear program would be large.
    """
    if isinstance(loss, BinomialCrossEntropy):
        ends = (y > 0).astype(float) - (y < 1)  # 1, −1, and 0 in between
    elif isinstance(loss, TweedieDeviance) and loss.link == "log" and 1 <= loss.power < 2:
        ends = -(y == 0).astype(float)
    else:
        return ""
    scaled = x / numpy.maximum(numpy.abs(x).max(0, initial=0), numpy.finfo(float).tiny)
    inside = scaled[ends == 0]
    # Where other points decide all coefficients, none is left to be moved.
    decided = len(inside) and numpy.linalg.matrix_rank(inside) == numpy.linalg.matrix_rank(scaled)
    if not ends.any() or decided or x.size > PROGRAM:
        return ""
    rows = numpy.concatenate([ends[ends != 0][:, None] * scaled[ends != 0], inside, -inside])
    if not separates(rows):
        return ""
    what = "shares of 0 and 1" if isinstance(loss, BinomialCrossEntropy) else "counts of 0"
    return f"coefficients can be moved for ever towards {what} without changing any other output"
