"""Sensitivities: the response of a measure to any small change of the gradient of the objective at a fit."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.data.perturbation import Perturbation
from influencelab.models.measure import Measure
from influencelab.training.fit import Fit

__all__ = ["Sensitivity"]


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """s_j = (C + damping I)⁻¹ ∇L_j of m measures: solved once, it predicts every perturbation.

    When ∇J at the fit changes by a small v, the minimum moves by −C⁻¹v and measure j rises by −vᵀs_j.

    Attributes:
        fit: the model.
        measure: what L is; of the loss, j is a test point.
        values: s_j, one column a measure, in the measure's unit per unit of ∇J.
        residual: ‖(C + damping I) s_j − ∇L_j‖ / ‖∇L_j‖ of each.
        damping: what was really added to the curvature.
        seconds: wall-clock time.
    """

    fit: Fit
    measure: Measure
    values: Float[Tensor, "p m"]
    residual: Float[Tensor, " m"]
    damping: float
    seconds: float

    def predict(self, perturbation: Perturbation) -> Float[Tensor, "r m"]:
        """The predicted rise of each measure in each experiment: −Δ(∇J)ᵀ s_j.

        Raises:
            InvalidParameter: the perturbation does not suit the fit.
            InvalidData: the points that it brings in do not.
        """
        perturbation.check(self.fit)
        return -perturbation.change_along(self.fit, self.values.T)

    def slopes(self) -> Float[Tensor, "n m"]:
        """∂L_j/∂wᵢ = −∇ℓᵢᵀ s_j of each training weight."""
        return -self.fit.slopes(self.fit.data, self.values.T)
