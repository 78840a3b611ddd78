"""What is wrong with scores that are not the truth, in plain words: a known mistake, else what was measured."""

from functools import cache

import numpy
from jaxtyping import Float

from influencelab.testing.bounds import Agreement, Bounds, agreement, faults
from influencelab.testing.impostors import IMPOSTORS, NEED_CLASSES
from influencelab.training.fit import Fit

# How near scores must be to those of a known mistake, of the mistake's own size, and of their distance from the truth.
NEAR, NEARER = 0.1, 0.3


def diagnosis(
    fitted: Fit,
    said: Float[numpy.ndarray, "r m"],
    actual: Float[numpy.ndarray, "r m"],
    *,
    rows: list[int],
    bounds: Bounds,
) -> str:
    """Why these scores are refused, as sentences; '' if they are not.

    Args:
        fitted: the model that they are of.
        said: the predicted rise of each test loss without each of `rows`.
        actual: what it really is.
        rows: the training points that are removed.
        bounds: how far the scores may be from the truth.
    """
    if not faults(said, actual, bounds=bounds):
        return ""
    found = agreement(said, actual)
    cause = known_mistake(fitted, said, actual, rows=rows) or simple_mistake(said, actual, found, bounds=bounds)
    return " ".join(part for part in (cause, measured(found, bounds)) if part)


def known_mistake(
    fitted: Fit, said: Float[numpy.ndarray, "r m"], actual: Float[numpy.ndarray, "r m"], *, rows: list[int]
) -> str:
    """What the impostor says of itself whose scores these are; '' where they are nobody's."""
    distances = {name: distance(said, values[rows]) for name, values in mistaken(fitted).items()}
    name = min(distances, key=distances.__getitem__)
    near = distances[name] < NEAR and distances[name] < NEARER * distance(said, actual)
    return f"{IMPOSTORS[name].__doc__}" if near else ""


def distance(said: Float[numpy.ndarray, "r m"], wanted: Float[numpy.ndarray, "r m"]) -> float:
    """RMS of the difference as a share of what is wanted."""
    return float(numpy.linalg.norm(said - wanted) / numpy.linalg.norm(wanted))


@cache
def mistaken(fitted: Fit) -> dict[str, numpy.ndarray]:
    """The scores of every known mistake that the model can show (n m)."""
    several = fitted.task.output_loss.size(fitted.data) > 1
    makers = {name: make for name, make in IMPOSTORS.items() if several or name not in NEED_CLASSES}
    return {name: make(fitted).values.numpy() for name, make in makers.items()}


def simple_mistake(
    said: Float[numpy.ndarray, "r m"], actual: Float[numpy.ndarray, "r m"], found: Agreement, *, bounds: Bounds
) -> str:
    """A sign, a factor or a constant by which alone the scores differ from the truth; '' where it is more than that."""
    if not faults(-said, actual, bounds=bounds):
        return "Values are negative influences: the sign is turned."
    if not faults(said - said.mean(0) + actual.mean(0), actual, bounds=bounds):
        constants = ", ".join(f"{each:.2g}" for each in (said - actual).mean(0))
        return f"A constant is added to all values of a test point: {constants}."
    if not faults(found.slope * said, actual, bounds=bounds):
        turned = ", and the sign is turned" if found.slope < 0 else ""
        return f"The order is right and the size is not: values are {1 / abs(found.slope):.3g} times too large{turned}."
    return ""


def measured(found: Agreement, bounds: Bounds) -> str:
    """What was measured of the scores beside what is expected, as one sentence for all that is out of bounds."""
    low, high = bounds.slope
    parts = {
        f"truth is {found.slope:.4g} times what they say ({low:.4g} to {high:.4g})": low <= found.slope <= high,
        f"their correlation is {found.correlation:.4g} (at least {bounds.correlation:.4g})": (
            found.correlation >= bounds.correlation
        ),
        f"their error is {found.error:.4g} of the size of the truth (at most {bounds.error:.4g})": (
            found.error <= bounds.error
        ),
        f"{found.sign:.0%} of the larger effects have the right sign (at least {bounds.sign:.0%})": (
            found.sign >= bounds.sign
        ),
    }
    wrong = [part for part, kept in parts.items() if not kept]
    return f"Against retraining (and expected): {'; '.join(wrong)}." if wrong else ""
