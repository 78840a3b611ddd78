"""The losses of several machines of two classes, added up: one a class, or one a pair of classes."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import logsigmoid

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.loss import OutputLoss, other_labels
from influencelab.models.losses.binary_cross_entropy import BinaryCrossEntropy
from influencelab.models.shapes import CB, KB, KCB, Y

LOG_LOSS = BinaryCrossEntropy()


class Sides(NamedTuple):
    """What points are to the machines.

    Attributes:
        labels: 1 on the one side and 0 on the other.
        weights: how many times a machine counts the loss of a point; 0 where it has no part in it.
    """

    labels: Int[Tensor, "c b"]
    weights: Float[Tensor, "c b"]


@dataclass(frozen=True)
class OutputCode(OutputLoss):
    """ℓ(z, y) = Σₐ |code_ya| ℓ₂(zₐ, sign code_ya): an output a machine, for which class y is on one of two sides.

    The loss of a point is thus all that the machines lose on it together: of one machine a class, that its own does not
    say yes and that all others do not say no. No machine sees the outputs of another, so that curvature is diagonal
    (Allwein, Schapire & Singer 2000).

    Attributes:
        loss: ℓ₂, of two classes with one output.
        code: a row a class, an entry a machine: its sign says the side, its size how much a point of the class counts,
            and 0 leaves the class out. Empty: one machine a class, +1 for its own and −1 for every other.
    """

    loss: OutputLoss = LOG_LOSS
    code: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if len({len(row) for row in self.code}) > 1:
            raise InvalidParameter("The rows of code differ in length; give each class an entry for each machine.")

    @property
    def unit(self) -> str:
        """That of each machine."""
        return self.loss.unit

    @property
    def width(self) -> float:
        """That of each machine."""
        return self.loss.width

    @property
    def convex(self) -> bool:
        """Where that of each machine is."""
        return self.loss.convex

    @property
    def one_a_class(self) -> bool:
        """Whether machine k tells class k from all others."""
        square = not self.code or len(self.code[0]) == len(self.code)
        return square and all(
            entry and (entry > 0) == (row == place)
            for row, entries in enumerate(self.code)
            for place, entry in enumerate(entries)
        )

    def size(self, data: Dataset) -> int:
        """One output a machine."""
        if data.classes < 2:
            raise other_labels(data, "machines of two classes need at least 2.")
        if self.code and len(self.code) != data.classes:
            raise InvalidData(f"{data.name} has {data.classes} classes; the code has rows for {len(self.code)}.")
        return len(self.code[0]) if self.code else data.classes

    def sides(self, y: Y, outputs: int, dtype: torch.dtype) -> Sides:
        """What points of these labels are to each machine."""
        code = torch.tensor(self.code, dtype=dtype) if self.code else 2 * torch.eye(outputs, dtype=dtype) - 1
        own = code.to(y.device)[y.long()].T
        return Sides((own > 0).long(), own.abs())

    def mean(self, z: KCB) -> KCB:
        """Probabilities of classes: those that the machines give their own, as shares of their sum."""
        if z.shape[-2] == 1:
            return self.loss.mean(z)
        self.check_likelihood()
        return logsigmoid(z).softmax(-2)

    def margins(self, z: KCB, y: Y) -> KB:
        """Log-odds of each point's class, by the probabilities that are shares of the machines' sum."""
        if z.shape[-2] == 1:
            return self.loss.margins(z, y)
        self.check_likelihood()
        return super().margins(logsigmoid(z), y)

    def check_likelihood(self) -> None:
        """Refuse what gives no probabilities of classes."""
        if not (self.one_a_class and isinstance(self.loss, BinaryCrossEntropy)):
            raise InvalidParameter(
                f"Machines fitted by the {self.unit} give no probabilities of classes; take the measure 'loss', or "
                "'output', the output of one machine."
            )

    def values(self, z: KCB, y: Y) -> KB:
        """What all machines lose on each point."""
        sides = self.sides(y, z.shape[-2], z.dtype)
        return (apart(self.loss.values(beside(z), sides.labels.flatten()), z) * sides.weights).sum(-2)

    def gradients(self, z: KCB, y: Y) -> KCB:
        """Of each machine, as often as it counts the point."""
        sides = self.sides(y, z.shape[-2], z.dtype)
        return apart(self.loss.gradients(beside(z), sides.labels.flatten()).squeeze(-2), z) * sides.weights

    def products(self, z: CB, y: Y, v: KCB) -> KCB:
        """Of each machine with its own part of v."""
        sides = self.sides(y, z.shape[-2], z.dtype)
        curved = self.loss.products(beside(z), sides.labels.flatten(), beside(v))
        return apart(curved.squeeze(-2), z) * sides.weights


def beside(z: KCB) -> Float[Tensor, "*k 1 cb"]:
    """The points of all machines side by side, as those of one."""
    return z.flatten(-2).unsqueeze(-2)


def apart(values: Float[Tensor, "*k cb"], like: Float[Tensor, "*_ c b"]) -> KCB:
    """Numbers of points side by side, a row a machine again."""
    return values.unflatten(-1, like.shape[-2:])
