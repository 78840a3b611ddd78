"""R(θ), the part of the objective that does not depend on the training weights, and its derivatives.

R(θ) = ½ Σ stiffness θ² − linear_termᵀθ − Σᵢ output_linear_termᵢᵀ zᵢ(θ). A plain task has the first term only, weight
decay.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import grad, hessian, jvp, vmap

from influencelab.models.shapes import KP, K, P

# Numbers in the outputs of one chunk of points.
CHUNK = 2**18


@dataclass(frozen=True, eq=False)
class OutputTerm:
    """Σᵢ output_linear_termᵢᵀ zᵢ(θ), the constant slopes that a target puts on the outputs of training points.

    Attributes:
        outputs: z of k models for b points.
        x: the training points.
        slopes: of each output of each point.
    """

    outputs: Callable[[Tensor, Tensor], Tensor]
    x: Float[Tensor, " n *shape"]
    slopes: Float[Tensor, "c n"]

    def parts(self, models: int) -> Iterator[Callable[[Tensor], Tensor]]:
        """The sum over a chunk of points, as a function of the θ of one model or more, for each chunk."""
        step = max(1, CHUNK // max(1, models * len(self.slopes)))
        for first in range(0, len(self.x), step):
            x, slopes = self.x[first : first + step], self.slopes[:, first : first + step]
            yield lambda theta, x=x, slopes=slopes: (self.outputs(theta, x) * slopes).sum((-2, -1))


@dataclass(frozen=True, eq=False)
class Penalty:
    """R and its derivatives for models of one task.

    Attributes:
        stiffness: diagonal of R's Gauss-Newton curvature: weight decay on penalised parameters, plus proximal damping.
        linear_term: subtracted from ∇R, whatever θ is; None for 0.
        output_term: the same for the outputs of each training point; None for 0.
    """

    stiffness: P
    linear_term: P | None = None
    output_term: OutputTerm | None = None

    def parts(self, models: int) -> Iterator[Callable[[Tensor], Tensor]]:
        """The output term, a chunk of points at a time."""
        if self.output_term is not None:
            yield from self.output_term.parts(models)

    def values(self, theta: KP) -> K:
        """R of k models, in nats, up to a constant."""
        total = (theta * self.stiffness * theta).sum(-1) / 2
        if self.linear_term is not None:
            total = total - theta @ self.linear_term
        for part in self.parts(len(theta)):
            total = total - part(theta)
        return total

    def gradient(self, theta: Float[Tensor, "*k p"]) -> Float[Tensor, "*k p"]:
        """∇R: weight_decay P θ of a plain task."""
        total = self.stiffness * theta
        if self.linear_term is not None:
            total = total - self.linear_term
        for part in self.parts(theta[..., 0].numel()):
            leaf = theta.detach().requires_grad_()
            total -= torch.autograd.grad(part(leaf).sum(), leaf)[0]
        return total

    def products(self, theta: Float[Tensor, "*k p"], vectors: KP, *, kind: str) -> KP:
        """∂²R/∂θ² times each vector, at one θ for all or at one each; without the output term for Gauss-Newton."""
        total = self.stiffness * vectors
        if kind == "gauss_newton":
            return total
        for part in self.parts(len(vectors)):

            def product(at: Tensor, vector: Tensor, part: Callable[[Tensor], Tensor] = part) -> Tensor:
                return jvp(grad(part), (at,), (vector,))[1]

            total -= vmap(product, in_dims=(0 if theta.dim() == 2 else None, 0))(theta, vectors)
        return total

    def add_hessians(self, total: Float[Tensor, "k p p"], theta: KP, *, kind: str) -> None:
        """Add ∂²R/∂θ² of k models in place: a second dense table may not fit. Gauss-Newton has no output term."""
        total.diagonal(dim1=-2, dim2=-1).add_(self.stiffness)
        if kind == "gauss_newton":
            return
        # Every parameter of every model sends a tangent through all units, the outputs being a small part of them.
        for part in self.parts(4 * theta.numel()):
            total -= vmap(hessian(part))(theta)
