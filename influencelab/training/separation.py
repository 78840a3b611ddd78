"""Objectives without a minimum: classes that parameters without a penalty separate, so that losses fall for ever."""

import numpy
import torch
from jaxtyping import Bool
from scipy.optimize import linprog
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import row_size, written_out
from influencelab.models import derivatives
from influencelab.models.losses.output_code import OutputCode
from influencelab.models.machines import machines
from influencelab.models.shapes import KN, N, P
from influencelab.models.task import LinearTask, Task

# Outputs that differ by less may be equal but for rounding.
MARGIN = 1e-6
# Numbers in the inequalities up to which a linear program looks for parameters that separate the classes, and products
# up to which least squares does; beyond, the perceptron's epochs and products.
PROGRAM, SQUARES, EPOCHS, WORK = 10**5, 10**9, 1000, 10**9


def unbounded(task: Task, data: Dataset, weights: N, *, theta: P | None = None) -> str:
    """Why the losses of classes fall for ever along parameters without a penalty, so that J has no minimum; '' if not.

    Linear tasks only: parameters that put every point on its own side, some of them strictly, are found by a linear
    program (Albert & Anderson 1984), where it is small. Without weight decay that is any such set of parameters; with
    it, intercepts that are not penalised, such as that of a class without a training point.

    Args:
        theta: parameters that may be such ones; least squares gives others.
    """
    if task.linear and isinstance(task.output_loss, OutputCode):
        at = task.start(data, 0) if theta is None else theta
        found = (unbounded(*each[:2], each.weights, theta=each.theta) for each in machines(task, data, at, weights))
        return next(filter(None, found), "")
    if data.classes == 0 or not (task.linear and task.plain) or task.kink is not None:
        return ""
    columns = free_columns(task, data)
    if not columns.any():
        return ""
    used = weights > 0
    if not used.any():
        return "no training point has any weight, and nothing holds parameters without a penalty"
    labels = data.y_train[used]
    absent = sorted(set(range(data.classes)) - set(labels.unique().tolist()))
    if not absent and intercepts_alone(task, data, columns):
        return ""
    x, labels = free_features(task, data, used, columns.any(0))
    found = False
    if theta is not None and columns.all():
        # Along θ outputs grow by this, whatever offsets they have.
        found = right(task.output_slopes(theta, data.x_train[used], theta[None])[0], data.y_train[used])
    if not (found or apart(x, labels, columns)):
        return ""
    if absent:
        named = ", ".join(map(str, absent))
        return f"no training point is of class {named}, and parameters without a penalty push its probability to 0"
    return "parameters without a penalty separate the classes, and the losses fall for ever along them"


def held_by_classes(task: Task, data: Dataset, weights: KN) -> Bool[Tensor, " k"]:
    """Models that are not `unbounded` at a glance: nothing but intercepts is free, and every class has a point."""
    none = torch.zeros_like(weights[:, 0]).bool()
    if not (data.classes and task.linear and task.plain) or task.weight_decay == 0:
        return none
    if isinstance(task.output_loss, OutputCode) or not intercepts_alone(task, data, free_columns(task, data)):
        return none
    of_class = torch.nn.functional.one_hot(data.y_train, data.classes).to(weights)
    return ((weights > 0).to(weights) @ of_class > 0).all(1)


def free_columns(task: Task, data: Dataset) -> Bool[Tensor, "c d"]:
    """Which parameters of each output have no penalty."""
    free = torch.ones_like(task.penalised(data)) if task.weight_decay == 0 else ~task.penalised(data)
    return free.unflatten(0, (task.output_loss.size(data), -1))


def intercepts_alone(task: Task, data: Dataset, columns: Tensor) -> bool:
    """Whether no parameters but intercepts are free: they separate no classes that all have points."""
    written = columns[:, :-1].any()
    return isinstance(task, LinearTask) and not written and task.affine(data.x_train[:1]).constant is not None


def apart(x: Tensor, labels: Tensor, columns: Tensor) -> bool:
    """Whether some parameters of these columns of each output put every point on its own side, and one strictly."""
    if right(by_squares(x, labels), labels):
        return True
    if len(x) * columns.numel() * len(columns) > PROGRAM:
        return perceptron(x, labels)
    return separates(inequalities(written_out(x), labels, outputs=len(columns)).cpu().numpy())


