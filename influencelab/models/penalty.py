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

from influencelab.models.loss_derivatives import slices
from influencelab.models.shapes import KP, KPP, K, P, Theta

# Numbers in the outputs of one chunk of points.
CHUNK = 2**18


@dataclass(frozen=True, eq=False)
class Penalty:
    """R and its derivatives for models of one task.

    Attributes:
        stiffness: diagonal of R's Gauss-Newton curvature: weight decay on penalised parameters, plus proximal damping.
        linear_term: subtracted from ∇R, whatever θ is; None for 0.
        output_term: (z of some models for some points, all training points, the slopes that are subtracted from those
            of each output of each point); None for 0.
    """

    stiffness: P
    linear_term: P | None = None
    output_term: tuple[Callable[[Tensor, Tensor], Tensor], Tensor, Float[Tensor, "c n"]] | None = None

    def parts(self, models: int) -> Iterator[Callable[[Tensor], Tensor]]:
        """Σᵢ slopesᵢᵀ zᵢ(θ) over a chunk of points, as a function of the θ of one model or more, for each chunk."""
        if self.output_term is None:
            return
        outputs, x, slopes = self.output_term
        for rows in slices(len(x), max(1, CHUNK // max(1, models * len(slopes)))):
            yield lambda theta, rows=rows: (outputs(theta, x[rows]) * slopes[:, rows]).sum((-2, -1))

    def values(self, theta: KP) -> K:
        """R of k models, in nats, up to a constant."""
        total = (theta * self.stiffness * theta).sum(-1) / 2
        if self.linear_term is not None:
            total = total - theta @ self.linear_term
        for part in self.parts(len(theta)):
            total = total - part(theta)
        return total

    @torch.enable_grad()
    def gradient(self, theta: Theta) -> Theta:
        """∇R: weight_decay P θ of a plain task."""
        total = self.stiffness * theta
        if self.linear_term is not None:
            total = total - self.linear_term
        for part in self.parts(theta[..., 0].numel()):
            leaf = theta.detach().requires_grad_()
            total -= torch.autograd.grad(part(leaf).sum(), leaf)[0]
        return total

    def products(self, theta: Theta, vectors: KP, *, kind: str) -> KP:
        """∂²R/∂θ² times each vector, at one θ for all or at one each; without the output term for Gauss-Newton."""
        total, many = self.stiffness * vectors, theta.dim() == 2
        if kind == "gauss_newton":
            return total
        for part in self.parts(len(vectors)):
            product = vmap(lambda at, v, part=part: jvp(grad(part), (at,), (v,))[1], in_dims=(0 if many else None, 0))
            total -= product(theta, vectors)
        return total

    def add_hessians(self, total: KPP, theta: KP, *, kind: str) -> None:
        """Add ∂²R/∂θ² of k models in place: a second dense table may not fit. Gauss-Newton has no output term."""
        total.diagonal(dim1=-2, dim2=-1).add_(self.stiffness)
        if kind == "gauss_newton":
            return
        # Every parameter of every model sends a tangent through all units, the outputs being a small part of them.
        for part in self.parts(4 * theta.numel()):
            total -= vmap(hessian(part))(theta)
