"""Regressions with an absolute penalty, as smooth ones on the coefficients that are not 0."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy
import scipy.sparse
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from influencelab.errors import InvalidData, InvalidParameter, NotConverged, WrongType, named, real, require, whole
from influencelab.glm.deletion import RowDeletions
from influencelab.glm.families.binomial import Binomial
from influencelab.glm.families.gaussian import Gaussian
from influencelab.glm.family import Family
from influencelab.glm.links.identity_link import IdentityLink
from influencelab.glm.newton import Minimum, minimise
from influencelab.glm.objective import Objective, P
from influencelab.glm.passes import summed
from influencelab.glm.regression import Regression, checked, regression_at
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table, rows_at
from influencelab.glm.tables.array_table import ArrayTable
from influencelab.recipe import Progress, unheard

__all__ = ["ActiveColumns", "signs_kept", "sparse_regression"]

# How far beyond l1, as a share of it, rounding may bring the slope of a coefficient of 0.
EXACT = 1e-6
# So many coefficients may go to 0 or leave it on the way from scikit-learn's minimum to the last digits of it.
ROUNDS, STEPS = 500, 100


@dataclass(frozen=True, eq=False)
class ActiveColumns(Table):
    """Some columns of a table.

    Attributes:
        whole: the table.
        places: of its columns that are left.
    """

    whole: Table
    places: Int[ndarray, " k"]

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""
        named = self.whole.columns
        return tuple(named[each] for each in self.places.tolist()) if named else ()

    def chunks(self) -> Iterator[Rows]:
        """All rows in these columns."""
        return (replace(rows, x=rows.x[:, self.places]) for rows in self.whole.chunks())


def sparse_regression(
    X: Any,
    y: Any = None,
    *,
    l1: float,
    coefficients: Any = None,
    family: Family | None = None,
    weights: Any = None,
    offsets: Any = None,
    weight_decay: float = 0.0,
    intercept: bool = True,
    workers: int = 0,
    progress: Progress = unheard,
) -> Regression:
    """Fit with the penalty l1 ‖β‖₁ beside the mean loss; the result has the columns whose coefficients are not 0 alone.

    scikit-learn finds which these are (its Lasso, ElasticNet or LogisticRegression), or a fit of anyone's; Newton's
    method then brings them to the minimum, and one pass over all columns proves that it is one. Leverage, Cook's
    distance, deletions and sketches of the result are on these columns with their signs held: `result.table.places`
    says which they are, and `signs_kept` for which rows a model without the row holds them too.

    Args:
        X: features, or a `Table`; `y`, `family`, `weights`, `offsets`, `weight_decay` and `intercept` as in `regress`.
        l1: strength of the absolute penalty; scikit-learn's `alpha` of a Lasso, and 1 / (C n) of a LogisticRegression.
        coefficients: of a fitted model, all of them, the intercept last; needed where scikit-learn has no such fit.
        workers: threads; 0 for one a core.
        progress: told of each pass.

    Raises:
        InvalidData: all coefficients are 0 under this penalty; rows that cannot be used.
        InvalidParameter: settings of which scikit-learn has no fit, and no coefficients.
        NotConverged: the coefficients given lead to no minimum.
    """
    weight_decay = checked(weight_decay, intercept=intercept)
    l1 = real(l1, what="l1", expected="a finite number > 0")
    if not 0 < l1 < math.inf:
        raise InvalidParameter(f"l1 is {l1:g}, expected a finite number > 0. il.regress fits without it.")
    family = Binomial() if family is None else family
    require(family, Family, what="family", cure="Give one such as il.Poisson().")
    table = X if isinstance(X, Table) else ArrayTable(X, y, weights, offsets)
    workers = whole(workers, what="workers", least=0)
    objective = Objective.of(table, family, weight_decay, intercept=intercept, workers=workers, progress=progress)
    given = of_scikit_learn(objective, l1) if coefficients is None else coefficients
    try:
        start = numpy.asarray(given, dtype=float).ravel()
    except (TypeError, ValueError) as error:
        raise WrongType(f"coefficients are {named(given)}, expected numbers, one a column.") from error
    if len(start) != objective.p or not numpy.isfinite(start).all():
        raise InvalidParameter(
            f"coefficients are {len(start):,} numbers, expected {objective.p:,} finite ones: one a column"
            f"{', and the intercept last' if intercept else ''}."
        )
    return regression_at(*settled(objective, l1, start), frequencies=False)


def settled(whole_objective: Objective, l1: float, start: P) -> tuple[Objective, Minimum]:
    """The minimum in all coefficients, from some near it, and the objective on those that are not 0.

    At a minimum on some signs the coefficient of 0 whose slope exceeds l1 by most is let go; on the way to one a
    coefficient whose sign would turn stops at 0. J falls at each, so that no pattern comes twice.
    """
    width = whole_objective.p - whole_objective.intercept
    at, signs = start.copy(), numpy.sign(start[:width])
    own: Any = None
    found: Any = None
    for _ in range(ROUNDS):
        active = numpy.flatnonzero(signs)
        taken = numpy.append(active, width) if whole_objective.intercept else active
        if len(taken):
            own = on_signs(whole_objective, active, l1 * signs[active])
            found = minimise(own, max_steps=STEPS, coefficients=at[taken])
            there = found.place.coefficients
            turned = there[: len(active)] * signs[active] <= 0
            if turned.any():
                stop_at_zero(at, signs, active, taken, there, turned)
                continue
            at[taken] = there
        smooth = whole_objective.place(at, curved=False).gradient[:width]
        over = numpy.where(signs == 0, abs(smooth) - l1, -numpy.inf)
        worst = int(over.argmax())
        if over[worst] <= EXACT * l1 and len(active):
            return own, found
        if over[worst] <= EXACT * l1:
            raise InvalidData(f"All coefficients are 0 where l1 is {l1:g}. Take one below {abs(smooth).max():.3g}.")
        signs[worst] = -numpy.sign(smooth[worst])
    raise NotConverged(
        f"After {ROUNDS} changes of which coefficients are 0 there is no minimum. Give coefficients of a fit that "
        "converged, or take a stronger penalty."
    )


def stop_at_zero(
    at: P, signs: Float[ndarray, " d"], active: ndarray, taken: ndarray, there: Float[ndarray, " a"], turned: ndarray
) -> None:
    """Go to the first place on the way where a coefficient is 0, and leave it at that."""
    before, after = at[active], there[: len(active)]
    share = numpy.where(turned, abs(before) / numpy.maximum(abs(before - after), 1e-300), numpy.inf)
    first = int(share.argmin())
    at[taken] += share[first] * (there - at[taken])
    at[active[first]] = signs[active[first]] = 0.0


def on_signs(objective: Objective, active: ndarray, pull: Float[ndarray, " k"]) -> Objective:
    """The objective on some columns, with the signs of their coefficients held."""
    table = ActiveColumns(objective.table, active)
    pulls = numpy.append(pull, 0.0) if objective.intercept else pull
    return replace(objective, table=table, p=len(pulls), pull=pulls)


def of_scikit_learn(objective: Objective, l1: float) -> P:
    """The coefficients of scikit-learn's own fit.

    Raises:
        InvalidParameter: there is none of such a family, or with offsets.
    """
    from sklearn.linear_model import ElasticNet, LogisticRegression  # takes a second to load

    chunks = list(objective.table.chunks())
    y, weights, offsets = (
        numpy.concatenate([getattr(each, of) for each in chunks]) for of in ("y", "weights", "offsets")
    )
    stack = numpy.vstack if isinstance(chunks[0].x, ndarray) else scipy.sparse.vstack
    x: Any = stack([each.x for each in chunks])
    x = x if isinstance(x, ndarray) else scipy.sparse.csr_matrix(x)
    total = l1 + objective.weight_decay
    settings: Any = {"l1_ratio": l1 / total, "fit_intercept": objective.intercept}
    family = objective.family
    if isinstance(family, Gaussian) and isinstance(family.link, IdentityLink):
        y, estimator = y - offsets, ElasticNet(alpha=total, tol=1e-8, max_iter=10_000, **settings)
    elif family == Binomial() and not offsets.any() and numpy.isin(y, (0.0, 1.0)).all():
        solver = "saga" if objective.weight_decay else "liblinear"
        own: Any = {"C": 1 / (total * objective.weight), "solver": solver, "random_state": 0}
        # liblinear penalises the intercept, which a large constant feature makes harmless.
        own |= {"tol": 1e-6, "max_iter": 10_000, "intercept_scaling": 100.0}
        estimator = LogisticRegression(**own, **settings)
    else:
        raise InvalidParameter(
            f"scikit-learn has no fit of {type(family).__name__} with {type(family.link).__name__} and an absolute "
            "penalty for such responses and offsets. Give coefficients of a fit by other means."
        )
    with warnings.catch_warnings():
        # Where it ends short of the minimum, Newton's method goes on.
        warnings.simplefilter("ignore")
        estimator.fit(x, y, sample_weight=weights)
    return numpy.append(numpy.ravel(estimator.coef_), numpy.ravel(estimator.intercept_)[: int(objective.intercept)])


def signs_kept(deletions: RowDeletions) -> Bool[ndarray, " r"]:
    """For which rows the model without the row has the same coefficients at 0, and the same signs of all others.

    Elsewhere a refit differs from the deletion, which holds them.
    """
    require(deletions, RowDeletions, what="deletions", cure="Make some: il.row_deletions(regression).")
    regression = deletions.regression
    table, pull = regression.table, numpy.asarray(regression.pull)
    if not isinstance(table, ActiveColumns):
        raise InvalidParameter("The regression has no absolute penalty. Fit one: il.sparse_regression(X, y, l1=0.01).")
    coefficients = regression.coefficients - deletions.changes
    l1 = float(abs(pull).max())
    kept = numpy.where(pull == 0, True, coefficients * pull > 0).all(1)
    own = rows_at(table.whole, deletions.rows)

    def of(given: Rows) -> tuple[Float[ndarray, "d r"]]:
        rows = regression.rows(replace(given, x=given.x[:, table.places]))
        predictor = rows.x @ coefficients.T + rows.offsets[:, None]
        score = regression.family.working(rows.y[:, None], predictor).score
        return (numpy.asarray(given.x.T @ (rows.weights[:, None] * score), dtype=float),)

    (pulled,) = summed(of(given) for given in table.whole.chunks())
    alone = regression.rows(replace(own, x=own.x[:, table.places]))
    predictor = numpy.einsum("rp,rp->r", alone.x, coefficients) + alone.offsets
    score = alone.weights * regression.family.working(alone.y, predictor).score
    slopes = abs(numpy.asarray(pulled).T - score[:, None] * own.x) / regression.weight
    held = numpy.ones(slopes.shape[1], dtype=bool)
    held[table.places] = False
    return kept & (slopes[:, held] <= l1 * (1 + EXACT)).all(1)
