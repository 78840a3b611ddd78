"""How much of a prediction or an effect may be rounding, and the warning where that matters."""

import sys
import warnings
from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy
import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.sparse_rows import row_size
from influencelab.errors import LostDigits, NullSpaceMass
from influencelab.models.loss_derivatives import chunks
from influencelab.training.fit import Fit

# Rounding that changes values by more than this share of the largest is warned of.
LOST = 1e-7
# The largest share of a right-hand side that may lie in the null space before a solve is refused; in float32 its own
# rounding, in these units, is larger.
NULL_MASS, ROUNDING = 1e-7, 1e3
# A difference of two losses may be wrong by so many units in their last place.
ROUNDED = 2
# Numbers up to which an exact rank is found, and the prime by which.
RANK, PRIME = 10**8, 2**31 - 1
# Packages whose calls lie between a user's line and the warning.
OWN = ("influencelab", "torch")
CURE = (
    "Give features in float64, leave out columns that are nearly sums of others, centre features whose mean is far "
    "from 0, or add weight decay."
)


def cancelled(fit: Fit, values: Float[Tensor, "n m"] | None = None, *, enough: float = 0.0) -> float:
    """By how much the rounding of outputs grows in their slopes: 1 + the largest change of a slope over the largest.

    Where a model meets its targets, residuals are small differences of large numbers. Given values, the points count
    for their share in them: a point that the model meets alone, by a high leverage, may have the largest.

    Args:
        enough: an upper bound that is no larger than this will do.
    """
    if not fit.task.linear:
        return 1.0
    x, loss = fit.data.x_train, fit.task.output_loss
    slopes, curved = slopes_and_curvatures(fit)
    rows = fit.theta.view(len(slopes), -1)
    # By Cauchy and Schwarz no output has larger terms.
    most = grown(curved * rows.norm(dim=1).amax() * lengths(fit), slopes.abs(), values)
    if most <= enough:
        return most
    size = torch.cat([rows.abs() @ fit.task.features(x[some]).abs().T for some in parts(fit)], dim=1)
    change = fit.weights * loss.products(fit.task.outputs(fit.theta, x), fit.data.y_train, size)
    return grown(change.abs(), slopes.abs(), values)


def grown(change: Tensor, slopes: Float[Tensor, "c n"], values: Float[Tensor, "n m"] | None) -> float:
    """1 + the largest change over the largest slope, or over each point's own, by its share in the values."""
    found = change.amax() / slopes.amax()
    if values is not None and (most := values.abs().amax()) > 0:
        own = (change if change.dim() == 1 else change.amax(0)) / slopes.amax(0) * values.abs().amax(1) / most
        found = own.nan_to_num(0.0).amax()
    # Slopes that are all 0 while outputs round have no digit left; where outputs are 0 too, nothing rounds.
    return 1.0 if found.isnan() else 1 + float(found)


# What is computed once a fit.
SLOPES_OF: WeakKeyDictionary[Fit, tuple[Tensor, Tensor]] = WeakKeyDictionary()
LENGTHS_OF: WeakKeyDictionary[Fit, Tensor] = WeakKeyDictionary()


def slopes_and_curvatures(fit: Fit) -> tuple[Float[Tensor, "c n"], Float[Tensor, " n"]]:
    """wᵢ ∂ℓᵢ/∂z of each training point of a linear task, and by how much a slope changes with its outputs at most."""
    if fit not in SLOPES_OF:
        loss, labels, outputs = fit.task.output_loss, fit.data.y_train, fit.task.outputs(fit.theta, fit.data.x_train)
        curved = loss.hessians(outputs, labels).abs().sum(1).amax(0)
        SLOPES_OF[fit] = fit.weights * loss.gradients(outputs, labels), fit.weights * curved
    return SLOPES_OF[fit]


def lengths(fit: Fit) -> Float[Tensor, " n"]:
    """‖φ(xᵢ)‖ of each training point of a linear task."""
    if fit not in LENGTHS_OF:
        x = fit.data.x_train
        LENGTHS_OF[fit] = torch.cat([fit.task.features(x[rows]).norm(dim=1) for rows in parts(fit)])
    return LENGTHS_OF[fit]


def check_system(
    fit: Fit, curvature: Float[Tensor, " p"] | None, rounding: Callable[[], float], *, damping: float, amplified: float
) -> None:
    """Warn, by LostDigits, where rounding may have changed what a curvature gives, times `amplified`.

    Args:
        curvature: its diagonal, without damping; None where that is not at hand.
        rounding: the share of the largest value that its own rounding may change, which costs some solves.
    """
    if curvature is not None and fit.task.convex and fit.task.plain:
        # Where each parameter's own curvature is 1, none is above p, or below its penalty's share.
        least = float(fit.task.penalty(fit.data, fit.theta).stiffness.min()) + damping
        most = len(fit.theta) * (float(curvature.max()) + damping) * torch.finfo(fit.theta.dtype).eps
        if least > 0 and most * amplified < LOST * least:
            limit = LOST * least / (most * amplified)
            if cancelled(fit, enough=limit) <= limit:
                return
    share = amplified * rounding()
    lost_digits(share * cancelled(fit, enough=LOST / share if share > 0 else 0.0))


