"""Where a fit came from that was not trained here: what it says of itself, and how near to a minimum it was."""

from dataclasses import dataclass

__all__ = ["Noise", "Origin"]


@dataclass(frozen=True)
class Noise:
    """What standard errors of coefficients rest on: their covariance is `dispersion` (Σ sᵢ ∇²ℓᵢ)⁻¹.

    Attributes:
        observations: Σ sᵢ, what the sum of the fit's weights stands for, such as the number of points or of trials.
        freedom: residual degrees of freedom.
        dispersion: of the responses, in the unit of twice the loss: σ² of least squares, 1 of counts and classes.
        anew: whether a removal has the dispersion estimated without the point, as least squares does.
    """

    observations: float
    freedom: float
    dispersion: float
    anew: bool = False


@dataclass(frozen=True)
class Origin:
    """A model that was fitted elsewhere.

    Attributes:
        estimator: what was handed in, with its settings.
        convention: of the removals that its own refit without a point follows, `drop` or `renormalise`.
        decrement: Newton's decrement of its objective where it was handed in, as a share of √J: 0 at a minimum.
        moved: the largest change of an output, of any training or test point, by which it was then brought to one.
        held: what removals leave as it is, though fitting again would change it, such as a pipeline's steps.
        noise: of models whose library has standard errors; None for others.
    """

    estimator: str
    convention: str
    decrement: float
    moved: float
    held: tuple[str, ...] = ()
    noise: Noise | None = None

    def summary(self) -> dict[str, str]:
        """As lines of a fit's own."""
        kept = "the whole penalty stays" if self.convention == "drop" else "the penalty beside the mean loss stays"
        return {
            "from": self.estimator,
            "removals": f"convention '{self.convention}', as its own refit: {kept}",
            "handed in": f"decrement {self.decrement:.1e} of √J; outputs then moved by at most {self.moved:.1e}",
            **({"held": "; ".join(self.held)} if self.held else {}),
        }
