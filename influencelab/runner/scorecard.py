"""Scorecard: every claim with its verdict at each profile, computed from reports, never typed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import pandas

from influencelab.runner.claim import Claim
from influencelab.runner.profile import PROFILES, size_of
from influencelab.runner.report import Report
from influencelab.runner.verdict import VERDICTS, Cell, Verdict, judge
from influencelab.statistics.measurements import Lines

# What a run has measured that never was.
NOTHING = Lines(pandas.DataFrame())


@dataclass(frozen=True, eq=False)
class Row:
    """One claim and its verdict at each profile that was run.

    Attributes:
        claim: the claim.
        verdicts: by profile, smallest first.
    """

    claim: Claim
    verdicts: dict[str, Verdict]

    @cached_property
    def latest(self) -> Verdict:
        """The verdict that counts: of each setting, the number of the largest profile that measured it."""
        given = [*self.verdicts.values(), judge(self.claim, NOTHING, PROFILES[0])]
        cells = [largest(each) for each in zip(*(each.cells for each in given), strict=True)]
        return Verdict(self.claim, tuple(cells), tuple(map(largest, zip(*(each.sizes for each in given), strict=True))))

    @property
    def word(self) -> str:
        """That verdict in one of the words of `VERDICTS`."""
        return self.latest.verdict


def largest(cells: Sequence[Cell]) -> Cell:
    """Of one setting at several profiles, smallest first, the last that has a number."""
    return next((each for each in reversed(cells) if each.number is not None), cells[-1])


def rows(found: Iterable[Report], claims: Iterable[Claim]) -> list[Row]:
    """Each claim judged at each size; runs with changed parameters are no profile's and are left out."""
    kept = [report for report in found if not report.changed]
    present = [size for size in PROFILES if any(size == size_of(report.profile) for report in kept)]

    lines = [(report.study, size_of(report.profile), report.lines) for report in reversed(kept)]

    def verdict(claim: Claim, size: str) -> Verdict:
        # Of the slices of a size, the first that measured a setting.
        tables = [each for *of, each in lines if of == [claim.study, size]] or [NOTHING]
        return Row(claim, {str(place): judge(claim, table, size) for place, table in enumerate(tables)}).latest

    return [Row(claim, {profile: verdict(claim, profile) for profile in present}) for claim in claims]


def by_study(judged: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each study, in the order of the claims."""
    groups: dict[str, list[Row]] = {}
    for row in judged:
        groups.setdefault(row.claim.study, []).append(row)
    return groups


def counted(judged: Iterable[Row]) -> str:
    """How many claims have which verdict, in words: `5 reproduced, 2 depend on the setting`."""
    counts = Counter(row.word for row in judged)
    words = {word: word.replace("depends", "depend") if counts[word] > 1 else word for word in VERDICTS}
    return ", ".join(f"{counts[word]} {text}" for word, text in words.items() if counts[word]) or "no claim"


def scorecard_json(judged: Iterable[Row]) -> list[dict[str, Any]]:
    """The scorecard for programs: a mapping per claim, a list of settings per profile, numbers at full precision."""
    return [
        {
            **{name: getattr(row.claim, name) for name in ("name", "study", "paper", "statement", "published", "unit")},
            "accepted": row.claim.band,
            "negligible": row.claim.negligible,
            "verdict": row.word,
            "size": row.latest.size,
            "preview": row.latest.preview,
            "profiles": {
                profile: {
                    "verdict": each.verdict,
                    "size": each.size,
                    "preview": each.preview,
                    "settings": [cell_json(cell) for cell in each.measured],
                    "sizes": [cell_json(cell) for cell in each.sizes if cell.number],
                }
                for profile, each in row.verdicts.items()
                if each.measured
            },
        }
        for row in judged
    ]


def cell_json(cell: Cell) -> dict[str, Any]:
    """One setting: its name, band, number and verdict."""
    number = asdict(cell.number) if cell.number else {}
    setting = {"setting": cell.setting.name, "where": dict(cell.setting.where), "accepted": cell.setting.bounds}
    return {**setting, **number, "verdict": cell.verdict}
