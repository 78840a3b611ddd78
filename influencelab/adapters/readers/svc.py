"""`SVC`, a machine a pair of classes: C Σ sᵢ ℓᵢ + ½ ‖f‖², ℓ the hinge, the intercept free, on features of kernels."""

from itertools import combinations
from typing import Any

import numpy

from influencelab.adapters.kernels import expanded, kernels_of
from influencelab.adapters.reading import Reading, Smooth, dense
from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.hinge import Hinge
from influencelab.models.losses.output_code import OutputCode
from influencelab.models.task import Task
from influencelab.models.tasks.generalised_linear import GeneralisedLinear

# How many times its tol libsvm may leave outputs off, and what its kernels of single precision may, as a share.
OFF, SINGLE = 2.0, float(numpy.finfo(numpy.float32).eps)
# Outputs further off, as a share of the widest bend, are no fit: where classes part at no width that nu asks for, C
# comes to thousands.
COARSE = 0.1
# Settings of kernels that have names.
KNOBS = ("degree", "coef0")

Code = tuple[tuple[float, ...], ...]


def refusal(estimator: Any) -> str:  # noqa: ARG001 - all of its settings are read
    """''."""
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    return reading(estimator, numpy.full(max(1, len(pairs(data))), float(estimator.C)), data, weights)


def reading(
    estimator: Any,
    c: numpy.ndarray,
    data: Dataset,
    weights: numpy.ndarray,
    held: tuple[str, ...] = (),
    off: float = OFF,
) -> Reading:
    """At this C of each machine; where they differ, it is how much the machine counts."""
    mean = float(c.mean())
    code = code_of(data, c / mean)
    penalty = 1 / (mean * float(weights.sum()))
    return of_kernel(
        estimator, data, weights, Hinge(), Hinge, penalty=penalty, widest=1.0, held=held, code=code, off=off
    )


def of_kernel(
    estimator: Any,
    data: Dataset,
    weights: numpy.ndarray,
    true: OutputLoss,
    at: Any,
    *,
    penalty: float,
    widest: float,
    off: float = OFF,
    held: tuple[str, ...] = (),
    code: Code = (),
) -> Reading:
    """The reading of any loss with a kink on a sum of kernels; of products alone, on the features themselves."""

    def task(loss: OutputLoss) -> Task:
        return GeneralisedLinear(penalty, loss=OutputCode(loss, code) if code else loss)

    dual = duals(estimator)
    counts = numpy.abs(numpy.array(code)).max(0)[:, None] if code else 1.0
    known = slopes(estimator, penalty * dual / counts, data, weights)
    seen = data
    if estimator.kernel == "linear":
        anchors = dense(estimator.support_vectors_).astype(numpy.float64)
        rows, products = dual @ anchors, data.x_train.numpy() @ anchors.T
    else:
        named = {"gamma": estimator._gamma} | {name: getattr(estimator, name) for name in KNOBS}
        settings = {} if callable(estimator.kernel) else named
        kernels = kernels_of(estimator, data, anchors=estimator.support_vectors_, rows=estimator.support_, **settings)
        seen, rows = expanded(data, dual, kernels, name=type(estimator).__name__)
        products = kernels[2]
    rounding = SINGLE * float((numpy.abs(dual) @ numpy.abs(products).T).max())
    off = min(off * float(estimator.tol) + rounding, COARSE * widest)
    smooth = Smooth(lambda width: task(at(width)), widest, off, slopes=known)
    theta = numpy.column_stack([rows, numpy.ravel(estimator.intercept_)]).ravel()
    return Reading(task(true), theta, smooth=smooth, data=None if seen is data else seen, held=held)


def pairs(data: Dataset) -> list[tuple[int, int]]:
    """Of more than two classes each two, as machines take them in turn; else none."""
    return list(combinations(range(data.classes), 2)) if data.classes > 2 else []


def code_of(data: Dataset, counts: numpy.ndarray) -> Code:
    """What each class is to the machine of each pair, positive where it is the first; empty of one machine."""
    code = numpy.zeros((data.classes, len(counts)))
    for machine, (one, other) in enumerate(pairs(data)):
        code[[one, other], machine] = counts[machine], -counts[machine]
    return tuple(map(tuple, code.tolist())) if pairs(data) else ()


def duals(estimator: Any) -> numpy.ndarray:
    """The coefficient of each support vector, a row a machine: libsvm keeps those of a class by the other class."""
    held, counts = dense(estimator.dual_coef_).astype(numpy.float64), getattr(estimator, "n_support_", ())
    if len(held) == 1:
        return held
    ends = numpy.append(0, numpy.cumsum(counts))
    places = list(combinations(range(len(counts)), 2))
    dual = numpy.zeros((len(places), held.shape[1]))
    for machine, (one, other) in enumerate(places):
        first, second = (slice(ends[each], ends[each + 1]) for each in (one, other))
        dual[machine, first], dual[machine, second] = held[other - 1, first], held[one, second]
    return dual


def slopes(estimator: Any, pulls: numpy.ndarray, data: Dataset, weights: numpy.ndarray) -> numpy.ndarray | None:
    """The slope of each point's loss that its support vector pulls by; None where points are in another order."""
    rows = estimator.support_
    if rows.size and rows.max() >= data.n:
        return None
    named = estimator.kernel != "precomputed"
    if named and not numpy.array_equal(data.x_train.numpy()[rows], dense(estimator.support_vectors_)):
        return None
    found, shares = numpy.zeros((len(pulls), data.n)), numpy.broadcast_to(weights[rows] / weights.sum(), pulls.shape)
    found[:, rows] = -numpy.divide(pulls, shares, out=numpy.zeros_like(pulls), where=shares > 0)
    return found
