"""Verdicts on claims: of each setting from its interval and band, and one over all settings."""

import math
import re
from collections.abc import Collection
from dataclasses import dataclass, replace

import pandas

from influencelab.runner.claim import Claim
from influencelab.runner.profile import rank
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import Lines

__all__ = ["Verdict"]

NOT_RUN = "not measured yet"
DEPENDS = "depends on the setting"
# Verdicts, the best first, and other words of claims that a reader should not have to guess.
VERDICTS = {
    "reproduced": "in every setting the whole 95% interval lies in the accepted band",
    "explained": "reproduced as published, but with our control the effect is negligible",
    DEPENDS: "reproduced in some settings; in others negligible, explained or not reproduced",
    "negligible": "the whole interval lies within the smallest effect of interest around 0: as good as no effect",
    "inconclusive": "an interval straddles an edge of its band, or the number of a setting could not be had",
    "not reproduced": "in every setting the whole interval lies outside the band",
    "reported only": "measured, but there is no band to judge it by",
    NOT_RUN: "no report holds the number",
}
TERMS = VERDICTS | {
    "preview": "measured at a smaller profile than the claim asks for, which does not decide",
    "printed size": "a verdict of its own (size: yes, no, open): whether our number is as large as the printed one",
    "warm": "retrained from the fit to the nearest minimum",
    "cold": "retrained from the start, as the fit was",
    "controlled": "every network at a minimum, and every retrained one too",
    "published": "with the paper's protocol as printed",
    "paired": "models with and without a point see the same batches; unpaired: each draws its own",
}


@dataclass(frozen=True)
class Cell:
    """A claim at one setting, measured at one profile.

    Attributes:
        setting: the setting, with its band.
        number: what was measured; None where nothing was.
        verdict: one of `VERDICTS`, from this number alone.
        profile: the size it was measured at.
        preview: whether that is too small to decide.
    """

    setting: Setting
    number: Measurement | None
    verdict: str
    profile: str
    preview: bool


@dataclass(frozen=True)
class Verdict:
    """What the numbers of all settings say about one claim.

    Attributes:
        claim: the claim.
        cells: a cell for each setting of the claim.
        sizes: a cell for each printed number that ours are held against.
    """

    claim: Claim
    cells: tuple[Cell, ...]
    sizes: tuple[Cell, ...] = ()

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`, which says what each means; settings without a band say nothing beside others."""
        banded = [each for each in self.cells if not each.setting.unbounded]
        return over_settings([each.verdict for each in banded or self.cells])

    @property
    def size(self) -> str:
        """The same of the size; empty where no number was printed or none measured."""
        return over_settings([each.verdict for each in self.sizes]) if any(each.number for each in self.sizes) else ""

    @property
    def measured(self) -> list[Cell]:
        """The cells that have a number."""
        return [each for each in self.cells if each.number is not None]

    @property
    def preview(self) -> bool:
        """Whether a number comes from a run that is too small to decide."""
        return any(each.preview for each in self.measured)

    @property
    def number(self) -> str:
        """Its one number with its interval, or the range of several: `0.11 to 0.998 (11 settings)`."""
        numbers = sorted((each.number for each in self.measured if each.number), key=lambda each: each.value)
        if len(numbers) < 2:
            return numbers[0].rounded() if numbers else ""
        least, greatest = (each.rounded().partition(" ")[0] for each in (numbers[0], numbers[-1]))
        both = least if least == greatest else f"{least} to {greatest}"
        count = f"{len(numbers)} of {len(self.cells)}" if len(numbers) < len(self.cells) else len(numbers)
        return f"{both} ({count} settings)"

    @property
    def said(self) -> str:
        """`reproduced (preview)`: the verdict and its remarks."""
        return f"{self.verdict} ({', '.join(self.remarks)})" if self.remarks else self.verdict

    @property
    def remarks(self) -> list[str]:
        """What weakens it (a preview, settings not measured, numbers without interval or of NaN), and the size's."""
        numbers = [each.number for each in self.measured if each.number]
        partly = 0 < len(numbers) < len(self.cells)
        found = {
            "preview": self.preview,
            f"{len(numbers)} of {len(self.cells)} settings": partly,
            "not a number": any(math.isnan(each.value) for each in numbers),
            "no interval": any(each.interval is None and not math.isnan(each.value) for each in numbers),
            f"printed size {self.size}": self.size,
        }
        return [remark for remark, there in found.items() if there]

    def __str__(self) -> str:
        """`0.99998 [0.99997, 0.99999] reproduced (preview)`."""
        return f"{self.number} {self.said}".strip()


def legend(text: str) -> list[str]:
    """What each of `TERMS` means that a text uses: `cold: retrained from the start …`."""
    used = [term for term in TERMS if re.search(rf"\b(un)?{term}\b", text)]
    return [f"{term}: {TERMS[term]}" for term in used]


def judge(claim: Claim, measurements: pandas.DataFrame | Lines, profile: str) -> Verdict:
    """The verdict of a report's measurements, made at one profile; an InvalidData error where several fit a setting."""
    preview = rank(profile) < rank(claim.least)

    def effect(setting: Setting) -> Cell:
        number = setting.number(measurements)
        verdict = verdict_on(setting, number, negligible=claim.negligible)
        if claim.control is not None and verdict == "reproduced":
            controlled = replace(setting, where={**setting.where, **claim.control}).number(measurements)
            verdict = "explained" if within(controlled, claim.negligible) else verdict
        return Cell(setting, number, verdict, profile, preview)

    def size(setting: Setting) -> Cell:
        number = setting.number(measurements)
        return Cell(setting, number, verdict_on(setting, number), profile, preview)

    return Verdict(claim, tuple(map(effect, claim.cells)), tuple(map(size, claim.printed)))


def verdict_on(setting: Setting, number: Measurement | None, *, negligible: float = 0.0) -> str:
    """The verdict on one setting from its number alone."""
    if number is None:
        return NOT_RUN
    if setting.unbounded:
        return "reported only"
    if math.isnan(number.value):
        return "inconclusive"
    if within(number, negligible):
        return "negligible"
    least = -math.inf if setting.low is None else setting.low
    greatest = math.inf if setting.high is None else setting.high
    low, high = number.interval or (number.value, number.value)
    if least <= low and high <= greatest:
        return "reproduced"
    return "not reproduced" if high < least or greatest < low else "inconclusive"


def within(number: Measurement | None, negligible: float) -> bool:
    """Whether the whole interval lies closer to 0 than the smallest effect of interest; never without an interval."""
    return number is not None and number.interval is not None and max(map(abs, number.interval)) < negligible


def over_settings(verdicts: Collection[str]) -> str:
    """One verdict for all settings: what all say; else that it depends, if some contradict; else inconclusive.

    A setting that was not measured leaves a claim open that is judged.
    """
    said = set(verdicts)
    effect, none = said & {"reproduced", "explained"}, said & {"negligible", "not reproduced"}
    if len(said) == 1:
        return said.pop()
    if "reported only" in said:
        return "reported only"
    if said == none:
        return "not reproduced"
    return DEPENDS if len(effect) == 2 or (effect and none) else "inconclusive"
