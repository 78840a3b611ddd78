"""The objective that is trained and the measure that is predicted: a model's outputs, loss, penalty and start."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.sparse_rows import SparseRows
from influencelab.errors import InvalidParameter
from influencelab.models.closed_forms.linear import Features, LinearDerivatives
from influencelab.models.loss_derivatives import LossDerivatives, Model, output_slopes
from influencelab.models.penalty import Penalty
from influencelab.models.shapes import KCB, KP, N, P, Theta, X, Y
from influencelab.recipe import default, is_default

# A layer's matrix (W | bias) and its units give W units + bias.
Layer = Callable[[Tensor, Tensor], Tensor]


class LayerFactors(NamedTuple):
    """One layer at the t positions of each of b points.

    Attributes:
        inputs: of the layer, the constant of its bias last.
        root_slopes: slope of each of c roots of the outputs' curvature in the layer's pre-activations. Σ_e D_e D_eᵀ,
            with D_e = Σ_t root_slopes[e, :, t] ⊗ inputs[:, t] as a column, is the layer's Gauss-Newton curvature at
            the point.
    """

    inputs: Float[Tensor, "h t b"]
    root_slopes: Float[Tensor, "c g t b"]


@dataclass(frozen=True)
class Task(Model):
    """The objective J(θ; w) = Σᵢ wᵢ ℓᵢ(θ) + (weight_decay / 2) ‖Pθ‖², and the measure whose change is predicted.

    A new model needs `output_loss`, `convex`, `start`, `penalised` and `outputs`, in one file. Whatever the mathematics
    asks beyond these has a default here, which a task replaces where it has a better one.

    Attributes:
        weight_decay: strength of the penalty on the penalised parameters; 0 for none. It stays what it is when
            points are removed.
    """

    weight_decay: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight_decay < float("inf"):
            raise InvalidParameter(f"weight_decay is {self.weight_decay}, expected a finite number ≥ 0.")

    @property
    @abstractmethod
    def convex(self) -> bool:
        """True where J is convex in θ, so that every minimum is the same minimum."""

    @abstractmethod
    def start(self, data: Dataset, seed: int) -> P:
        """The parameters training starts from; the same seed gives the same start."""

    @abstractmethod
    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """P: which parameters weight decay acts on."""

    @default
    def derivatives(self, data: Dataset) -> LossDerivatives:
        """Derivatives of the weighted losses on this data: by automatic differentiation, unless closed forms exist."""
        return LossDerivatives(self, data, self.output_loss.size(data))

    @default
    def output_slopes(self, theta: P, x: X, directions: KP) -> Float[Tensor, "k c b"]:
        """J dₖ: slope of each output of each point as θ moves along each direction."""
        return output_slopes(self, theta, x, directions)

    @default
    def penalty(self, data: Dataset, like: Theta) -> Penalty:
        """R(θ) and its derivatives, in the type and on the device of `like`: weight decay on what is penalised."""
        # A number times a mask would be float32, whatever θ is.
        return Penalty(self.weight_decay * self.penalised(data).to(like))

    @property
    @default
    def plain(self) -> bool:
        """True where the penalty is weight decay and nothing else."""
        return True

    @property
    @default
    def linear(self) -> bool:
        """True where outputs are Θ φ(x), Θ of c rows flattened row by row, and a fixed part; `features` gives φ."""
        return False

    @default
    def features(self, x: X) -> Float[Tensor, "b d"]:
        """φ of a linear task, a row a point; other tasks have none, and refuse."""
        raise InvalidParameter(f"The outputs of {type(self).__name__} are not linear in θ; ask `linear` first.")

    @property
    @default
    def kink(self) -> str | None:
        """The part of the objective that is not smooth in θ, as an error names it; None where all of it is."""
        return None

    @default
    def layer_factors(self, theta: P, x: X, y: Y) -> list[LayerFactors]:
        """Inputs and output slopes of each layer for some points, first layer first; refused where there are none."""
        raise InvalidParameter(
            f"{type(self).__name__} is not made of layers; take a linear task, 'mlp' or "
            "'all_cnn', or an estimator that needs no layers, such as 'conjugate_gradient'."
        )

    @default
    def last_layer_size(self, data: Dataset) -> int:
        """Number of parameters of the last layer, which lie last in θ; refused where there is none."""
        raise InvalidParameter(f"{type(self).__name__} has no last layer; use an MLP.")

    @default
    def last_layer(self, data: Dataset, theta: P) -> tuple["Task", Dataset]:
        """The last layer as a linear network of its own, and data whose features are its inputs under θ; or refused."""
        raise InvalidParameter(
            f"last_layer=True needs a network of the kind 'mlp'; the fit is of {type(self).__name__}."
        )

    @default
    def remark(self, data: Dataset) -> str:
        """What a reader of a fit should know of this task on this data; by default nothing."""
        return ""

    @default
    def check_curvature(self, data: Dataset, theta: P, weights: N) -> None:
        """Warn of a fit whose losses have so little curvature that influence means little; by default, of none."""


@dataclass(frozen=True)
class LinearTask(Task):
    """A task whose outputs are linear in θ: z = Θ x (+ intercept), Θ of c rows, flattened row by row.

    Its derivatives have closed forms of low rank, which the curvature and the retrainer use.

    Attributes:
        intercept: whether each output has an intercept, kept as the last column of Θ.
        penalise_intercept: whether weight decay acts on it too.
    """

    intercept: bool = True
    penalise_intercept: bool = False

    @property
    def convex(self) -> bool:
        """A convex loss of linear outputs is convex."""
        return self.output_loss.convex

    @property
    def linear(self) -> bool:
        """Always."""
        return True

    @default
    def features(self, x: X) -> Float[Tensor, "b d"]:
        """Each point as a row, with a last column of ones where there is an intercept."""
        flat, size = x.flatten(1), (len(x), 1)
        return torch.cat([flat, flat.new_full(size, self.intercept_feature)], dim=1) if self.intercept else flat

    @property
    @default
    def intercept_feature(self) -> float:
        """What each intercept multiplies."""
        return 1.0

    def affine(self, x: X) -> Features:
        """The same without a copy of the points, where an intercept alone is put beside them."""
        apart = self.intercept and is_default(type(self).features) and not isinstance(x, SparseRows)
        return Features(x.flatten(1), self.intercept_feature) if apart else Features(self.features(x))

    @default
    def width(self, data: Dataset) -> int:
        """d, the number of columns of Θ."""
        return data.x_train.shape[1:].numel() + self.intercept

    def start(self, data: Dataset, seed: int) -> P:
        """Zeros, where all outputs are 0; the seed has no part in it."""
        return data.x_train.new_zeros(self.output_loss.size(data) * self.width(data))

    def penalised(self, data: Dataset) -> Bool[Tensor, " p"]:
        """All weights, and the intercepts only if asked."""
        mask = torch.ones(self.output_loss.size(data), self.width(data), dtype=torch.bool, device=data.x_train.device)
        if self.intercept and not self.penalise_intercept:
            mask[:, -1] = False
        return mask.flatten()

    @default
    def outputs(self, theta: Theta, x: X) -> KCB:
        """Θ x for every model and point."""
        features = self.affine(x)
        rows = theta.unflatten(-1, (-1, features.width))
        return features.outputs(rows.flatten(0, -2)).unflatten(0, rows.shape[:-1])

    @default
    def derivatives(self, data: Dataset) -> LossDerivatives:
        """In closed form: matrix products with the features."""
        return LinearDerivatives(self, data, self.output_loss.size(data), features=self.features, affine=self.affine)

    @default
    def output_slopes(self, theta: P, x: X, directions: KP) -> Float[Tensor, "k c b"]:
        """The outputs of each direction, wherever θ is."""
        return self.outputs(directions, x)

    def layer_factors(self, theta: P, x: X, y: Y) -> list[LayerFactors]:
        """The one layer there is."""
        if isinstance(x, SparseRows):
            raise InvalidParameter("Sparse features have no factor of a layer; take 'conjugate_gradient'.")
        roots = output_roots(self.output_loss.hessians(self.outputs(theta, x), y))
        return [LayerFactors(self.features(x).T.unsqueeze(1), roots.unsqueeze(2))]

    def last_layer_size(self, data: Dataset) -> int:
        """All parameters."""
        return self.output_loss.size(data) * self.width(data)


@dataclass(frozen=True)
class LayeredTask(Task):
    """A network of affine layers, each kept as one matrix whose last column is the bias.

    θ holds the matrices one after the other, flattened row by row, first layer first. What happens between the layers
    (activations, patches of an image, means over positions) is the network's own.
    """

    @abstractmethod
    def shapes(self, data: Dataset) -> list[tuple[int, int]]:
        """(units, inputs + 1) of each layer."""

    @abstractmethod
    def units(self, data: Dataset) -> int:
        """Numbers that one model computes for one point: they decide how many points a chunk has."""

    @abstractmethod
    def forward(self, theta: Theta, x: X, layer: Layer) -> KCB:
        """The outputs, every layer's product being left to `layer`, which is called once a layer, in order.

        A layer that is applied at several positions of a point (a convolution) is given them side by side, points
        running fastest.
        """

    def outputs(self, theta: Theta, x: X) -> KCB:
        """Layer by layer; each layer is one batched matrix product over models."""
        return self.forward(theta, x, affine)

    @default
    def derivatives(self, data: Dataset) -> LossDerivatives:
        """By automatic differentiation, unless the network has closed forms."""
        units = self.units(data)
        return LossDerivatives(self, data, units, trace=units * len(self.shapes(data)))

    @torch.enable_grad()
    def layer_factors(self, theta: P, x: X, y: Y) -> list[LayerFactors]:
        """Recorded as one forward pass asks for the layers' products, then differentiated from the outputs back."""
        inputs: list[Tensor] = []
        pre_activations: list[Tensor] = []

        def record(matrix: Tensor, units: Tensor) -> Tensor:
            inputs.append(units.detach())
            pre_activations.append(affine(matrix, units))
            return pre_activations[-1]

        outputs = self.forward(theta.detach().requires_grad_(), x, record)
        roots = output_roots(self.output_loss.hessians(outputs.detach(), y))
        slopes = torch.autograd.grad(outputs, pre_activations, roots, is_grads_batched=True)
        return [by_position(units, slope, points=len(x)) for units, slope in zip(inputs, slopes, strict=True)]


