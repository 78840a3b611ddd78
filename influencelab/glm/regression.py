"""Generalised linear models fitted in passes over their rows: Newton's method, by Gram matrices or products alone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy

from influencelab.errors import InvalidParameter, NotConverged, real, require, whole
from influencelab.glm.checkpoint import NOTHING, Checkpoint, check_kept
from influencelab.glm.families.binomial import Binomial
from influencelab.glm.family import Family
from influencelab.glm.newton import ARRIVED, Minimum, minimise
from influencelab.glm.objective import Objective, P
from influencelab.glm.rows import Rows, with_intercept
from influencelab.glm.table import Table
from influencelab.glm.tables.array_table import ArrayTable
from influencelab.recipe import Progress, unheard
from influencelab.runner.cluster import connection
from influencelab.summary import Summarised

__all__ = ["Regression", "regress"]

# What of a regression is found from the rows.
FOUND = ("coefficients", "n", "weight", "loss", "grad_norm", "left", "converged", "steps", "pearson", "pull")


@dataclass(frozen=True, eq=False, repr=False)
class Regression(Summarised):
    """A model at the minimum of J(β) = Σ wᵢ ℓᵢ(β) / Σ wᵢ + (weight_decay / 2) ‖Pβ‖², ℓ half the unit deviance.

    Attributes:
        table: the rows.
        family: of the responses.
        weight_decay: of all coefficients but the intercept.
        intercept: whether the last coefficient is one.
        coefficients: β.
        n: rows.
        weight: Σ wᵢ.
        loss: J, in nats a row.
        grad_norm: ‖∇J‖.
        left: how far Newton's next step would change the linear predictors, by root mean square in the curvature's
            weights, as a share of √J.
        converged: whether that is next to nothing.
        steps: that were taken.
        pearson: Σ wᵢ (y − μ)² / V(μ).
        frequencies: whether a weight is a number of equal rows.
        pull: l1 times the sign of each coefficient, added to ∇J, where there is an absolute penalty.
    """

    table: Table
    family: Family
    weight_decay: float
    intercept: bool
    coefficients: P
    n: int
    weight: float
    loss: float
    grad_norm: float
    left: float
    converged: bool
    steps: int
    pearson: float
    frequencies: bool = False
    pull: P | float = 0.0

    @property
    def p(self) -> int:
        """Coefficients, the intercept among them."""
        return len(self.coefficients)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the coefficients, where the table has any."""
        named = self.table.columns
        return (*named, "intercept") if named and self.intercept else named

    @property
    def degrees(self) -> float:
        """Degrees of freedom of residuals: rows, or Σ wᵢ where weights are frequencies, less coefficients."""
        return (self.weight if self.frequencies else self.n) - self.p

    @property
    def dispersion(self) -> float:
        """φ: 1 where the family says so, else Pearson's, Σ wᵢ (y − μ)² / V(μ) / (n − p)."""
        return 1.0 if self.family.fixed_dispersion else self.pearson / max(1, self.degrees)

    def check_converged(self) -> None:
        """Refuse a model at no minimum.

        Raises:
            NotConverged: the message says how far off it is.
        """
        if not self.converged:
            raise NotConverged(
                f"The regression did not converge: ‖∇J‖ is {self.grad_norm:.1e}. Raise max_steps or add weight_decay."
            )

    def rows(self, given: Rows) -> Rows:
        """A chunk as the coefficients see it."""
        return with_intercept(given) if self.intercept else given

    def summary(self) -> Mapping[str, str]:
        """What was fitted, and how well."""
        return {
            "family": f"{type(self.family).__name__}, {type(self.family.link).__name__}",
            "rows": f"{self.n:,}",
            "coefficients": f"{self.p:,}",
            "loss": f"{self.loss:.6g} nats a row",
            "gradient": f"{self.grad_norm:.1e}" + ("" if self.converged else ", not converged"),
        }


