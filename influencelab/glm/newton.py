"""Newton's method for generalised linear models, safeguarded, one or two passes over the rows a step."""

from typing import NamedTuple

import numpy
import scipy.linalg
from jaxtyping import Float
from numpy import ndarray

from influencelab.errors import InvalidData, NotConverged
from influencelab.glm.checkpoint import NOTHING, Checkpoint
from influencelab.glm.conjugate_gradients import conjugate_gradients
from influencelab.glm.objective import PP, Objective, P, Place
from influencelab.glm.twins import check_columns, check_twins
from influencelab.threads import by_size

# A fit has arrived where Newton's next step changes the linear predictors by this share of √J at most.
ARRIVED = 1e-9
# Steps are halved so often until J descends, by this share of what the slope promises; rounding of J, in its digits.
HALVINGS, DESCENT, ROUNDING = 40, 1e-4, 64
# A pivot below this share of its column's own diagonal is rounding: the column is made of others.
RANK = 1e-11
# Along the tail of a loss each step moves some predictor by 1, however little J is left to fall; at a minimum by none.
FAR = 0.01
# Products of conjugate gradients in a step at most, and what they may leave of ∇J: as much as the step before left of
# the way, within these bounds.
PRODUCTS, LEAST, MOST = 2000, 1e-3, 0.1


class Minimum(NamedTuple):
    """Where it ended.

    Attributes:
        place: J and its derivatives there.
        left: how far the next step would go, as a share of √J.
        steps: that were taken.
    """

    place: Place
    left: float
    steps: int


def minimise(
    objective: Objective, *, max_steps: int, coefficients: P | None = None, kept: Checkpoint = NOTHING
) -> Minimum:
    """Steps until one changes next to nothing, or J no longer falls for rounding; from some coefficients, if given.

    The last step is kept.

    Raises:
        InvalidData: columns that others make up, where nothing is penalised.
        NotConverged: there is no minimum.
    """
    if not objective.dense and objective.weight_decay == 0 and objective.p > objective.n:
        raise InvalidData(
            f"There are {objective.p:,} coefficients and {objective.n:,} rows, so that many fit equally well. Add "
            "weight_decay."
        )
    if not objective.dense and objective.weight_decay == 0:
        check_twins(objective)
    before = kept.load("step")
    coefficients = before["coefficients"] if before else coefficients
    place = start(objective) if coefficients is None else objective.place(coefficients)
    steps, left = (int(before["steps"]), float(before["left"])) if before else (0, MOST)
    step, left = direction(objective, place, left)
    while left > ARRIVED and steps < max_steps:
        if place.margin > 0 and objective.weight_decay == 0 and not numpy.any(objective.pull):
            raise NotConverged(
                "There is no minimum: the columns separate the two classes, so that coefficients grow for ever. Add "
                "weight_decay, or drop the column that gives the class away."
            )
        there = descend(objective, place, step)
        if there is None:
            break
        steps += 1
        place = there
        kept.keep("step", coefficients=place.coefficients, steps=numpy.array(steps), left=numpy.array(left))
        step, left = direction(objective, place, left)
    stopped = steps == max_steps and left > ARRIVED
    if not stopped and objective.farthest(step) > FAR:
        worst = int(abs(step).argmax())
        raise NotConverged(
            f"There is no minimum: after {steps} steps coefficients still grow, most that of {objective.name(worst)}, "
            "as where some columns separate a part of the classes, or counts of 0. Add weight_decay, or drop it."
        )
    return Minimum(place, left, steps)


def start(objective: Objective) -> Place:
    """The model of the mean response alone; without an intercept one step of iterated least squares.

    Raises:
        NotConverged: some row then has no mean.
    """
    family, coefficients = objective.family, numpy.zeros(objective.p)
    if objective.intercept:
        coefficients[-1] = family.link.predictor(family.start(numpy.full(1, objective.mean)))[0]
    place = objective.place(coefficients)
    if not objective.intercept and not numpy.isfinite(place.loss):
        place = objective.place(least_squares(objective))
    if not numpy.isfinite(place.loss):
        raise NotConverged(
            "No coefficients were found from which every row has a mean. Take another link, such as LogLink, or an "
            "intercept, or look for offsets of another size."
        )
    return place


