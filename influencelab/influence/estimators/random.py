"""Scores drawn at random: what every estimator must beat."""

import time
from dataclasses import dataclass

import torch

from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class Random(Estimator):
    """Independent standard normal scores: their correlation with the truth shows what chance alone gives.

    It depends on nothing but the sizes, so it takes any fit; `allow_unconverged` has no effect.

    Attributes:
        seed: of the draws; another seed, other scores.
    """

    seed: int = 0

    def estimate(self, fit: Fit) -> Estimate:
        """Draw on the CPU, so that devices agree."""
        started = time.perf_counter()
        generator = torch.Generator().manual_seed(self.seed)
        values = torch.randn(fit.data.n, len(fit.measures()), generator=generator, dtype=torch.float64).to(fit.theta)
        return estimate_of(self, fit, values, unit="none", started=started)
