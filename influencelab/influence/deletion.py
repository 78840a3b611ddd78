"""Deletion diagnostics of regressions, named and signed as statistics has them: with the point less without it.

Of least squares they are exact; of other losses they take one Newton step from the fit, as `NewtonStep` does.
"""

import pandas
import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter
from influencelab.influence.curvature import Curvature
from influencelab.influence.door import require_fit
from influencelab.influence.estimators.newton_step import check_spared, removal_steps
from influencelab.influence.leverage import amplification, output_spread
from influencelab.models import derivatives
from influencelab.models.losses.squared_error import SquaredError
from influencelab.models.measure import Measure
from influencelab.models.measures.coefficients import Coefficients, coefficient_names
from influencelab.models.shapes import N
from influencelab.training.fit import Fit, require_converged, threads_for
from influencelab.training.origin import Noise

__all__ = ["cooks_distance", "dfbeta", "dfbetas", "dffits", "hat_values"]


def dfbeta(fit: Fit) -> pandas.DataFrame:
    """β̂ − β̂₍ᵢ₎: what each training point, a row, does to each coefficient, a column, in the coefficient's unit.

    By the removals that the model's own refit follows: of least squares exact, with or without weight decay.

    Raises:
        InvalidParameter: the model is not linear, or has several outputs.
        NotConverged, NotFinite, NullSpaceMass: as for `NewtonStep`; coefficients that the data leave undecided, as of
            columns that are one another's sums, have no influence, while predictions have.
    """
    require_one(fit)
    values = -removal_changes(fit, Coefficients())
    return pandas.DataFrame(values.numpy(force=True), rows(fit), coefficient_names(fit.task, fit.data))


def dfbetas(fit: Fit) -> pandas.DataFrame:
    """`dfbeta` in standard errors of each coefficient, of least squares with σ estimated without the point.

    Weights of a model that was trained here count as shares of as many observations as there are points.

    Raises:
        InvalidParameter: as for `dfbeta`, or the model has a penalty or no standard errors.
    """
    found = dfbeta(fit)
    noise = noise_of(fit)
    with threads_for(fit):
        curvature = Curvature(fit)
        size = (curvature.inverse().diagonal() * fit.weights.sum() / noise.observations).sqrt()
        scale = dispersions(curvature, noise).sqrt()
    return found / (scale[:, None] * size).numpy(force=True)


@torch.inference_mode(mode=False)
def removal_changes(fit: Fit, measure: Measure) -> Float[Tensor, "n m"]:
    """The rise of a measure along the step of each removal, as `NewtonStep` takes it."""
    require_converged(fit, allow_unconverged=False)
    with threads_for(fit):
        curvature = Curvature(fit)
        solution = curvature.solve(measure.gradients(fit.task, fit.data, fit.theta).T)
        common = torch.zeros_like(fit.theta)
        if fit.convention == "renormalise":
            common = derivatives.penalty_gradient(fit.task, fit.data, fit.theta) / fit.weights.sum()
        return removal_steps(curvature, solution.values.T, common)


@torch.inference_mode(mode=False)
def hat_values(fit: Fit) -> pandas.Series:
    """hᵢᵢ, each training point's leverage: of least squares, what its fitted output rises by per unit of its target.

    Of other losses the same of the least squares that they look like at the fit, by the observed curvature; with a
    penalty, of the penalised fit. `Estimate.leverage` holds the same numbers.
    """
    require_one(fit)
    require_converged(fit, allow_unconverged=False)
    with threads_for(fit):
        curved, spread, _ = own(Curvature(fit))
        return series(fit, fit.weights * curved * spread)


@torch.inference_mode(mode=False)
def cooks_distance(fit: Fit) -> pandas.Series:
    """Dᵢ: the squared length of `dfbeta`, in the metric of the coefficients' covariance, over their number.

    Raises:
        InvalidParameter: as for `dfbetas`.
    """
    noise, (curvature, step) = noise_of(fit), steps(fit)
    _, spread, _ = own(curvature)
    scale = noise.observations / fit.weights.sum() / (noise.dispersion * len(fit.theta))
    return series(fit, step.square() * spread * scale)


