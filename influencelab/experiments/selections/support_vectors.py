"""Training points drawn at random from those that pull at the fit: the others have no gradient, and no effect."""

from dataclasses import dataclass

import torch

from influencelab.errors import InvalidParameter
from influencelab.experiments.selection import Pairs, Selection, chosen
from influencelab.influence.estimator import Estimate


@dataclass(frozen=True)
class SupportVectors(Selection):
    """`count` points whose loss has a slope under the fit, or all of them where there are fewer.

    Under a true hinge most points have none: their influence is 0, and so is what their removal does.

    Attributes:
        count: how many.
        seed: of the draw.
    """

    count: int = 100
    seed: int = 0

    def pairs(self, estimate: Estimate) -> Pairs:
        """The same rows for every test point."""
        fit = estimate.fit
        outputs = fit.task.outputs(fit.theta, fit.data.x_train)
        pulling = fit.task.output_loss.gradients(outputs, fit.data.y_train).any(0).nonzero()[:, 0]
        if self.count < 1 or not len(pulling):
            raise InvalidParameter(
                f"count is {self.count} and {len(pulling)} training points pull at the fit; expected 1 or more of each."
            )
        order = torch.randperm(len(pulling), generator=torch.Generator().manual_seed(self.seed)).to(pulling.device)
        return chosen(estimate, pulling[order[: self.count]])
