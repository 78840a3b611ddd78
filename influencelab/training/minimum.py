"""Whether a model is at a minimum, judged in no units: by what one more step of Newton's would change."""

from dataclasses import replace
from functools import partial

import numpy
import torch
from scipy.optimize import linprog
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import row_size, written_out
from influencelab.models import derivatives
from influencelab.models.losses.output_code import OutputCode
from influencelab.models.machines import machines
from influencelab.models.shapes import KN, KP, N, P
from influencelab.models.task import Task
from influencelab.training.deadline import out_of_time
from influencelab.training.first_order import FirstOrder
from influencelab.training.simultaneous_gradients import newton_directions
from influencelab.training.trainer import Trained, Trainer
from influencelab.training.trainers.newton import by_products, convex_descent, descent

# What a step may still change, as a share: Newton's decrement of √J, or of the length of θ in the metric of H; and a
# tenth of the largest change of a point's log-odds, in nats: along a tail, where J only falls, each step makes that 1.
LEFT, LOG_ODDS = 1e-4, 0.1
# Convex objectives take Newton's own steps until one changes no more than this, so many at most.
POLISHED, STEPS = 1e-9, 30
# Where more is left, the trainer is asked for a gradient that many times smaller, so many times.
TIGHTER, ROUNDS = 1e-2, 4
# Parameters up to which the Hessian is formed; conjugate gradients of so many products, or another's, leave a tenth.
DENSE, PRODUCTS, REMAINDER = 1024, 100, 0.1
# Outputs that differ by less may be equal but for rounding.
MARGIN = 1e-6
# Numbers in the inequalities up to which a linear program looks for parameters that separate the classes, and products
# up to which least squares does; beyond, the perceptron's epochs and products.
PROGRAM, SQUARES, EPOCHS, WORK = 10**5, 10**9, 1000, 10**9


def train_to_minimum(
    trainer: Trainer, task: Task, data: Dataset, theta: P, weights: N, *, bounded: bool, hessian: Tensor | None = None
) -> Trained:
    """One model, trained until what is left changes nothing; `converged` is False where that was not reached.

    A gradient that is small in absolute terms proves little: features in small units, or a flat tail of the loss, have
    no other. First-order trainers take the steps that they state and no more.

    Args:
        bounded: whether J may have a minimum at all (`unbounded`); if not, nothing counts as converged.
        hessian: of J near there, where it is known.
    """
    trained = trainer.train(task, data, theta[None], weights[None])
    if not bounded or unbounded(task, data, weights, theta=trained.theta[0]):
        return replace(trained, converged=torch.zeros_like(trained.converged))
    # At a kink there is no Hessian; the trainers of such losses have exact conditions of their own.
    if not trained.converged.all() or task.kink is not None:
        return trained
    stated = isinstance(trainer, FirstOrder)
    polished = task.convex and not stated and len(theta) <= DENSE
    judge = partial(polish, hessian=hessian) if polished else unpolished
    for count in range(1 if stated else ROUNDS + 1):
        if count:
            trainer = replace(trainer, tolerance=TIGHTER * trainer.tolerance)
            more = trainer.train(task, data, trained.theta, weights[None])
            # Rounding may keep it from a tolerance that no one asked for.
            converged = more.converged | task.convex & (more.grad_norm <= trained.grad_norm)
            trained = replace(more, steps=trained.steps + more.steps, converged=converged)
        there, _, left = judge(task, data, trained.theta, weights)
        if there is not trained.theta:
            norm = derivatives.gradients(task, data, there, weights[None]).norm(dim=-1)
            trained = replace(trained, theta=there, grad_norm=norm)
        if left <= LEFT:
            return trained
        if out_of_time():
            break
    return replace(trained, converged=torch.zeros_like(trained.converged))


def stays(task: Task, data: Dataset, theta: KP, weights: N) -> bool:
    """Whether one more step of Newton's changes neither J nor any outputs to speak of; for one model."""
    return unpolished(task, data, theta, weights)[2] <= LEFT


def unpolished(task: Task, data: Dataset, theta: KP, weights: N) -> tuple[KP, KP, float]:
    """One model as it is, Newton's next step, and the share that it changes."""
    return theta, *next_step(task, data, theta, weights)[:2]


def polish(
    task: Task, data: Dataset, theta: KP, weights: N, *, enough: float = POLISHED, hessian: Tensor | None = None
) -> tuple[KP, KP, float]:
    """One model of a convex task after Newton's own steps, as long as they shrink; the next, and what it changes.

    Args:
        enough: share from which on none is taken.
        hessian: of a place nearby, which serves as long as its steps are nearly those of the place.
    """
    step, left, hessian = next_step(task, data, theta, weights, hessian=hessian)
    for _ in range(STEPS):
        if not enough < left < 1:
            break
        there = theta + step
        after, less, hessian = next_step(task, data, there, weights, hessian=hessian)
        if not less < left:
            break
        theta, step, left = there, after, less
    return theta, step, left


