"""One machine of two classes for each class, read one by one and put together: J is the sum of their objectives."""

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, cast

import numpy

from influencelab.adapters.inputs import class_weights
from influencelab.adapters.pattern import Pattern
from influencelab.adapters.reading import Reading, Smooth
from influencelab.data.dataset import Dataset
from influencelab.models.losses.output_code import OutputCode
from influencelab.models.task import LinearTask, Task
from influencelab.models.tasks.generalised_linear import GeneralisedLinear

Read = Callable[[Any, Dataset, numpy.ndarray], Reading]


def rows_apart(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Iterator[Any]:
    """The machines of an estimator that keeps them as rows of its coefficients, as ones of its own class.

    Such classes give the weight of a class to its points in their own machine, and a weight of 1 to all others.
    """
    given = estimator.class_weight
    each = numpy.ones(data.n) if given is None else class_weights(estimator, data, weights)
    for place in range(data.classes):
        machine = copy(estimator)
        machine.coef_ = estimator.coef_[[place]]
        machine.intercept_ = estimator.intercept_[[place]] if numpy.ndim(estimator.intercept_) else 0.0
        machine.classes_ = numpy.arange(2)
        own = float(each[data.y_train.numpy() == place][0])
        machine.class_weight = None if given is None else {0: 1.0, 1: own}
        yield machine


def put_together(machines: Sequence[Any], data: Dataset, weights: numpy.ndarray, read: Read) -> Reading:
    """The reading of machines of two classes each, fitted to whether a point is of class k or of another.

    Args:
        machines: one a class; of two classes the one for the second.
        read: how one of them is read.
    """
    readings, code, scales = [], [], []
    for place, machine in enumerate(machines, start=1 if len(machines) == 1 else 0):
        own = two_sided(data, place)
        sides = own.y_train.numpy()
        each = numpy.ones(data.n)
        if getattr(machine, "class_weight", None) is not None:
            each = class_weights(machine, own, weights)
        readings.append(on_features_of(readings[0] if readings else None, read(machine, own, weights * each)))
        scales.append(float((weights * each).sum() / weights.sum()))
        other, same = float(each[sides == 0][0]), float(each[sides == 1][0])
        code.append([same if row == place else -other for row in range(data.classes)])
    first = readings[0]
    signs = tuple(zip(*code, strict=True))
    theta = numpy.concatenate([each.theta for each in readings])
    slope = tuple(float(each.slope) * scale for each, scale in zip(readings, scales, strict=True))
    if patterns := [each.pattern for each in readings if each.pattern]:
        loss = OutputCode(patterns[0].whole.loss, signs)
        task, seen, pattern = sparse_together(patterns, data, loss, scale=scales[0])
        return replace(first, task=task, theta=theta, slope=slope, data=seen, pattern=pattern)

    def together(task: Task) -> Task:
        """All machines, by the task of the first."""
        one = cast(LinearTask, task)
        return GeneralisedLinear(
            one.weight_decay * scales[0],
            intercept=one.intercept,
            penalise_intercept=one.penalise_intercept,
            loss=OutputCode(one.output_loss, signs),
            constant=getattr(one, "constant", 1.0),
        )

    smooth = first.smooth and smooth_together([each.smooth for each in readings if each.smooth], together)
    seen = first.data and replace(data, x_train=first.data.x_train, x_test=first.data.x_test, feature_names=())
    return replace(
        first,
        task=together(first.task),
        theta=theta,
        slope=slope,
        data=seen,
        smooth=smooth,
    )


def sparse_together(
    patterns: Sequence[Pattern], data: Dataset, loss: OutputCode, *, scale: float
) -> tuple[Task, Dataset, Pattern]:
    """The piece of all machines' objectives on the signs that each has, under absolute penalties as strong as one's."""
    one, signs = patterns[0].whole, numpy.concatenate([each.signs for each in patterns])
    whole = replace(one, name="all machines", data=data, loss=loss, l1=one.l1 * scale, decay=one.decay * scale)
    return *whole.piece(signs), Pattern(whole, signs)


def smooth_together(smooth: Sequence[Smooth], together: Callable[[Task], Task]) -> Smooth:
    """The smooth tasks of all machines, as wide as the first."""
    known = [each.slopes for each in smooth if each.slopes is not None]
    return Smooth(
        lambda width: together(smooth[0].at(width)),
        smooth[0].widest,
        max(each.off for each in smooth),
        slopes=numpy.concatenate(known) if len(known) == len(smooth) else None,
    )


def two_sided(data: Dataset, place: int) -> Dataset:
    """The same points with labels of whether they are of this class."""
    train, test = ((labels == place).long() for labels in (data.y_train, data.y_test))
    return replace(data, y_train=train, y_test=test, classes=2, class_names=())


def on_features_of(first: Reading | None, reading: Reading) -> Reading:
    """A reading under the features of another of the same points: those of one kernel differ by a rotation at most."""
    if first is None or first.data is None or reading.data is None or reading.pattern:
        return reading
    base, own = first.data.x_train.numpy(), reading.data.x_train.numpy()
    weights = base.T @ (own @ reading.theta[:-1]) / (base * base).sum(0)
    return replace(reading, data=first.data, theta=numpy.append(weights, reading.theta[-1]))