def parts(fit: Fit) -> list[slice]:
    """Training points, some at a time, so that their features need no second copy."""
    return list(chunks(fit.data.n, width=row_size(fit.data.x_train)))


def flat(fit: Fit) -> int | None:
    """How many directions of a linear task change neither J nor any output, in exact arithmetic; None: too large.

    Directions that only look flat change both: where features are sums of others to 16 digits, or a penalty is tiny.
    """
    free = ~fit.task.penalised(fit.data) | (fit.task.weight_decay == 0)
    size, shifts = fit.task.output_loss.size(fit.data), fit.task.output_loss.shifts
    x = fit.task.features(fit.data.x_train)[fit.weights > 0][:, free.unflatten(0, (size, -1)).any(0)]
    if len(x) * x.shape[1] ** 2 > RANK:
        return None
    return int(free.sum()) - (size - shifts) * exact_rank(x.double().cpu().numpy())


def exact_rank(x: numpy.ndarray) -> int:
    """The rank of floats as the fractions that they are, modulo a prime, which loses some of it once in 10⁹ times."""
    mantissa, exponent = numpy.frexp(x)
    doublings = exponent - exponent.min(initial=0)
    powers = numpy.array([pow(2, k, PRIME) for k in range(int(doublings.max(initial=0)) + 1)])
    left, rank = numpy.ldexp(mantissa, 53).astype(numpy.int64) % PRIME * powers[doublings] % PRIME, 0
    for column in range(x.shape[1]):
        if not (rows := numpy.flatnonzero(left[rank:, column])).size:
            continue
        left[[rank, rank + rows[0]]] = left[[rank + rows[0], rank]]
        pivot = left[rank] * pow(int(left[rank, column]), -1, PRIME) % PRIME
        left[rank + 1 :] = (left[rank + 1 :] - left[rank + 1 :, column, None] * pivot) % PRIME
        rank += 1
    return rank


def check_slopes(fit: Fit, values: Float[Tensor, "n m"]) -> None:
    """Warn, by LostDigits, where rounding of the points' own slopes may have changed predictions made of them."""
    rounding = torch.finfo(values.dtype).eps
    lost_digits(cancelled(fit, values, enough=LOST / rounding) * rounding)


def check_sums(fit: Fit, values: Float[Tensor, "n m"], solved: Float[Tensor, "m p"]) -> None:
    """Warn, by LostDigits, where predictions ∇ℓᵢᵀ s_j are the little that is left of large terms of their sums.

    Linear tasks only; s_j are the rows of `solved`.
    """
    if not (fit.task.linear and values.numel()):
        return
    x, slopes = fit.data.x_train, slopes_and_curvatures(fit)[0]
    rounding, most = torch.finfo(values.dtype).eps, values.abs().amax()
    # By Cauchy and Schwarz, nearly always, there are no such terms.
    if not rounding * (slopes.norm(dim=0) * lengths(fit)).amax() * solved.norm(dim=1).amax() > LOST * most:
        return
    terms = torch.zeros_like(values)
    for rows in parts(fit):
        some = fit.task.features(x[rows]).abs()
        for own, each in zip(slopes.abs(), solved.abs().unflatten(1, (len(slopes), -1)).unbind(1), strict=True):
            terms[rows] += own[rows, None] * (some @ each.T)
    lost_digits(float(rounding * terms.amax() / most) if most > 0 else float(terms.any()))


def check_effects(fit: Fit, values: Float[Tensor, "r m"]) -> None:
    """Warn, by LostDigits, of effects that are so small beside the losses that their differences are rounding."""
    if not len(values):
        return
    losses, size = fit.measures().abs().max(), values.abs().nan_to_num().max()
    noise = ROUNDED * torch.finfo(losses.dtype).eps * losses
    share = float(noise / size) if size > 0 else float(noise > 0)
    # Where no parameter moves any test loss, as where the features are 0, all effects are 0, which needs no digits.
    if share > LOST and (size > 0 or fit.measure_gradients().any()):
        much = f"The largest effect is {float(size):.0e} where losses are {float(losses):.0e}"
        lost_digits(share, cure=f"{much}: lower the weight decay, or give features in float64.")


def lost_digits(share: float, *, cure: str = CURE) -> None:
    """Warn that rounding may have changed values by a share of the largest, where it is large enough to matter.

    The warning names the line of whoever called this package.
    """
    if share > LOST:
        frame, level = sys._getframe(), 1
        while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in OWN:
            frame, level = frame.f_back, level + 1
        much = f"{share:.0e} of the largest" if share < 1 else "all that they are"
        warnings.warn(f"Rounding may have changed values by {much}. {cure}", LostDigits, stacklevel=level)


def check_mass(worst: float, count: int, vectors: Tensor) -> None:
    """Refuse gradients of which a share `worst` lies along null directions, by NullSpaceMass."""
    if worst > max(NULL_MASS, ROUNDING * torch.finfo(vectors.dtype).eps):
        raise NullSpaceMass(
            f"The curvature has {count} null directions (to working precision) and a gradient has {worst:.1e} of its "
            "length there, so no finite influence exists. Add damping or weight decay, or penalise the intercept; "
            "where units differ, scale the features."
        )