def least_squares(objective: Objective) -> P:
    """The coefficients that come nearest to means between each response and all."""
    gram, pulled = objective.first_step()
    if gram is None:
        diagonal, product = objective.products(lambda given: objective.aimed(given)[1])
        check_columns(objective, diagonal)
        return conjugate_gradients(product, diagonal, pulled[:, None], tolerance=LEAST, most=PRODUCTS).solution[:, 0]
    factor = factored(gram)
    if factor is None:
        raise dependent(objective, gram)
    return solved(factor, pulled)


def descend(objective: Objective, place: Place, step: P) -> Place | None:
    """The place after a step, halved until J falls; None where it falls no more but for rounding."""
    slope, length = float(step @ place.gradient), 1.0
    noise = ROUNDING * numpy.finfo(float).eps * abs(place.loss)
    for _ in range(HALVINGS):
        there = objective.place(place.coefficients + length * step)
        if there.loss <= place.loss + DESCENT * length * slope:
            return there
        if numpy.isfinite(there.loss) and -length * slope <= noise:
            shorter = numpy.linalg.norm(there.gradient) < numpy.linalg.norm(place.gradient)
            return there if shorter else None
        length /= 2
    return None


def direction(objective: Objective, place: Place, before: float = MOST) -> tuple[P, float]:
    """Newton's step, and how far it goes: √(stepᵀ H step / J); `before` is how far the last one went."""
    if place.gram is None:
        return by_products(objective, place, min(max(before, LEAST), MOST))
    gram, factor = place.gram, factored(place.gram)
    if factor is None:
        # Far from a minimum responses may bend J the other way: their mean does not.
        gram = objective.place(place.coefficients, observed=False).gram
        factor = None if gram is None else factored(gram)
    if gram is None or factor is None:
        raise dependent(objective, place.gram if gram is None else gram)
    return judged(-solved(factor, place.gradient), place)


def judged(step: P, place: Place) -> tuple[P, float]:
    """A step, and how far it goes."""
    moved = max(float(-step @ place.gradient), 0.0)
    return step, float(numpy.sqrt(moved / max(place.loss, numpy.finfo(float).tiny)))


def by_products(objective: Objective, place: Place, wanted: float) -> tuple[P, float]:
    """Newton's step by conjugate gradients, and how far it goes; without bound where these did not arrive."""
    diagonal, product = objective.products(objective.curvature(place.coefficients))
    check_columns(objective, diagonal)
    right = -place.gradient[:, None]
    found = conjugate_gradients(product, diagonal, right, tolerance=wanted, most=PRODUCTS)
    step, left = judged(found.solution[:, 0], place)
    return step, left if found.residual[0] <= wanted else numpy.inf


def factored(gram: PP) -> tuple[P, PP] | None:
    """A positive definite matrix as units of its columns and the Cholesky factor in these; None where it is none."""
    size = gram.diagonal()
    if not (size > 0).all():
        return None
    units = size**-0.5
    try:
        # Threads of BLAS go on waiting for work long after some that is small.
        with by_size(len(gram), len(gram)):
            lower = scipy.linalg.cholesky(units[:, None] * gram * units, lower=True)
    except scipy.linalg.LinAlgError:
        return None
    return None if (lower.diagonal() ** 2 < RANK).any() else (units, lower)


def solved(factor: tuple[P, PP], right: Float[ndarray, " p *k"]) -> Float[ndarray, " p *k"]:
    """The matrix of a factor, inverted, times a vector or several, one a column."""
    units, lower = factor
    with by_size(len(units), len(units)):
        return (units * scipy.linalg.cho_solve((lower, True), (units * right.T).T).T).T


def dependent(objective: Objective, gram: PP) -> InvalidData:
    """The error that names a column without any information of its own, and what it repeats."""
    size = gram.diagonal()
    if (flat := ~(size > 0)).any():
        return InvalidData(
            f"{objective.name(int(flat.argmax()))} is 0 in every row that counts. Drop it, or add weight_decay."
        )
    units = size**-0.5
    scaled = units[:, None] * gram * units
    for column in range(1, len(scaled)):
        before = scaled[:column, :column] + RANK * numpy.eye(column)
        own = 1 - scaled[column, :column] @ numpy.linalg.solve(before, scaled[:column, column])
        if own < 10 * RANK + 1e-9:
            twin = int(abs(scaled[column, :column]).argmax())
            same = abs(scaled[column, twin]) > 1 - 1e-9
            what = f"is {objective.name(twin)} times a number" if same else "is a sum of other columns"
            return InvalidData(f"{objective.name(column)} {what}. Drop it, or add weight_decay.")
    return InvalidData("The columns make each other up nearly. Drop some, or add weight_decay.")