def free_features(task: Task, data: Dataset, used: Tensor, some: Tensor) -> tuple[Tensor, Tensor]:
    """Features without a penalty and labels of the points that are used."""
    labels, own = data.y_train[used], data.x_train if used.all() else data.x_train[used]
    rows = derivatives.chunks(len(labels), width=row_size(data.x_train))
    x = torch.cat([task.features(own[each])[:, some] for each in rows])
    if x.shape[1] > 1:
        return x, labels
    # Where the intercept alone is free, all points of a class are alike.
    points = torch.cat([labels[:, None].to(data.x_train.dtype), written_out(x)], dim=1).unique(dim=0)
    return points[:, 1:], points[:, 0].long()


def by_squares(x: Tensor, labels: Tensor) -> Tensor:
    """An output a class, fitted to the classes by least squares; all 0 where that would take long."""
    targets = torch.nn.functional.one_hot(labels, max(2, 1 + int(labels.max()))).to(x)
    if len(x) * x.shape[1] ** 2 > SQUARES:
        return torch.zeros_like(targets.T)
    x = written_out(x)
    return (x @ torch.linalg.lstsq(x.cpu(), targets.cpu(), driver="gelsd").solution.to(x)).T


def perceptron(x: Tensor, labels: Tensor) -> bool:
    """Whether the perceptron's rule, all mistakes of an epoch at once, ends with every point on its own side."""
    own = torch.nn.functional.one_hot(labels, max(2, 1 + int(labels.max()))).to(x)
    epochs = min(EPOCHS, WORK // (len(x) * own.shape[1] * row_size(x)))
    x = x / x.abs().amax(0).clamp_min(torch.finfo(x.dtype).tiny)
    theta = x.new_zeros(own.shape[1], x.shape[1])
    for _ in range(epochs):
        outputs = theta @ x.T
        if right(outputs, labels):
            return True
        rival = torch.nn.functional.one_hot(outputs.T.where(own == 0, -torch.inf).argmax(1), own.shape[1]).to(x)
        wrong = (own * outputs.T).sum(1) <= (rival * outputs.T).sum(1) + MARGIN * outputs.abs().amax(0)
        theta = theta + (own - rival)[wrong].T @ x[wrong] / len(x)
    return False


def right(outputs: Tensor, labels: Tensor) -> bool:
    """Whether every point is on its own side beyond rounding, which proves that the classes can be separated."""
    outputs = torch.cat([-outputs, outputs]) if len(outputs) == 1 else outputs
    own = outputs.gather(0, labels[None])
    others = outputs.scatter(0, labels[None], -torch.inf)
    return bool((own > others.amax(0) + MARGIN * outputs.abs().amax(0)).all())


def inequalities(x: Tensor, labels: Tensor, *, outputs: int) -> Tensor:
    """Rows r with rᵀθ ≥ 0 for each point, and for each other class, that θ does not put on the wrong side."""
    if outputs == 1:
        return (2 * labels - 1)[:, None] * x
    own = torch.nn.functional.one_hot(labels, outputs)
    others = torch.eye(outputs, device=x.device).long()
    sides = (own[:, None] - others)[own == 0]
    return torch.einsum("rc,rd->rcd", sides.to(x), x.repeat_interleave(outputs - 1, dim=0)).flatten(1)


def separates(rows: numpy.ndarray) -> bool:
    """Whether some θ has rᵀθ ≥ 0 for all rows and > 0 for one."""
    scaled = rows / numpy.maximum(numpy.abs(rows).max(0, keepdims=True), numpy.finfo(float).tiny)
    scaled = scaled / numpy.maximum(numpy.abs(scaled).max(1, keepdims=True), numpy.finfo(float).tiny)
    limits = numpy.concatenate([numpy.ones(len(scaled)), numpy.zeros(len(scaled))])
    found = linprog(-scaled.sum(0), A_ub=numpy.concatenate([scaled, -scaled]), b_ub=limits, bounds=(None, None))
    # Any such θ can be made as long as the limits allow: the best has a row of 1, or none at all.
    return found.status == 0 and -found.fun > 0.5


def no_minimum(reason: str) -> str:
    """The sentence that names an objective without a minimum, and the next step."""
    return (
        f"The objective has no minimum: {reason}. No influence is defined. Add weight decay, set "
        "penalise_intercept=True, or leave out the classes that have no training point."
    )
