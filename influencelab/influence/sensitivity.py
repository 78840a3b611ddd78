"""What a measure of a model responds to: solved once, it predicts every perturbation."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from influencelab.data.perturbation import Perturbation
from influencelab.errors import require
from influencelab.models.measure import Measure
from influencelab.recipe import kind_name
from influencelab.summary import Summarised
from influencelab.training.fit import Fit, door

__all__ = ["Sensitivity"]


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(Summarised):
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

    @door
    def predict(self, perturbation: Perturbation) -> Float[Tensor, "r m"]:
        """The predicted rise of each measure in each experiment: −Δ(∇J)ᵀ s_j.

        Raises:
            InvalidParameter: the perturbation does not suit the fit.
            InvalidData: the points that it brings in do not.
        """
        require(perturbation, Perturbation, what="perturbation")
        perturbation.check(self.fit)
        return -perturbation.change_along(self.fit, self.values.T)

    def summary(self) -> dict[str, str]:
        """What was solved for, and how well."""
        return {
            "measure": kind_name(self.measure),
            "values": f"{self.values.shape[0]:,} parameters × {self.values.shape[1]:,} measures",
            **solved(self.residual, self.damping, self.seconds),
        }

    def slopes(self) -> Float[Tensor, "n m"]:
        """∂L_j/∂wᵢ = −∇ℓᵢᵀ s_j of each training weight."""
        return -self.fit.slopes(self.fit.data, self.values.T)


def solved(residual: Float[Tensor, " m"], damping: float, seconds: float) -> dict[str, str]:
    """How well and how fast, as people read it."""
    return {
        "largest residual": f"{float(residual.max()):.1e}",
        "damping": f"{damping:.3g}",
        "seconds": f"{seconds:.2f}",
    }
