"""The linear support vector machine solved exactly, through its dual, by an active set.

The minimum of J(θ) = Σ wᵢ max(0, 1 − sᵢ) + (decay / 2) ‖θ‖², with sᵢ = zᵢᵀθ and zᵢ the features times the side, is
θ = Σ αᵢ zᵢ / decay with 0 ≤ αᵢ ≤ wᵢ. Three things make it the minimum (Karush, Kuhn and Tucker): αᵢ = wᵢ where
sᵢ < 1, αᵢ = 0 where sᵢ > 1, and anything between only where sᵢ = 1. Points of the third kind are *free*.
"""

from dataclasses import dataclass

import numpy
from jaxtyping import Bool, Float
from scipy.linalg import cho_factor, cho_solve

# A start's margins this near to 1 are taken for free points; a wrong guess costs steps and nothing else.
GUESS = 1e-3
# A margin may miss its condition by so much, which is rounding: margins are near 1 and sums of some hundred products.
ROUNDING = 1e-10
# A point whose distance from the span of the free ones is below this share of its length lies in that span.
DEPENDENT = 1e-10


@dataclass(frozen=True, eq=False)
class Solved:
    """One machine.

    Attributes:
        alpha: αᵢ of each point.
        optimal: whether every margin meets its condition to rounding.
        steps: how often the set of free points was solved for.
    """

    alpha: Float[numpy.ndarray, " n"]
    optimal: bool
    steps: int


def solve(
    z: Float[numpy.ndarray, "n d"],
    bounds: Float[numpy.ndarray, " n"],
    theta: Float[numpy.ndarray, " d"],
    *,
    decay: float,
    max_steps: int,
) -> Solved:
    """Go from the margins that θ gives to the minimum, one change of the free set after another.

    Each step brings all free points to margin 1, as far as the bounds of their α allow; the first to reach its bound
    is free no more. Where none does, the point that violates its condition most becomes free.
    """
    search = Search(z, bounds, theta, decay=decay)
    for step in range(1, max_steps + 1):
        if search.solve_free():
            worst = search.worst()
            if worst is None:
                return Solved(search.alpha, True, step)
            search.release(worst)
    return Solved(search.alpha, False, max_steps)


class Search:
    """State of the search: it changes with every step, and lives inside `solve` only."""

    def __init__(self, z: numpy.ndarray, bounds: numpy.ndarray, theta: numpy.ndarray, *, decay: float) -> None:
        self.z, self.bounds, self.decay = z, bounds, decay
        s = z @ theta
        self.alpha = numpy.where(s < 1, bounds, 0.0)
        self.free = numpy.flatnonzero((numpy.abs(s - 1) <= GUESS) & (bounds > 0))
        if not independent(z[self.free]):
            self.free = self.free[:0]
        self.gram = z[self.free] @ z[self.free].T / decay
        self.alpha[self.free] = bounds[self.free] / 2
        self.update_margins()

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
            self.bind(first)
        self.update_margins()
        return step >= longest

    def bind(self, place: int) -> None:
        """One free point is free no more."""
        self.free = numpy.delete(self.free, place)
        self.gram = numpy.delete(numpy.delete(self.gram, place, 0), place, 1)

    def worst(self) -> int | None:
        """The bound point whose margin is furthest on the wrong side of 1; None where all are right."""
        wrong = violations(self.s, self.alpha, self.bounds)
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


def violations(
    s: Float[numpy.ndarray, " n"], alpha: Float[numpy.ndarray, " n"], bounds: Float[numpy.ndarray, " n"]
) -> Float[numpy.ndarray, " n"]:
    """How far each margin is on the wrong side of 1 for its α; 0 where it is right."""
    below = numpy.where(alpha < bounds, 1 - s, 0.0)
    above = numpy.where(alpha > 0, s - 1, 0.0)
    return numpy.maximum(numpy.maximum(below, above), 0.0)


def independent(rows: Float[numpy.ndarray, "f d"]) -> bool:
    """Whether no row is a combination of the others, beyond doubt."""
    if len(rows) > rows.shape[1]:
        return False
    if not len(rows):
        return True
    values = numpy.linalg.eigvalsh(rows @ rows.T)
    return bool(values[0] > DEPENDENT * values[-1])


def residual(
    z: Float[numpy.ndarray, "n d"],
    bounds: Float[numpy.ndarray, " n"],
    alpha: Float[numpy.ndarray, " n"],
    theta: Float[numpy.ndarray, " d"],
    *,
    decay: float,
) -> float:
    """The length of a subgradient of J at θ: the shortest, where α is its own.

    A point off the bend by more than rounding has one slope only, whatever its α.
    """
    s = z @ theta
    slopes = numpy.where(s < 1 - ROUNDING, bounds, numpy.where(s > 1 + ROUNDING, 0.0, alpha))
    return float(numpy.linalg.norm(decay * theta - z.T @ slopes))


def misplaced(
    s: Float[numpy.ndarray, "k n"], inside: Bool[numpy.ndarray, "k n"], bounds: Float[numpy.ndarray, "k n"]
) -> Bool[numpy.ndarray, "k n"]:
    """Points that were left out of a search (α = 0) and whose margins put them into it."""
    return ~inside & (bounds > 0) & (s < 1 - ROUNDING)
