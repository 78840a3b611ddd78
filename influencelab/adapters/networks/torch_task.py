"""A user's own module of torch as a task: its outputs, a loss of them, and the weight decay of each parameter."""

from dataclasses import dataclass

from jaxtyping import Bool
from torch import Tensor

from influencelab.adapters.networks.frozen_module import FrozenModule
from influencelab.adapters.networks.layers import factors
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models.loss import OutputLoss
from influencelab.models.loss_derivatives import LossDerivatives
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.penalty import Penalty
from influencelab.models.shapes import KCB, P, Theta, X, Y
from influencelab.models.task import LayerFactors, Task, output_roots

__all__ = ["TorchTask"]

ENTROPY = CrossEntropy()


@dataclass(frozen=True)
class TorchTask(Task):
    """J(θ; w) = Σᵢ wᵢ ℓᵢ(θ) + ½ Σₐ (weight_decay + moreₐ) θₐ², over the parameters that are penalised at all.

    θ are the trained parameters of a module in its own order, each matrix with the bias beside it as last column. What
    is not trained is a constant. Derivatives are automatic, batched over models and points by `torch.func`.

    Attributes:
        module: the module, frozen.
        loss: of its outputs.
        free: names of the parameters that weight decay leaves alone.
        more: of some parameters, what they have beyond weight_decay.
        bend: a function with a kink in the loss; '' for none.
    """

    module: FrozenModule
    loss: OutputLoss = ENTROPY
    free: tuple[str, ...] = ()
    more: tuple[tuple[str, float], ...] = ()
    bend: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        strange = sorted({*self.free, *(name for name, _ in self.more)} - set(self.module.names))
        if strange or not all(0 <= each < float("inf") for _, each in self.more):
            raise InvalidParameter(
                f"free and more name {strange or self.more}; expected trained parameters and finite numbers ≥ 0, of: "
                f"{', '.join(self.module.names[:12])}."
            )

    @property
    def output_loss(self) -> OutputLoss:
        """The loss it was given."""
        return self.loss

    @property
    def convex(self) -> bool:
        """Nobody knows, so that every minimum is proved by its own curvature."""
        return False

    @property
    def plain(self) -> bool:
        """Where all parameters that are penalised have the same weight decay."""
        return not self.more

    @property
    def kink(self) -> str | None:
        """The first function of the module or of the loss whose slope jumps."""
        return self.module.traits.kink or self.bend or None

    def start(self, data: Dataset, seed: int) -> P:
        """The parameters that the module had when it was frozen, whatever the seed; InvalidData for other numbers."""
        outputs, size, kind = self.module.traits.outputs, self.loss.size(data), self.module.theta.dtype
        if outputs != size or data.x_train.dtype != kind:
            raise InvalidData(
                f"The module gives {outputs} outputs in {kind}, and {data.name} needs {size} in {data.x_train.dtype}. "
                "Give features of the module's own type, or freeze it with another dtype, and as many classes."
            )
        return self.module.theta.to(data.x_train.device)

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """All but those that are free."""
        return self.module.spread(dict.fromkeys(self.free, 1.0)).to(data.x_train.device) == 0

    def penalty(self, data: Dataset, like: Theta) -> Penalty:
        """R(θ), with the strength that each parameter has."""
        stiffness = self.weight_decay * self.penalised(data).to(like)
        return Penalty(stiffness + self.module.spread(dict(self.more)).to(like) if self.more else stiffness)

    def outputs(self, theta: Theta, x: X) -> KCB:
        """The module's own."""
        return self.module.outputs(theta, x)

    def derivatives(self, data: Dataset) -> LossDerivatives:
        """By automatic differentiation; InvalidData for points that the module cannot have met."""
        if self.module.whole and bool((data.x_train != data.x_train.round()).any()):
            raise InvalidData(
                f"{data.name} has fractions as features, and the module takes whole numbers. Replace points by others, "
                "such as other tokens; none can move a little."
            )
        traits, parameters = self.module.traits, len(self.module.theta)
        widest = max(traits.widest, self.loss.size(data))
        return LossDerivatives(self, data, widest, trace=traits.total, parameters=parameters)

    def layer_factors(self, theta: P, x: X, y: Y) -> list[LayerFactors]:
        """Of linear layers and convolutions; refused where other parameters are trained."""
        return factors(self.module, theta, x, lambda outputs: output_roots(self.loss.hessians(outputs, y)))

    def remark(self, data: Dataset) -> str:
        """What is constant, and where weight decay differs."""
        total = sum(each.numel() for each in self.module.module.parameters())
        fixed = total - len(self.module.theta)
        constant = f", {fixed:,} parameters constant" if fixed else ""
        return constant + (", more of some parameters" if self.more else ", of some parameters" if self.free else "")
