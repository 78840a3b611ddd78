"""Parameters of the model themselves, such as a coefficient of a regression."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter, require, whole
from influencelab.models.measure import NEITHER, Columns, Measure
from influencelab.models.shapes import KM, KP, MP, P, Theta
from influencelab.models.task import Task


@dataclass(frozen=True)
class Parameters(Measure):
    """Some entries of θ, in the parameters' own units: where they lie, a sensitivity is a row of (C + damping I)⁻¹.

    Attributes:
        entries: which, as positions in θ.
    """

    entries: tuple[int, ...] = (0,)

    def values(self, task: Task, data: Dataset, theta: KP) -> KM:
        """The entries."""
        return theta[:, self.checked(theta)]

    def part(self, task: Task, data: Dataset, rows: slice) -> Measure:
        """Some of the entries."""
        return Parameters(self.entries[rows])

    @property
    def noun(self) -> str:
        """Parameters."""
        return "parameters"

    @property
    def effects(self) -> dict[str, int]:
        """No rise is better or worse."""
        return NEITHER

    def columns(self, task: Task, data: Dataset) -> Columns:
        """The entries."""
        ids = torch.arange(len(self.entries), device=data.x_test.device)
        return Columns(ids, torch.zeros_like(ids), tuple(f"parameter {entry}" for entry in self.entries), points=False)

    def unit(self, task: Task) -> str:
        """Each its own."""
        return "unit of the parameter"

    def gradients(self, task: Task, data: Dataset, theta: P) -> MP:
        """1 at each entry."""
        entries = torch.tensor(self.checked(theta), device=theta.device)[:, None]
        return theta.new_zeros(len(entries), len(theta)).scatter_(1, entries, 1.0)

    def checked(self, theta: Theta) -> list[int]:
        """The entries, if θ has them."""
        p, cure = theta.shape[-1], "Give positions in θ, such as (0, 3)."
        require(self.entries, Sequence, what="entries", cure=cure)
        entries = [whole(entry, what="an entry", cure=cure) for entry in self.entries]
        if not entries or not all(0 <= entry < p for entry in entries):
            raise InvalidParameter(f"entries are {self.entries}, expected one or more of 0 … {p - 1}. {cure}")
        return entries