def next_step(
    task: Task, data: Dataset, theta: KP, weights: N, *, hessian: Tensor | None = None
) -> tuple[KP, float, Tensor | None]:
    """Newton's next step of one model, the share of J, θ or a point's odds that it changes, and the Hessian it took.

    Args:
        hessian: of a place nearby: it is taken where one product says that little of ∇J is left by its step.
    """
    value, gradient = derivatives.objectives_and_gradients(task, data, theta, weights[None])
    for known in (None,) if hessian is None else (hessian, None):
        used = hessian_of(task, data, theta, weights) if known is None else known
        step = newton_step(task, data, theta, weights[None], gradient, hessian=used)
        curved = derivatives.products(task, data, theta[0], weights, torch.cat([theta, step]))
        if known is None:
            break
        units = known[0].diagonal().clamp_min(torch.finfo(theta.dtype).tiny).rsqrt()
        if (units * (curved[1] + gradient[0])).norm() <= REMAINDER * (units * gradient[0]).norm():
            break
    size, moved = torch.linalg.vecdot(torch.cat([theta, step]), curved).clamp_min(0).sqrt().tolist()
    scale = max(size, float(value[0].abs().sqrt()))
    left = moved / scale if scale > 0 else float(moved > 0)
    change = LOG_ODDS * largest_change(task, data, theta[0], step) if data.classes else 0.0
    return step, max(left, change), used


def hessian_of(task: Task, data: Dataset, theta: KP, weights: N) -> Tensor | None:
    """That of J for one model; None where it is too large to be formed."""
    if by_products(task, theta) or theta.shape[1] > DENSE:
        return None
    return derivatives.hessians(task, data, theta, weights[None])


def largest_change(task: Task, data: Dataset, theta: P, step: KP) -> float:
    """The largest change of an output of any training or test point, against the mean of its outputs.

    Of machines that share no softmax each output counts alone.
    """
    worst, alone = 0.0, isinstance(task.output_loss, OutputCode)
    for x in (data.x_train, data.x_test):
        for rows in derivatives.chunks(len(x), width=row_size(x, dense=len(theta))):
            change = task.output_slopes(theta, x[rows], step)[0]
            change = change if alone or len(change) == 1 else change - change.mean(0)
            worst = max(worst, float(change.abs().max()))
    return worst


def newton_step(task: Task, data: Dataset, theta: KP, weights: KN, gradient: KP, *, hessian: Tensor | None) -> KP:
    """−H⁻¹ ∇J of one model: by its Hessian, or where that is None nearly, by conjugate gradients."""
    if hessian is not None:
        return (convex_descent if task.convex else descent)(hessian, gradient, tolerance=0.0)[0]
    if by_products(task, theta):
        return newton_directions(task, data, theta, weights, gradient, remainder=REMAINDER)
    step, left, norm = torch.zeros_like(gradient), -gradient, float(gradient.norm())
    direction = left
    for _ in range(PRODUCTS):
        product = derivatives.products(task, data, theta[0], weights[0], direction)
        curvature, size = float((direction * product).sum()), float(left.square().sum())
        if not curvature > 0:
            break
        step, left = step + size / curvature * direction, left - size / curvature * product
        if left.norm() <= REMAINDER * norm:
            break
        direction = left + float(left.square().sum()) / size * direction
    return step


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
    free = torch.ones_like(task.penalised(data)) if task.weight_decay == 0 else ~task.penalised(data)
    if data.classes == 0 or not (task.linear and task.plain) or not free.any() or task.kink is not None:
        return ""
    used = weights > 0
    if not used.any():
        return "no training point has any weight, and nothing holds parameters without a penalty"
    labels = data.y_train[used]
    absent = sorted(set(range(data.classes)) - set(labels.unique().tolist()))
    columns = free.unflatten(0, (task.output_loss.size(data), -1))
    x, labels = free_features(task, data, used, columns.any(0))
    found = False
    if theta is not None and free.all():
        # Along θ outputs grow by this, whatever offsets they have.
        found = right(task.output_slopes(theta, data.x_train[used], theta[None])[0], data.y_train[used])
    if not (found or apart(x, labels, columns, absent)):
        return ""
    if absent:
        named = ", ".join(map(str, absent))
        return f"no training point is of class {named}, and parameters without a penalty push its probability to 0"
    return "parameters without a penalty separate the classes, and the losses fall for ever along them"


def apart(x: Tensor, labels: Tensor, columns: Tensor, absent: list[int]) -> bool:
    """Whether some parameters of these columns of each output put every point on its own side, and one strictly."""
    if x.shape[1] == 1 and not absent and (x > 0).all():
        return False  # An intercept alone, and points of every class.
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


def unfinished(task: Task, data: Dataset, weights: N, trained: Trained, *, seconds: float) -> str:
    """The sentence that says how far training came in its time, and the next step."""
    decrement = ""
    if task.convex and task.kink is None and trained.theta.shape[1] <= DENSE:
        left = next_step(task, data, trained.theta, weights)[1]
        decrement = f", from where one more step of Newton's would change {left:.1e} of J, θ or a point's odds"
    return (
        f"Training ended after {seconds:g} seconds and {trained.steps:,} steps at ‖∇J‖ = "
        f"{float(trained.grad_norm[0]):.1e}{decrement}: this fit is no minimum. Give it more seconds."
    )


def no_minimum(reason: str) -> str:
    """The sentence that names an objective without a minimum, and the next step."""
    return (
        f"The objective has no minimum: {reason}. No influence is defined. Add weight decay, set "
        "penalise_intercept=True, or leave out the classes that have no training point."
    )
