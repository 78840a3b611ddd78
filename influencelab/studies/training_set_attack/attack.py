"""What attacks go toward, and what they leave."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.models.shapes import KP
from influencelab.studies.training_set_attack.moved_models import MovedModels

# A test picture is called wrongly above this loss.
UNDECIDED = math.log(2)

Toward = Callable[[MovedModels, Tensor, Tensor], Tensor]
INFLUENCE, GRADIENT, RANDOM = "influence", "gradient", "random"


def by_influence(models: MovedModels, moved: Float[Tensor, "k b p"], tests: Int[Tensor, " k"]) -> KP:
    """s = H⁻¹ ∇L at each model's own θ."""
    return models.sensitivities(moved, tests)


def by_gradient(models: MovedModels, moved: Float[Tensor, "k b p"], tests: Int[Tensor, " k"]) -> KP:  # noqa: ARG001
    """∇L, as if H were the identity."""
    return models.loss_gradients(tests)


# What the change of a training point's gradient is to go against, by name.
TOWARD: Mapping[str, Toward] = MappingProxyType({INFLUENCE: by_influence, GRADIENT: by_gradient})


@dataclass(frozen=True, eq=False)
class Attacked:
    """k attacks, each on one test picture through b training pictures.

    Attributes:
        points: the training pictures that each changes.
        tests: the test picture that each aims at.
        pictures: the changed ones.
        features: theirs.
        theta: of the model that was trained on them.
        grad_norm: ‖∇J‖ of that.
        steps: taken, fewer where the test picture was called wrongly before the last.
    """

    points: Int[Tensor, "k b"]
    tests: Int[Tensor, " k"]
    pictures: Float[Tensor, " k b *shape"]
    features: Float[Tensor, "k b d"]
    theta: KP
    grad_norm: Float[Tensor, " k"]
    steps: Int[Tensor, " k"]


def joined(parts: list[Attacked]) -> Attacked:
    """Several batches as one."""
    return Attacked(**{name: torch.cat([getattr(part, name) for part in parts]) for name in vars(parts[0])})
