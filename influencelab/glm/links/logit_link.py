"""The logit: η = log(μ / (1 − μ))."""

from dataclasses import dataclass

from scipy.special import expit, logit

from influencelab.glm.link import B, Link


@dataclass(frozen=True)
class LogitLink(Link):
    """η = log(μ / (1 − μ)), the usual link of shares and of two classes."""

    def predictor(self, mean: B) -> B:
        """Log-odds."""
        return logit(mean)

    def mean(self, predictor: B) -> B:
        """σ(η)."""
        return expit(predictor)

    def slope(self, predictor: B) -> B:
        """σ(η) σ(−η)."""
        return expit(predictor) * expit(-predictor)

    def bend(self, predictor: B) -> B:
        """σ(η) σ(−η) (σ(−η) − σ(η))."""
        return self.slope(predictor) * (expit(-predictor) - expit(predictor))
