"""What every estimate in nats must meet against a truth: slope, correlation, size of the error, sign.

Correlation alone lets a forgotten 1/n pass, the slope alone a shuffled row, and either a wrong convention, which shifts
all removals alike: an estimate is accepted only if all four agree.
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy


@dataclass(frozen=True)
class Bounds:
    """How far an estimate may be from the truth.

    Attributes:
        slope: of truth on prediction over all pairs, least and largest.
        correlation: least Pearson correlation over all pairs.
        error: largest RMS(truth − prediction) / RMS(truth) over all pairs.
        sign: least share of equal signs among the larger half of |truth|.
    """

    slope: tuple[float, float]
    correlation: float
    error: float
    sign: float

    def tightened(self, share: float) -> "Bounds":
        """Only this share of every distance from the truth allowed."""
        near = [1 + share * (bound - 1) for bound in (*self.slope, self.correlation, self.sign)]
        return Bounds((near[0], near[1]), near[2], share * self.error, near[3])


# Plain influence and a Newton step where leverages are a few per cent; and the same number by other means.
INFLUENCE = Bounds(slope=(0.94, 1.08), correlation=0.999, error=0.075, sign=0.95)
NEWTON_STEP = Bounds(slope=(0.98, 1.02), correlation=0.9995, error=0.03, sign=0.95)
SAME = Bounds(slope=(1 - 1e-5, 1 + 1e-5), correlation=1 - 1e-9, error=1e-5, sign=1.0)
# Scores that are in the order of the effects, in whatever unit.
ORDER = Bounds(slope=(0.0, numpy.inf), correlation=0.9, error=numpy.inf, sign=0.9)


@dataclass(frozen=True)
class Agreement:
    """The four measures of one estimate against one truth."""

    slope: float
    correlation: float
    error: float
    sign: float


def agreement(predicted: Any, actual: Any) -> Agreement:
    """Measure predicted against actual changes, both (r m)."""
    said, true = numpy.asarray(predicted).ravel(), numpy.asarray(actual).ravel()
    large = numpy.abs(true) >= numpy.median(numpy.abs(true))
    return Agreement(
        slope=float(numpy.polyfit(said, true, 1)[0]) if numpy.ptp(said) > 0 else numpy.nan,
        correlation=float(numpy.corrcoef(said, true)[0, 1]) if numpy.ptp(said) > 0 else numpy.nan,
        error=float(numpy.linalg.norm(true - said) / numpy.linalg.norm(true)),
        sign=float((numpy.sign(said) == numpy.sign(true))[large].mean()),
    )


def faults(predicted: numpy.ndarray, actual: numpy.ndarray, *, bounds: Bounds) -> list[str]:
    """What is wrong with a prediction; nothing if the list is empty."""
    if predicted.shape != actual.shape or not numpy.isfinite(predicted).all():
        return ["shape" if predicted.shape != actual.shape else "finite"]
    found = agreement(predicted, actual)
    kept = {
        "slope": bounds.slope[0] <= found.slope <= bounds.slope[1],
        "correlation": found.correlation >= bounds.correlation,
        "error": found.error <= bounds.error,
        "sign": found.sign >= bounds.sign,
    }
    return [f"{field.name} {getattr(found, field.name):.4g}" for field in fields(found) if not kept[field.name]]


def check_estimate(predicted: Any, actual: Any, *, bounds: Bounds) -> None:
    """Refuse a prediction that is not the truth within the bounds."""
    wrong = faults(numpy.asarray(predicted), numpy.asarray(actual), bounds=bounds)
    assert not wrong, f"refused for its {', '.join(wrong)}; expected {bounds}"
