"""Scorecard: every claim with its verdict at each profile, computed from reports, never typed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from influencelab.runner.claim import NOT_RUN, VERDICTS, Claim, Verdict, judge
from influencelab.runner.profile import PROFILES, rank, size_of
from influencelab.runner.report import Report


@dataclass(frozen=True, eq=False)
class Row:
    """One claim and its verdict at each profile that was run.

    Attributes:
        claim: the claim.
        verdicts: by profile, smallest first; profiles whose report lacks the number say `not run`.
    """

    claim: Claim
    verdicts: dict[str, Verdict]

    @property
    def latest(self) -> Verdict | None:
        """The verdict that counts: that of the largest profile with a number; None where there is no number."""
        return next((each for each in reversed(self.verdicts.values()) if each.number is not None), None)

    @property
    def word(self) -> str:
        """That verdict in one of the words of `VERDICTS`."""
        return self.latest.verdict if self.latest else NOT_RUN

    @property
    def verdict(self) -> str:
        """That verdict, and whether it is a preview."""
        return f"{self.word}{' (preview)' if self.latest and self.latest.preview else ''}"


def rows(found: Iterable[Report], claims: Iterable[Claim]) -> list[Row]:
    """Each claim judged at each size; runs with changed parameters are no profile's and are left out."""
    kept = [report for report in found if not report.changed]
    present = [size for size in PROFILES if any(size == size_of(report.profile) for report in kept)]

    def verdict(claim: Claim, size: str) -> Verdict:
        mine = [report for report in kept if report.study == claim.study and size_of(report.profile) == size]
        # Of the slices of a size, the first that measured it.
        judged = [judge(claim, report.measurements, size) for report in mine]
        measured = [verdict for verdict in judged if verdict.number is not None]
        return measured[0] if measured else Verdict(claim, None, size, NOT_RUN, rank(size) < rank(claim.least))

    return [Row(claim, {profile: verdict(claim, profile) for profile in present}) for claim in claims]


def by_study(judged: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each study, in the order of the claims."""
    groups: dict[str, list[Row]] = {}
    for row in judged:
        groups.setdefault(row.claim.study, []).append(row)
    return groups


def counted(judged: Iterable[Row]) -> str:
    """How many claims have which verdict, in words: `5 reproduced, 2 inconclusive`."""
    counts = Counter(row.word for row in judged)
    return ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word]) or "no claim"


def scorecard_json(judged: Iterable[Row]) -> list[dict[str, Any]]:
    """The scorecard for programs: a mapping per claim, with every number at full precision."""
    return [
        {
            **asdict(row.claim),
            "verdict": row.word,
            "preview": bool(row.latest and row.latest.preview),
            "profiles": {
                profile: {**asdict(each.number), "verdict": each.verdict, "preview": each.preview}
                for profile, each in row.verdicts.items()
                if each.number
            },
        }
        for row in judged
    ]


def scorecard_markdown(judged: Sequence[Row], questions: Mapping[str, str]) -> str:
    """The scorecard in Markdown, a table per question; a study without a question stands under its name."""
    tables = []
    for study, group in by_study(judged).items():
        present = [profile for profile in group[0].verdicts if any(row.verdicts[profile].number for row in group)]
        heads = ["claim", "published", "accepted", *present, "verdict"]
        lines = [f"### {questions.get(study, study)}", "", f"{counted(group).capitalize()}.", ""]
        lines += [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
        for row in group:
            claim = f"{row.claim.statement} *{row.claim.paper}*"
            measured = [str(row.verdicts[profile]) for profile in present]
            cells = [claim, row.claim.published, row.claim.band, *measured, f"**{row.verdict}**"]
            lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)
