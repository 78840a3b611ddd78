"""Leave-one-out cross-validation of ridge regression in closed form, and what each observation does to its penalty.

Ridge minimises ‖y − Xβ‖² + λ‖β‖²; without observation i, at the same λ, it misses yᵢ by rᵢ = eᵢ / (1 − hᵢ). The
criterion Σᵢ wᵢ rᵢ(λ)² has its minimum at λ̂(w) (Hellton, Lingjærde and De Bin 2024). All is a function of log λ.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy
from jaxtyping import Float

from influencelab.errors import InvalidData, InvalidParameter, InvalidWeights

INTERCEPTS = ("free", "penalised", "none")
# Singular values that are a smaller share of the largest are rounding.
ROUNDING = 1e-10
# The grid of log λ: its step, and how far beyond the smallest and largest squared singular value it goes.
STEP, BEYOND = 0.25, 14.0
TOLERANCE, STEPS = 1e-12, 80
# Of the bend with all observations: below this share Newton's step without one is not taken.
FLAT = 0.1


class Parts(NamedTuple):
    """A quantity of each observation at b penalties, and its first two derivatives by log λ."""

    value: Float[numpy.ndarray, "b n"]
    first: Float[numpy.ndarray, "b n"]
    second: Float[numpy.ndarray, "b n"]


@dataclass(frozen=True, eq=False)
class Criterion:
    """One regression, seen through the singular values of its design.

    Attributes:
        u: left singular vectors of the design, centred where the intercept is free.
        d: its singular values, descending, without those that are 0.
        v: its right singular vectors.
        z: uᵀy.
        left: what of each y no direction of the design explains: the residual at λ = 0.
        room: 1 − leverage at λ = 0.
        centre: the share 1/n that a free intercept adds to every leverage, or 0.
        means: of the columns and of y, where the intercept is free; else 0.
        intercept: how it is treated.
    """

    u: Float[numpy.ndarray, "n k"]
    d: Float[numpy.ndarray, " k"]
    v: Float[numpy.ndarray, "q k"]
    z: Float[numpy.ndarray, " k"]
    left: Float[numpy.ndarray, " n"]
    room: Float[numpy.ndarray, " n"]
    centre: float
    means: tuple[Float[numpy.ndarray, " p"], float]
    intercept: str

    @property
    def n(self) -> int:
        """The number of observations."""
        return len(self.u)

    @property
    def grid(self) -> Float[numpy.ndarray, " g"]:
        """Values of log λ at which the minimum is looked for, before it is refined."""
        low, high = 2 * numpy.log(self.d[[-1, 0]])
        return numpy.arange(low - BEYOND, high + BEYOND + STEP, STEP)

    def kept(self, log_penalty: Float[numpy.ndarray, " b"]) -> Float[numpy.ndarray, "b k"]:
        """λ / (d² + λ): the share of each direction that the penalty keeps out of the fit."""
        return 1 / (1 + numpy.exp(2 * numpy.log(self.d) - log_penalty[:, None]))

    def parts(self, log_penalty: Float[numpy.ndarray, " b"]) -> tuple[Parts, Parts]:
        """Residuals eᵢ and rooms 1 − hᵢ, with their derivatives by log λ."""
        g = self.kept(log_penalty)
        slopes = (g, g * (1 - g), g * (1 - g) * (1 - 2 * g))
        residual = [(each * self.z) @ self.u.T for each in slopes]
        room = [each @ (self.u**2).T for each in slopes]
        return Parts(self.left + residual[0], *residual[1:]), Parts(self.room + room[0], *room[1:])

    def squares(self, log_penalty: Float[numpy.ndarray, " b"]) -> Parts:
        """The squared leave-one-out residuals rᵢ², with their derivatives by log λ."""
        r = self.held_out(log_penalty)
        return Parts(r.value**2, 2 * r.value * r.first, 2 * (r.first**2 + r.value * r.second))

    def held_out(self, log_penalty: Float[numpy.ndarray, " b"]) -> Parts:
        """How far each observation lies above what the others predict for it, rᵢ = eᵢ / (1 − hᵢ)."""
        (e, e1, e2), (m, m1, m2) = self.parts(log_penalty)
        r = e / m
        first = (e1 - r * m1) / m
        return Parts(r, first, (e2 - 2 * first * m1 - r * m2) / m)

    def limits(self) -> Float[numpy.ndarray, "2 n"]:
        """The squared leave-one-out residuals at λ = 0 and at λ = ∞."""
        if self.room.any():
            without = self.left / self.room
        else:  # as many directions as observations: residual and room vanish together, each like λ
            without = (self.u @ (self.z / self.d**2)) / (self.u**2 @ (1 / self.d**2))
        full = (self.left + self.u @ self.z) / (1 - self.centre)
        return numpy.stack([without, full]) ** 2

    def minimise(self, weights: numpy.ndarray) -> Float[numpy.ndarray, " b"]:
        """log λ̂ for each row of weights (b n) in the sum: the global minimum; −∞ where it is at λ = 0, ∞ at λ = ∞.

        Raises:
            InvalidWeights: of another shape, negative, not finite, or all 0 in a row.
        """
        usable = weights.ndim == 2 and weights.shape[1] == self.n and numpy.isfinite(weights).all()
        if not usable or (weights < 0).any() or (weights.sum(1) <= 0).any():
            raise InvalidWeights(
                f"weights have shape {weights.shape}, expected (b, {self.n}): finite, none negative, some above 0."
            )
        grid = self.grid
        values = weights @ self.squares(grid).value.T
        best = values.argmin(1)
        ends = weights @ self.limits().T
        least = values.min(1)
        inside = (best > 0) & (best < len(grid) - 1) & (least < ends.min(1))
        found = numpy.where(ends[:, 0] <= ends[:, 1], -numpy.inf, numpy.inf)
        found[inside] = self.refined(weights[inside], grid[best[inside]])
        return found

    def refined(
        self, weights: Float[numpy.ndarray, "b n"], start: Float[numpy.ndarray, " b"]
    ) -> Float[numpy.ndarray, " b"]:
        """The stationary points within one step of the grid: Newton's steps, halved intervals where one leaves them."""
        t, low, high = start, start - STEP, start + STEP
        for _ in range(STEPS):
            _, first, second = (numpy.einsum("bn,bn->b", weights, each) for each in self.squares(t))
            high, low = numpy.where(first > 0, t, high), numpy.where(first > 0, low, t)
            with numpy.errstate(divide="ignore", invalid="ignore"):
                newton = t - first / second
            usable = (second > 0) & (newton > low) & (newton < high)
            moved = numpy.where(usable, newton, (low + high) / 2)
            done = numpy.abs(moved - t).max(initial=0.0) <= TOLERANCE * (1 + numpy.abs(t).max(initial=0.0))
            t = moved
            if done:
                break
        return t

    def tuned(self) -> float:
        """log λ̂ with equal weights."""
        return float(self.minimise(numpy.ones((1, self.n)))[0])

    def stationarity(self, log_penalty: float) -> float:
        """The length of Newton's next step in log λ: 0 at the minimum."""
        _, first, second = (each.sum() for each in self.squares(numpy.array([log_penalty])))
        return float(abs(first / second))

    def weight_slopes(self, log_penalty: float) -> Float[numpy.ndarray, " n"]:
        """d log λ̂ / dwⱼ of each observation's weight in the sum alone, at the minimum with equal weights.

        Stationarity gives −∂rⱼ² / Σᵢ ∂²rᵢ²: positive for a shrinker, whose residual falls as the penalty grows.
        """
        squares = self.squares(numpy.array([check_inside(log_penalty)]))
        return -squares.first[0] / squares.second.sum()

    def deletion_slopes(self, log_penalty: float) -> Float[numpy.ndarray, " n"]:
        """d log λ̂ / dwⱼ where the weight acts in every fit of the criterion too, so that −1 of it is a deletion.

        In a fit with weights, ∂eᵢ/∂wⱼ = −hᵢⱼ eⱼ and ∂hᵢᵢ/∂wⱼ = −hᵢⱼ²; rᵢ does not depend on wᵢ.
        """
        at = numpy.array([check_inside(log_penalty)])
        (e, e1, _), (m, m1, _) = (Parts(*(each[0] for each in part)) for part in self.parts(at))
        r, r1, _ = (each[0] for each in self.held_out(at))
        g = self.kept(at)[0]
        h = self.centre + (self.u * (1 - g)) @ self.u.T
        h1 = -(self.u * (g * (1 - g))) @ self.u.T
        away = 1 - numpy.eye(self.n)
        # m r = e, so that m ∂ⱼr = ∂ⱼe − r ∂ⱼm; both sides by log λ once more.
        moved = -h * e - r[:, None] * h**2
        moved1 = -(h1 * e + h * e1) - r1[:, None] * h**2 - 2 * r[:, None] * h * h1
        own = away * moved / m[:, None]
        own1 = away * (moved1 - m1[:, None] * moved / m[:, None]) / m[:, None]
        through_fits = 2 * (r1 @ own + r @ own1)
        squares = self.squares(at)
        return -(squares.first[0] + through_fits) / squares.second.sum()

    def deletion_steps(self, log_penalty: float) -> Float[numpy.ndarray, " n"]:
        """The change of log λ by Newton's step in λ from λ̂, on the exact criterion without each observation.

        Without i and j, at one λ, yᵢ is missed by (eᵢ mⱼ + hᵢⱼ eⱼ) / (mᵢ mⱼ − hᵢⱼ²) with mᵢ = 1 − hᵢ. −∞ where
        the step leads to λ ≤ 0; NaN where that criterion bends less than a tenth as much at λ̂, so that it could lead
        anywhere.
        """
        at = numpy.array([check_inside(log_penalty)])
        (e, e1, e2), (m, m1, m2) = (Parts(*(each[0] for each in part)) for part in self.parts(at))
        g = self.kept(at)[0]
        shares = (1 - g, -g * (1 - g), -g * (1 - g) * (1 - 2 * g))
        h, h1, h2 = ((self.u * each) @ self.u.T for each in shares)
        h = h + self.centre
        # Numerator and denominator for i down and j across, and both by log λ.
        above = numpy.outer(e, m) + h * e
        above1 = numpy.outer(e1, m) + numpy.outer(e, m1) + h1 * e + h * e1
        above2 = numpy.outer(e2, m) + 2 * numpy.outer(e1, m1) + numpy.outer(e, m2) + h2 * e + 2 * h1 * e1 + h * e2
        below = numpy.outer(m, m) - h**2
        below1 = numpy.outer(m1, m) + numpy.outer(m, m1) - 2 * h * h1
        below2 = numpy.outer(m2, m) + 2 * numpy.outer(m1, m1) + numpy.outer(m, m2) - 2 * (h1**2 + h * h2)
        numpy.fill_diagonal(below, 1.0)
        r = above / below
        r1 = (above1 - r * below1) / below
        r2 = (above2 - 2 * r1 * below1 - r * below2) / below
        away = 1 - numpy.eye(self.n)
        slope, bend = (away * r * r1).sum(0), (away * (r1**2 + r * r2)).sum(0)
        # By λ itself: λ² times the second derivative is that by log λ less the first.
        bend = bend - slope
        usable = bend > FLAT * self.squares(at).second.sum() / 2
        share = numpy.maximum(-slope / numpy.where(usable, bend, numpy.nan), -1.0)
        with numpy.errstate(divide="ignore"):
            return numpy.log1p(share)

    def cook(self, log_penalty: float) -> Float[numpy.ndarray, " n"]:
        """Leverage times squared residual over (1 − leverage)²: Cook's distance but for a factor that all share."""
        (e, *_), (m, *_) = self.parts(numpy.array([log_penalty]))
        return ((1 - m) * (e / m) ** 2)[0]

    def degrees_of_freedom(self, log_penalty: Float[numpy.ndarray, " b"]) -> Float[numpy.ndarray, " b"]:
        """Σ d² / (d² + λ), and 1 for a free intercept."""
        return (1 - self.kept(log_penalty)).sum(1) + (self.intercept == "free")

    def predictions(self, x: Float[numpy.ndarray, "m p"], log_penalty: float) -> Float[numpy.ndarray, " m"]:
        """What the fit with all observations predicts for other points."""
        kept = self.kept(numpy.array([log_penalty]))[0]
        beta = self.v @ ((1 - kept) / self.d * self.z)
        return (with_ones(x) if self.intercept == "penalised" else x - self.means[0]) @ beta + self.means[1]


