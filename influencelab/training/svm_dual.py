"""The linear support vector machine solved exactly, through its dual, by an active set.

The minimum of J(θ) = Σ wᵢ max(0, 1 − sᵢ) + (decay / 2) ‖θ‖², with sᵢ = zᵢᵀθ and zᵢ the features times the side, is
θ = Σ αᵢ zᵢ / decay with 0 ≤ αᵢ ≤ wᵢ. Three things make it the minimum (Karush, Kuhn and Tucker): αᵢ = wᵢ where
sᵢ < 1, αᵢ = 0 where sᵢ > 1, and anything between only where sᵢ = 1. Points of the third kind are *free*.
"""

import numpy
from jaxtyping import Float
from scipy.linalg import cho_factor, cho_solve

from influencelab.training.deadline import out_of_time

# A start's margins this near to 1 are taken for free points; a wrong guess costs steps and nothing else.
GUESS = 1e-3
# A margin may miss its condition by so much, which is rounding: margins are near 1 and sums of some hundred products.
ROUNDING = 1e-10
# A point whose distance from the span of the free ones is below this share of its length lies in that span.
DEPENDENT = 1e-10

# The points zᵢ, one a row; θ; and a number of each point, such as wᵢ or αᵢ.
Points = Float[numpy.ndarray, "n d"]
Theta = Float[numpy.ndarray, " d"]
Each = Float[numpy.ndarray, " n"]


class Search:
    """A search for the free points, from the margins that θ gives; it changes with every step.

    Attributes:
        alpha: αᵢ of each point.
        steps: how often the set of free points was solved for.
    """

    def __init__(self, z: Points, bounds: Each, theta: Theta, *, decay: float) -> None:
        self.z, self.bounds, self.decay, self.steps = z, bounds, decay, 0
        s = z @ theta
        self.alpha = numpy.where(s < 1, bounds, 0.0)
        self.free = numpy.flatnonzero((numpy.abs(s - 1) <= GUESS) & (bounds > 0))
        if not independent(z[self.free]):
            self.free = self.free[:0]
        self.gram = z[self.free] @ z[self.free].T / decay
        self.alpha[self.free] = bounds[self.free] / 2
        self.update_margins()

    def run(self, *, max_steps: int) -> bool:
        """Go to the minimum, one change of the free set after another; whether every margin then meets its condition.

        Each step brings all free points to margin 1, as far as the bounds of their α allow; the first to reach its
        bound is free no more. Where none does, the point that violates its condition most becomes free.
        """
        while self.steps < max_steps and not out_of_time():
            self.steps += 1
            if self.solve_free():
                worst = self.worst()
                if worst is None:
                    return True
                self.release(worst)
        return False

    def update_margins(self) -> None:
        """Margins from α itself, so that rounding does not add up."""
        theta = self.z.T @ self.alpha / self.decay
        self.s = self.z @ theta

    def solve_free(self) -> bool:
        """Bring the free points to margin 1, or up to the first bound; whether no bound was in the way."""
        if not len(self.free):
            return True
        factor = cho_factor(self.gram, check_finite=False)
        return self.move(cho_solve(factor, 1 - self.s[self.free], check_finite=False), longest=1.0)

    def move(self, direction: Float[numpy.ndarray, " f"], *, longest: float) -> bool:
        """Change α of the free points along a direction, and bind the one that reaches its bound first."""
        here = self.alpha[self.free]
        slack = numpy.where(direction > 0, self.bounds[self.free] - here, here)
        size = numpy.abs(direction)
        with numpy.errstate(divide="ignore", invalid="ignore"):
            reach = numpy.where(size > 0, slack / size, numpy.inf)
        first = int(reach.argmin())
        step = min(longest, float(reach[first]))
        self.alpha[self.free] = numpy.clip(here + step * direction, 0, self.bounds[self.free])
        if step < longest:
            point = self.free[first]
            self.alpha[point] = self.bounds[point] if direction[first] > 0 else 0.0
            self.free = numpy.delete(self.free, first)
            self.gram = numpy.delete(numpy.delete(self.gram, first, 0), first, 1)
        self.update_margins()
        return step >= longest

    def worst(self) -> int | None:
        """The bound point whose margin is furthest on the wrong side of 1 for its α; None where all are right."""
        below = numpy.where(self.alpha < self.bounds, 1 - self.s, 0.0)
        above = numpy.where(self.alpha > 0, self.s - 1, 0.0)
        wrong = numpy.maximum(numpy.maximum(below, above), 0.0)
        wrong[self.free] = 0
        point = int(wrong.argmax())
        return point if wrong[point] > ROUNDING else None

    def release(self, point: int) -> None:
        """Free one more point; if it lies in the span of the others, swap it for the first of them to reach a bound."""
        across = self.z[self.free] @ self.z[point] / self.decay
        length = self.z[point] @ self.z[point] / self.decay
        part = cho_solve(cho_factor(self.gram, check_finite=False), across) if len(self.free) else across
        sign = 1.0 if self.alpha[point] == 0 else -1.0
        self.gram = numpy.block([[self.gram, across[:, None]], [across[None], numpy.array([[length]])]])
        self.free = numpy.append(self.free, point)
        if length - across @ part <= DEPENDENT * length:
            # α can move along here without moving θ, and the dual rises all the way to the first bound.
            self.move(sign * numpy.append(-part, 1.0), longest=numpy.inf)


def independent(rows: Float[numpy.ndarray, "f d"]) -> bool:
    """Whether there are rows, none of which is a combination of the others, beyond doubt."""
    if not 0 < len(rows) <= rows.shape[1]:
        return False
    values = numpy.linalg.eigvalsh(rows @ rows.T)
    return bool(values[0] > DEPENDENT * values[-1])


def residual(z: Points, bounds: Each, alpha: Each, theta: Theta, *, decay: float) -> float:
    """The length of a subgradient of J at θ: the shortest, where α is its own.

    A point off the bend by more than rounding has one slope only, whatever its α.
    """
    s = z @ theta
    slopes = numpy.where(s < 1 - ROUNDING, bounds, numpy.where(s > 1 + ROUNDING, 0.0, alpha))
    return float(numpy.linalg.norm(decay * theta - z.T @ slopes))
