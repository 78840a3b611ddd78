"""Line searches of k models at once, each at its own stage."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from influencelab.models.shapes import K
from influencelab.training.trainer import Batched

# A step must lower J by this share of what the slope predicts (Armijo), and leave at most this share of the slope.
DECREASE, FLATTENING = 1e-4, 0.9
# Differences of J below this many units of rounding say nothing; the slope then decides (Hager & Zhang 2005, eq. 4.1).
ROUNDING = 1000
# A new step keeps this share of the bracket away from both of its ends; without a far end it grows by these factors.
MARGIN, GROWTH = 0.1, (2.0, 10.0)


@dataclass(frozen=True, eq=False)
class LineSearch(Batched):
    """One search a model: J along its direction so far, and the step to try next.

    Attributes:
        value: J at the start, in nats.
        slope: how fast J rises there along the direction; negative.
        step: the step to try next.
        low, low_slope: the longest step known to be too short, 0 at first, and the slope of J there.
        high, high_slope: the shortest step known to be too long, infinite at first, and the slope of J there.
        trials: how many steps were refused.
    """

    value: K
    slope: K
    step: K
    low: K
    low_slope: K
    high: K
    high_slope: K
    trials: Int[Tensor, " k"]

    def descends(self, value: K, slope: K) -> Bool[Tensor, " k"]:
        """Whether the tried step lowers J enough: by its value or, where that drowns in rounding, by its slope."""
        lower = value <= self.value + DECREASE * self.step * self.slope
        level = value <= self.value + ROUNDING * torch.finfo(value.dtype).eps * self.value.abs()
        return lower | (level & (slope <= (2 * DECREASE - 1) * self.slope))

    def flattens(self, slope: K) -> Bool[Tensor, " k"]:
        """Whether the tried step goes so far that J bends upwards on the way: enough to learn a curvature from."""
        return slope >= FLATTENING * self.slope

    def refused(self, slope: K, *, too_long: Bool[Tensor, " k"]) -> "LineSearch":
        """The search after a refused step: next it aims where the slope would vanish if it changed evenly."""
        low, low_slope = self.low.where(too_long, self.step), self.low_slope.where(too_long, slope)
        high, high_slope = self.step.where(too_long, self.high), slope.where(too_long, self.high_slope)
        closed = high.isfinite()
        # Without a far end, the line through the last two slopes is followed beyond them.
        other, other_slope = high.where(closed, self.low), high_slope.where(closed, self.low_slope)
        curvature = (other_slope - low_slope) / (other - low)
        aim = low - low_slope / curvature
        gap = high - low
        inside = aim.clamp(low + MARGIN * gap, high - MARGIN * gap)
        outside = aim.clamp(GROWTH[0] * low, GROWTH[1] * low)
        # A slope that does not rise, or is not finite, gives nothing to aim at.
        rises = (curvature > 0) & curvature.isfinite()
        inside, outside = inside.where(rises, low + gap / 2), outside.where(rises, GROWTH[1] * low)
        step = inside.where(closed, outside)
        return LineSearch(self.value, self.slope, step, low, low_slope, high, high_slope, self.trials + 1)


def search(value: K, slope: K) -> LineSearch:
    """A search that tries the whole direction first."""
    none, infinity = torch.zeros_like(slope), torch.full_like(slope, float("inf"))
    return LineSearch(value, slope, none + 1, none, slope, infinity, infinity, none.long())
