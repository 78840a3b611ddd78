"""Coefficients of a linear model, by the names of their columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from influencelab.data.affordable import SHARE, available
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, require
from influencelab.models.measure import NEITHER, Columns, Measure
from influencelab.models.measures.parameters import Parameters
from influencelab.models.shapes import KM, KP, MP, P
from influencelab.models.task import Task

INTERCEPT = "intercept"
# Names that an error lists.
MANY = 100


@dataclass(frozen=True)
class Coefficients(Measure):
    """Coefficients of a linear model, as a table of a regression lists them, in the unit of output per unit of column.

    Attributes:
        names: of which columns, one or several: as the data's features are called, x0, x1, … where these have no names,
            and `intercept` for the last one where the model has one. All of them where none is named. Of several
            outputs a name stands for one coefficient each.
    """

    names: str | tuple[str, ...] = ()

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The coefficients of each model."""
        return theta[:, self.entries(task, data)]

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """1 at each coefficient."""
        entries = self.entries(task, data)
        if (taken := 8.0 * len(entries) * len(theta)) > available():
            raise InvalidParameter(
                f"{len(entries):,} coefficients are as many columns of {len(theta):,} numbers, which take "
                f"{taken / 2**30:,.1f} GB; expected at most {available() / 2**30:,.1f} GB, {SHARE:.0%} of the memory "
                "that is free. Name some, such as il.Coefficients(('x0', 'x1'))."
            )
        slopes = theta.new_zeros(len(entries), len(theta))
        slopes[range(len(entries)), entries] = 1
        return slopes

    def columns(self, task: Task, data: Dataset) -> Columns:
        """Their names, and of several outputs those of the classes."""
        entries, known = self.entries(task, data), coefficient_names(task, data)
        outputs = data.class_names or tuple(map(str, range(task.output_loss.size(data))))
        several = task.output_loss.size(data) > 1
        places = [(known[entry % len(known)], outputs[entry // len(known)]) for entry in entries]
        shown = tuple(f"{name} of {output}" if several else name for name, output in places)
        ids = torch.arange(len(shown), device=data.x_test.device)
        return Columns(ids, torch.zeros_like(ids), shown, points=False)

    def part(self, task: Task, data: Dataset, rows: slice) -> Measure:
        """By their places in θ."""
        return Parameters(tuple(self.entries(task, data)[rows]))

    @property
    def noun(self) -> str:
        """Coefficients."""
        return "coefficients"

    @property
    def effects(self) -> dict[str, int]:
        """No rise is better or worse."""
        return NEITHER

    def unit(self, task: Task) -> str:
        """Each its own."""
        return "output per unit of the column"

    def entries(self, task: Task, data: Dataset) -> list[int]:
        """Where they lie in θ.

        Raises:
            InvalidParameter: the model is not linear, or has no such coefficient; the message lists those it has.
        """
        known = coefficient_names(task, data)
        given = (self.names,) if isinstance(self.names, str) else self.names
        require(given, Sequence, what="names", cure="Give names of columns, such as ('age', 'intercept').")
        places = {name: place for place, name in reversed(list(enumerate(known)))}
        if strange := [name for name in given if not isinstance(name, str) or name not in places]:
            some = ", ".join(known if len(known) <= MANY else [*known[:MANY], "…"])
            raise InvalidParameter(f"There is no coefficient {strange[0]!r}. The model has: {some}.")
        chosen = [places[name] for name in given] or range(len(known))
        return [row * len(known) + place for row in range(task.output_loss.size(data)) for place in chosen]


def coefficient_names(task: Task, data: Dataset) -> list[str]:
    """What the columns of Θ are called."""
    if not task.linear:
        raise InvalidParameter(
            f"{type(task).__name__} has no coefficients of columns; take the measure il.Parameters with positions."
        )
    width, intercept = len(task.penalised(data)) // task.output_loss.size(data), getattr(task, "intercept", False)
    named = data.feature_names or tuple(f"x{place}" for place in range(width))
    return [*named[: width - intercept], *([INTERCEPT] if intercept else [])]
