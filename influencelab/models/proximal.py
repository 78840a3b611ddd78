"""Proximal objectives, with a penalty on the distance from a known θˢ: between retraining and influence."""

from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models.loss_derivatives import slices
from influencelab.models.penalty import Penalty
from influencelab.models.shapes import N, P, Theta
from influencelab.models.task import Task

# Points whose outputs are computed at once.
ROWS = 4096


def of_inner(name: str) -> Any:
    """The property or method of this name of the task inside."""
    return property(attrgetter(f"inner.{name}"), doc=f"`{name}` of the task inside.")


@dataclass(frozen=True, eq=False)
class ProximalTask(Task):
    """J(θ; w) = Σᵢ wᵢ ℓᵢ(θ) + R(θ) with another penalty R; outputs, losses and measure are those of the task inside.

    R(θ) = ½ Σ (weight_decay P + damping) θ² − linear_termᵀθ − Σᵢ output_linear_termᵢᵀ zᵢ(θ), which is, up to a
    constant, that of `proximal` and `proximal_bregman_response`. With the weights that it was made with, θˢ is a
    minimum of the second, wherever training had stopped.

    Attributes:
        inner: the task inside.
        anchor: θˢ.
        damping: strength of the penalty on θ − θˢ, in nats per squared unit of parameter.
        linear_term: subtracted from the gradient, whatever θ is.
        output_linear_term: the same for the outputs of each training point; None where there is none, or where outputs
            are linear in θ and it is part of `linear_term`.
    """

    inner: Task
    anchor: P
    damping: float
    linear_term: P
    output_linear_term: Float[Tensor, "c n"] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.damping < float("inf"):
            raise InvalidParameter(f"damping is {self.damping}, expected a finite number ≥ 0.")
        if not self.inner.plain:
            raise InvalidParameter("the task is anchored already; anchor the task inside it instead.")

    # Convex as the task inside: the outputs of a convex task are linear in θ, and so is the linear term in them.
    output_loss, convex, linear, kink = map(  # pyright: ignore[reportIncompatibleMethodOverride] - properties too
        of_inner, ("output_loss", "convex", "linear", "kink")
    )
    start, penalised, outputs, output_slopes = map(of_inner, ("start", "penalised", "outputs", "output_slopes"))
    measure, derivatives = map(of_inner, ("measure", "derivatives"))
    features, layer_factors = map(of_inner, ("features", "layer_factors"))

    @property
    def plain(self) -> bool:
        """Never: the penalty holds on to θˢ too."""
        return False

    def penalty(self, data: Dataset, like: Theta) -> Penalty:
        """R(θ) with all its terms."""
        stiffness = self.weight_decay * self.penalised(data).to(like) + self.damping
        slopes = self.output_linear_term
        return Penalty(stiffness, self.linear_term, None if slopes is None else (self.outputs, data.x_train, slopes))


def proximal(task: Task, anchor: P, *, damping: float) -> ProximalTask:
    """R(θ) = (weight_decay / 2) ‖Pθ‖² + (damping / 2) ‖θ − θˢ‖²: retraining that may not go far.

    At a minimum θˢ of J it changes what a removal does, never what is there without one.
    """
    return ProximalTask(
        weight_decay=task.weight_decay, inner=task, anchor=anchor, damping=damping, linear_term=damping * anchor
    )


def proximal_bregman_response(task: Task, data: Dataset, anchor: P, weights: N, *, damping: float) -> ProximalTask:
    """The proximal Bregman response (Bae et al. 2022; Grosse et al. 2023, Eq. 7-9).

    Minimises Σᵢ wᵢ Dᵢ(θ) + Σᵢ (w'ᵢ − wᵢ) ℓᵢ(θ) + ½ ‖θ − θˢ‖² in the metric weight_decay P + damping, where w are the
    weights given here, w' those it is trained with, and Dᵢ = ℓ(z) − ℓ(zˢ) − ∇ℓ(zˢ)ᵀ(z − zˢ) is how far point i's
    outputs have gone from what they were: for softmax the KL divergence of the two predictions, whatever the label.
    A removal, w'ᵢ = 0, acts on the plain loss ℓᵢ.
    The curvature at θˢ is Gauss-Newton plus weight_decay P + damping, so that to first order the answer to a removal
    is Gauss-Newton influence, whether the anchor θˢ is converged or not.
    """
    stiffness = task.penalty(data, anchor).stiffness + damping
    linear_term, slopes = stiffness * anchor, []
    for rows in slices(data.n, ROWS):
        x = data.x_train[rows]
        slope = task.output_loss.gradients(task.outputs(anchor, x), data.y_train[rows]) * weights[rows]
        if task.linear:
            linear_term = linear_term + (slope @ task.features(x)).flatten()
        else:
            slopes.append(slope)
    return ProximalTask(
        weight_decay=task.weight_decay,
        inner=task,
        anchor=anchor,
        damping=damping,
        linear_term=linear_term,
        output_linear_term=torch.cat(slopes, dim=-1) if slopes else None,
    )
