"""Several linear outputs under an absolute penalty, each with coefficients of 0 of its own, on a smooth piece of J."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.closed_forms.gathered import GatheredDerivatives, scattered
from influencelab.models.closed_forms.linear import LinearDerivatives
from influencelab.models.loss import OutputLoss
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.penalty import Penalty
from influencelab.models.shapes import KCB, P, Theta, X
from influencelab.models.task import Task

SOFTMAX = CrossEntropy()
# Of a coefficient that is no sign: held at 0, or free of the absolute penalty.
HELD, FREE = 2, 0


@dataclass(frozen=True)
class SparseLinear(Task):
    """J(θ; w) = Σᵢ wᵢ ℓᵢ(θ) + (weight_decay / 2) ‖Pθ‖² + l1 Σₐ signsₐ θₐ, θ being the entries of Θ not held at 0.

    scikit-learn's `LogisticRegression(C, l1_ratio=1, solver="saga")` on n points of more than two classes is this task
    with `l1=1 / (C * n)` on the coefficients that it did not leave at 0. Of one output see `SignedLinear`.

    Attributes:
        loss: of the outputs.
        l1: strength of the absolute penalty.
        signs: a row an output, an entry a feature and last the intercept, if there is one: +1 or −1; 0 of one without
            a penalty, and 2 of one that is held at 0.
        intercept: whether each output has one.
        constant: the feature that an intercept multiplies.
    """

    loss: OutputLoss = SOFTMAX
    l1: float = 0.0
    signs: tuple[tuple[int, ...], ...] = ()
    intercept: bool = True
    constant: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        entries = {entry for row in self.signs for entry in row}
        if not (0 <= self.l1 < float("inf") and entries <= {-1, FREE, 1, HELD} and len(set(map(len, self.signs))) == 1):
            raise InvalidParameter(
                f"l1 is {self.l1} and signs have the entries {sorted(entries)}; expected l1 ≥ 0 and rows of one length "
                "of −1, 0, 1 and 2, a row an output."
            )

    @property
    def output_loss(self) -> OutputLoss:
        """The loss it was given."""
        return self.loss

    @property
    def convex(self) -> bool:
        """A convex loss of linear outputs is convex."""
        return self.loss.convex

    @property
    def plain(self) -> bool:
        """Only without an absolute penalty."""
        return not (self.l1 and self.entries().where(self.entries() != HELD, 0).any())

    def entries(self) -> Float[Tensor, "c d"]:
        """The signs as a table."""
        return torch.tensor(self.signs, dtype=torch.float64)

    def free(self, like: Tensor) -> Bool[Tensor, " q"]:
        """Which entries of Θ, flattened, are among θ."""
        return (self.entries() != HELD).flatten().to(like.device)

    def start(self, data: Dataset, seed: int) -> P:
        """Zeros; the seed has no part in it."""
        if len(self.signs) != (size := self.loss.size(data)):
            raise InvalidParameter(f"signs have {len(self.signs)} rows; {data.name} needs {size} outputs.")
        return data.x_train.new_zeros(int(self.free(data.x_train).sum()))

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """Those with a sign: an entry without one is an intercept without a penalty."""
        entries = self.entries().flatten().to(data.x_train.device)
        return (entries != FREE)[entries != HELD]

    def columns(self, x: X) -> Float[Tensor, "b d"]:
        """Each point as a row, with a last column of the constant where there is an intercept."""
        flat = x.flatten(1)
        return torch.cat([flat, flat.new_full((len(flat), 1), self.constant)], dim=1) if self.intercept else flat

    def outputs(self, theta: Theta, x: X) -> KCB:
        """Θ x for every model and point."""
        columns = self.columns(x)
        return scattered(theta, self.free(theta)).unflatten(-1, (-1, columns.shape[1])) @ columns.T

    def derivatives(self, data: Dataset) -> LossDerivatives:
        """In closed form: matrix products with the features."""
        size = self.loss.size(data)
        whole = LinearDerivatives(self, data, size, features=self.columns)
        return GatheredDerivatives(self, data, size, whole=whole, free=self.free(data.x_train))

    def penalty(self, data: Dataset, like: Theta) -> Penalty:
        """Weight decay, and a slope of l1 along each sign."""
        stiffness = self.weight_decay * self.penalised(data).to(like)
        if self.plain:
            return Penalty(stiffness)
        signs = self.entries().flatten().to(like)
        return Penalty(stiffness, -self.l1 * signs[self.free(like)])