@torch.inference_mode(mode=False)
def dffits(fit: Fit) -> pandas.Series:
    """ẑᵢ − ẑᵢ₍ᵢ₎: what each training point does to its own fitted output, in the output's standard errors.

    Of least squares σ is estimated without the point, as for `dfbetas`.

    Raises:
        InvalidParameter: as for `dfbetas`.
    """
    noise, (curvature, step) = noise_of(fit), steps(fit)
    _, spread, _ = own(curvature)
    error = dispersions(curvature, noise) * spread * fit.weights.sum() / noise.observations
    return series(fit, -step * spread / error.sqrt())


def require_one(fit: Fit) -> None:
    """Refuse what is no linear model of one output."""
    require_fit(fit)
    coefficient_names(fit.task, fit.data)
    if (count := fit.task.output_loss.size(fit.data)) > 1:
        raise InvalidParameter(
            f"The model has {count} outputs, and deletion diagnostics are of one: take "
            "il.Exact().sensitivity(fit, measure=il.Coefficients()), or il.BinaryLogistic of two classes."
        )


def noise_of(fit: Fit) -> Noise:
    """What standard errors of the fit rest on.

    Raises:
        InvalidParameter: it has none.
    """
    require_one(fit)
    if fit.weight_decay or not fit.task.plain:
        raise InvalidParameter(
            "The model has a penalty, under which coefficients have no standard errors: take il.dfbeta, or the fit "
            "without weight decay."
        )
    points = float((fit.weights > 0).sum())
    freedom, loss = points - len(fit.theta), fit.task.output_loss
    if isinstance(loss, SquaredError) and freedom <= 1:
        raise InvalidParameter(
            f"{points:.0f} points and {len(fit.theta)} coefficients leave nothing to estimate σ from without a point. "
            "Take il.dfbeta, or fewer features."
        )
    if fit.origin and fit.origin.noise:
        return fit.origin.noise
    if isinstance(loss, SquaredError):
        return Noise(points, freedom, 2 * fit.loss * points / float(fit.weights.sum()) / freedom, anew=True)
    if loss.unit != "nats":
        raise InvalidParameter(
            f"The dispersion of {type(loss).__name__} is not known, so that coefficients have no standard errors: take "
            "il.dfbeta, or fit it by statsmodels and read it by il.from_statsmodels."
        )
    return Noise(points, freedom, 1.0)


def own(curvature: Curvature) -> tuple[N, N, N]:
    """∂²ℓᵢ/∂z², xᵢᵀ C⁻¹ xᵢ and ∂ℓᵢ/∂z of each training point."""
    fit = curvature.fit
    outputs, loss = fit.task.outputs(fit.theta, fit.data.x_train), fit.task.output_loss
    curved = loss.hessians(outputs, fit.data.y_train)[0, 0]
    spread = output_spread(curvature, torch.arange(fit.data.n, device=fit.theta.device))[:, 0, 0]
    return curved, spread, loss.gradients(outputs, fit.data.y_train)[0]


def steps(fit: Fit) -> tuple[Curvature, N]:
    """The curvature, and how far θ moves along C⁻¹ xᵢ as point i leaves: wᵢ ∂ℓᵢ/∂z / (1 − hᵢᵢ)."""
    require_converged(fit, allow_unconverged=False)
    curvature = Curvature(fit)
    amplified = amplification(curvature, torch.arange(fit.data.n, device=fit.theta.device))[0]
    check_spared(amplified, fit.data.shown_ids("train"))
    return curvature, fit.weights * own(curvature)[2] * amplified[:, 0, 0]


def dispersions(curvature: Curvature, noise: Noise) -> N:
    """The dispersion that each point's changes are measured by: of least squares, that of the fit without it."""
    fit = curvature.fit
    if not noise.anew:
        return torch.full_like(fit.weights, noise.dispersion)
    curved, spread, slopes = own(curvature)
    share = noise.observations * fit.weights / fit.weights.sum()
    lost = share * slopes.square() / (1 - fit.weights * curved * spread)
    return (noise.dispersion * noise.freedom - lost) / (noise.freedom - 1)


def rows(fit: Fit) -> pandas.Index:
    """The training points as people read them."""
    return pandas.Index(fit.data.shown_ids("train"))


def series(fit: Fit, values: Float[Tensor, " n"]) -> pandas.Series:
    """One number a training point."""
    return pandas.Series(values.numpy(force=True), rows(fit))