def regress(
    X: Any,
    y: Any = None,
    *,
    family: Family | None = None,
    weights: Any = None,
    offsets: Any = None,
    weight_decay: float = 0.0,
    intercept: bool = True,
    frequencies: bool = False,
    max_steps: int = 100,
    workers: int = 0,
    scheduler: str = "",
    progress: Progress = unheard,
    kept: Checkpoint = NOTHING,
) -> Regression:
    """Fit a generalised linear model to rows in memory or on disk.

    Args:
        X: features (n p): an array, a frame or a sparse matrix; or a `Table`, which brings everything along.
        y: responses.
        family: of the responses, with its link; by default `Binomial()`.
        weights: of each row.
        offsets: a fixed part of each linear predictor.
        weight_decay: strength of the penalty beside the mean loss; scikit-learn's `alpha` of a PoissonRegressor, and
            1 / (C n) of a LogisticRegression.
        intercept: whether there is one; it is not penalised.
        frequencies: whether a weight is a number of equal rows, which the dispersion then counts; coefficients are the
            same either way.
        max_steps: of Newton's method, each of which reads all rows once or more; with more than 8,192 coefficients
            some dozen times, for conjugate gradients.
        workers: threads; 0 for one a core.
        scheduler: the address of a dask scheduler, such as `tcp://10.0.0.1:8786`, whose workers do the work instead.
        progress: told of each pass.
        kept: where each step is kept, so that a call that was interrupted goes on from there.

    Raises:
        InvalidData: rows that cannot be used, named; columns that others make up, where nothing is penalised.
        NotConverged: there is no minimum, as where two classes are separable.
        Unavailable: no scheduler is there, or its workers keep dying.
        InvalidParameter, WrongType: other arguments.
    """
    family = Binomial() if family is None else family
    require(family, Family, what="family", cure="Give one such as il.Poisson().")
    weight_decay = checked(weight_decay, intercept=intercept)
    require(frequencies, bool, what="frequencies", cure="Give True or False.")
    table = X if isinstance(X, Table) else ArrayTable(X, y, weights, offsets)
    if table is X and not (y is None and weights is None and offsets is None):
        raise InvalidParameter("y, weights and offsets are part of a table. Give them to it.")
    workers = whole(workers, what="workers", least=0)
    max_steps = whole(max_steps, what="max_steps", least=1)
    check_kept(kept)
    model: Any = {"table": table, "family": family, "weight_decay": weight_decay, "intercept": intercept}
    if before := kept.load("fit"):
        facts: Any = {name: each if each.ndim else each.item() for name, each in before.items()}
        return Regression(**model, **facts, frequencies=frequencies)
    with connection(scheduler) as client:
        objective = Objective.of(**model, workers=workers, progress=progress, client=client)
        found = regression_at(objective, minimise(objective, max_steps=max_steps, kept=kept), frequencies=frequencies)
    kept.keep("fit", **{name: numpy.asarray(getattr(found, name)) for name in FOUND})
    return found


def checked(weight_decay: Any, *, intercept: Any) -> float:
    """Settings of any regression, refused where they are none; weight decay as a number."""
    require(intercept, bool, what="intercept", cure="Give True or False.")
    expected = "a finite number ≥ 0"
    weight_decay = real(weight_decay, what="weight_decay", expected=expected)
    if not 0 <= weight_decay < math.inf:
        raise InvalidParameter(f"weight_decay is {weight_decay:g}, expected {expected}.")
    return weight_decay


def regression_at(objective: Objective, found: Minimum, *, frequencies: bool) -> Regression:
    """The regression that ended there."""
    own = ("table", "family", "weight_decay", "intercept", "n", "weight", "pull")
    return Regression(
        **{name: getattr(objective, name) for name in own},
        coefficients=found.place.coefficients,
        loss=found.place.loss,
        grad_norm=float(numpy.linalg.norm(found.place.gradient)),
        left=found.left,
        converged=found.left <= ARRIVED,
        steps=found.steps,
        pearson=found.place.pearson,
        frequencies=frequencies,
    )
