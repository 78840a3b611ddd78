"""A task of several machines of two classes taken apart: J is the sum of theirs, and none sees another's parameters."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from jaxtyping import Bool
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.models.losses.output_code import OutputCode
from influencelab.models.shapes import N, P
from influencelab.models.task import Task


class Machine(NamedTuple):
    """One machine: a task of one output, the points that it sees with the sides they are on, its θ and their weights.

    Weights are those of J, and do not sum to 1 where it counts points of classes differently; `rows` are its points.
    """

    task: Task
    data: Dataset
    theta: P
    weights: N
    rows: slice | Bool[Tensor, " n"] = slice(None)


def machines(task: Task, data: Dataset, theta: P, weights: N) -> Iterator[Machine]:
    """The machines of a linear task whose loss is an `OutputCode`, in the order of outputs; any other task as it is."""
    loss = task.output_loss
    if not (task.linear and isinstance(loss, OutputCode)):
        yield Machine(task, data, theta, weights)
        return
    count = loss.size(data)
    sides, test = (loss.sides(labels, count, weights.dtype) for labels in (data.y_train, data.y_test))
    for place, rows in enumerate(theta.unflatten(0, (count, -1))):
        seen = sides.weights[place] > 0
        some = slice(None) if bool(seen.all()) else seen
        points = replace(
            data,
            x_train=data.x_train[some],
            y_train=sides.labels[place][some],
            y_test=test.labels[place],
            train_ids=data.train_ids[some],
            train_names=(),
            classes=2,
            class_names=(),
        )
        own = replace(task, loss=loss.loss)  # pyright: ignore[reportCallIssue] - a linear task of any loss
        yield Machine(own, points, rows, (weights * sides.weights[place])[some], some)