@lru_cache(maxsize=64)
def penalised_layers(shapes: tuple[tuple[int, int], ...], device: torch.device, *, biases: bool) -> Bool[Tensor, " p"]:
    """P of layers whose weights are penalised, and their biases (the last column of each) if asked."""
    masks = [torch.ones(shape, dtype=torch.bool, device=device) for shape in shapes]
    for layer in masks:
        layer[:, -1] = biases
    return torch.cat([layer.flatten() for layer in masks])


def by_position(inputs: Tensor, slopes: Tensor, *, points: int) -> LayerFactors:
    """Positions and points on axes of their own, and the constant that the bias multiplies put last."""
    constant = torch.cat([inputs.flatten(0, -2), torch.ones_like(inputs.flatten(0, -2)[:1])])
    return LayerFactors(constant.unflatten(-1, (-1, points)), slopes.flatten(1, -2).unflatten(-1, (-1, points)))


def output_roots(curvature: Float[Tensor, "c c b"]) -> Float[Tensor, "c c b"]:
    """roots[e, :, i] for each point, with Σ_e of their outer products the given curvature of the outputs."""
    values, vectors = torch.linalg.eigh(curvature.permute(2, 0, 1))
    return (vectors * values.clamp_min(0).sqrt().unsqueeze(1)).permute(2, 1, 0)


def affine(matrix: Float[Tensor, "*k g h"], units: Float[Tensor, "*_ i b"]) -> Float[Tensor, "*k g b"]:
    """W units + bias, where the matrix holds (W | bias): h = i + 1."""
    return matrix[..., :-1] @ units + matrix[..., -1:]
