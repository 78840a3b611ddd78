"""A published claim as an acceptance interval for one measured number, and its verdict."""

import math
import re
from dataclasses import dataclass

import pandas

from influencelab.errors import InvalidParameter
from influencelab.runner.profile import RECORD, rank
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import Where, find

__all__ = ["Claim", "Verdict"]

NOT_RUN = "not run"
# Verdicts, the best first, and other words of claims that a reader should not have to guess.
VERDICTS = {
    "reproduced": "the whole 95% interval of the number lies in the accepted band",
    "explained": "reproduced as published; with our controls the interval lies apart from it and not in the band",
    "inconclusive": "the interval straddles an edge of the band, or the number could not be had",
    "not reproduced": "the whole interval lies outside the band",
    "reported only": "measured, but there is no band to judge it by",
    NOT_RUN: "no report holds the number",
}
TERMS = VERDICTS | {
    "preview": "measured at a smaller profile than the claim asks for, which does not decide",
    "warm": "retrained from the fit to the nearest minimum",
    "cold": "retrained from the start, as the fit was",
    "controlled": "every network at a minimum, and every retrained one too",
    "published": "with the paper's protocol as printed",
    "paired": "models with and without a point see the same batches; unpaired: each draws its own",
}


@dataclass(frozen=True)
class Claim:
    """One statement of a paper that a study tests.

    The band was chosen before the number was measured, and stands here only: a scorecard is computed, never typed.

    Attributes:
        name: its name on the scorecard, in lower case with underscores.
        paper: where it is made: `Koh & Liang 2017, Fig. 2 left`.
        statement: what is claimed, in one sentence.
        study: the notebook that tests it.
        where: the settings of the number that decides, such as `{"data": "mnist", "statistic": "slope"}`: one row of
            the report's measurements.
        published: what the paper printed.
        low: the least value that counts as reproduced; None for no lower bound.
        high: the greatest; None for no upper bound. Both None: the number is reported and not judged.
        least: the smallest profile whose number decides, `standard` or `paper`; a smaller one gives a preview.
        unit: of that number; empty for a pure number.
        control: the settings of the same quantity with our controls; where the claim is reproduced and the controls
            take the effect away, the verdict is `explained`.
        bare: what the scorecard says of a number without an interval; other words where that is no lack, as of the
            distance of an interval from 0.

    Raises:
        InvalidParameter: `least` is none of these, or low > high.
    """

    name: str
    paper: str
    statement: str
    study: str
    where: Where
    published: str
    low: float | None = None
    high: float | None = None
    least: str = "standard"
    unit: str = ""
    control: Where | None = None
    bare: str = "no interval"

    def __post_init__(self) -> None:
        if self.least not in RECORD:
            raise InvalidParameter(f"Claim '{self.name}': least is '{self.least}', expected {' or '.join(RECORD)}.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise InvalidParameter(f"Claim '{self.name}': low {self.low} is above high {self.high}. Swap them.")

    @property
    def title(self) -> str:
        """Its name in words: `newton step keeps its size at 0.01`."""
        return re.sub(r"\b0 (?=\d)", "0.", self.name.replace("_", " "))

    @property
    def band(self) -> str:
        """The accepted values in words: `≥ 0.99`, `≤ 1 per layer`, or a dash where nothing is judged."""
        bounded = self.low is not None or self.high is not None
        return f"{self.bounds} {self.unit}" if self.unit and bounded else self.bounds

    @property
    def bounds(self) -> str:
        """The same without the unit: `≥ 0.99`, `≤ 1`, `0.95 to 1.05`."""
        if self.low is None and self.high is None:
            return "–"
        if self.high is None:
            return f"≥ {self.low:g}"
        if self.low is None:
            return f"≤ {self.high:g}"
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Verdict:
    """What one number says about one claim.

    Attributes:
        claim: the claim.
        number: the number that was measured; None where it was not.
        profile: the size it was measured at.
        verdict: one of `VERDICTS`, which says what each means.
        preview: whether the size is too small to decide.
    """

    claim: Claim
    number: Measurement | None
    profile: str
    verdict: str
    preview: bool

    @property
    def said(self) -> str:
        """`reproduced (preview)`: the verdict, and whether it is a preview, has no interval, or is of NaN."""
        if self.number is None:
            return self.verdict
        bare = "not a number" if math.isnan(self.number.value) else "" if self.number.interval else self.claim.bare
        remarks = ", ".join(remark for remark in ("preview" if self.preview else "", bare) if remark)
        return f"{self.verdict} ({remarks})" if remarks else self.verdict

    def __str__(self) -> str:
        """`0.99998 [0.99997, 0.99999] reproduced (preview)`."""
        return self.said if self.number is None else f"{self.number} {self.said}"


def legend(text: str) -> list[str]:
    """What each of `TERMS` means that a text uses: `cold: retrained from the start …`."""
    used = [term for term in TERMS if re.search(rf"\b(un)?{term}\b", text)]
    return [f"{term}: {TERMS[term]}" for term in used]


def judge(claim: Claim, measurements: pandas.DataFrame, profile: str) -> Verdict:
    """The verdict of a report's measurements, made at one profile; an InvalidData error where several fit the claim."""
    number = find(measurements, claim.where)
    control = None if claim.control is None else find(measurements, claim.control)
    verdict = verdict_on(claim, number)
    if verdict == "reproduced" and number and control and verdict_on(claim, control) != "reproduced":
        (low, high), (other_low, other_high) = (each.interval or (each.value,) * 2 for each in (number, control))
        verdict = "explained" if high < other_low or other_high < low else verdict
    return Verdict(claim, number, profile, verdict, rank(profile) < rank(claim.least))


def verdict_on(claim: Claim, number: Measurement | None) -> str:
    """The verdict on a claim from one number alone."""
    if number is None:
        return NOT_RUN
    if claim.low is None and claim.high is None:
        return "reported only"
    if math.isnan(number.value):
        return "inconclusive"
    least = -math.inf if claim.low is None else claim.low
    greatest = math.inf if claim.high is None else claim.high
    low, high = number.interval or (number.value, number.value)
    if least <= low and high <= greatest:
        return "reproduced"
    return "not reproduced" if high < least or greatest < low else "inconclusive"