def criterion(x: numpy.ndarray, y: numpy.ndarray, *, intercept: str = "free") -> Criterion:
    """The criterion of one regression.

    Args:
        x: observations by covariates (n p), standardised as they are to be penalised.
        y: responses (n).
        intercept: `free` has no penalty (both sides are centred); `penalised` is one more column of ones with the
            penalty of all, as the authors' package has it; `none`.

    Raises:
        InvalidParameter: another word for the intercept.
        InvalidData: fewer than three observations, unequal lengths, values that are not finite, no covariate that
            varies, or an observation that alone decides a coefficient.
    """
    if intercept not in INTERCEPTS:
        raise InvalidParameter(f"intercept is '{intercept}', expected one of {', '.join(INTERCEPTS)}.")
    if x.ndim != 2 or y.shape != x.shape[:1] or len(y) < 3:
        raise InvalidData(f"x has shape {x.shape} and y {y.shape}; give three or more observations, one y a row of x.")
    if not (numpy.isfinite(x).all() and numpy.isfinite(y).all()):
        raise InvalidData("x or y holds NaN or infinite values; leave those observations out.")
    free, n = intercept == "free", len(y)
    means = (x.mean(0), float(y.mean())) if free else (numpy.zeros(x.shape[1]), 0.0)
    design, response = (with_ones(x) if intercept == "penalised" else x - means[0]), y - means[1]
    u, d, vt = numpy.linalg.svd(design, full_matrices=False)
    some = d > ROUNDING * numpy.linalg.norm(x) if d.size else numpy.zeros(0, dtype=bool)
    if not some.any():
        raise InvalidData("No covariate varies, so that a penalty changes nothing. Give at least one that does.")
    u, d, v = u[:, some], d[some], vt[some].T
    z, centre = u.T @ response, 1 / n if free else 0.0
    if len(d) + free >= n:
        left, room = numpy.zeros((2, n))
    else:
        left, room = response - u @ z, 1 - centre - (u**2).sum(1)
        if (room < ROUNDING).any():
            row = int(room.argmin())
            raise InvalidData(f"Observation {row} alone decides a coefficient: no fit without it predicts it. Drop it.")
    return Criterion(u, d, v, z, left, room, centre, means, intercept)


def with_ones(x: Float[numpy.ndarray, "n p"]) -> Float[numpy.ndarray, "n q"]:
    """The covariates with a first column of ones."""
    return numpy.column_stack([numpy.ones(len(x)), x])


def check_inside(log_penalty: float) -> float:
    """Refuse to take a derivative where the minimum is at the end of all penalties."""
    if not numpy.isfinite(log_penalty):
        end = "0" if log_penalty < 0 else "∞"
        raise InvalidParameter(f"The penalty is {end}, where its logarithm has no derivative. Ask where it is finite.")
    return log_penalty
