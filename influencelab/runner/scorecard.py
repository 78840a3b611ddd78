"""Scorecard: every claim with its verdict at each profile, computed from reports, never typed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from influencelab.runner.claim import NOT_RUN, Claim, Verdict, judge
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
    def verdict(self) -> str:
        """The verdict that counts: that of the largest profile with a number."""
        measured = [verdict for verdict in self.verdicts.values() if verdict.number is not None]
        if not measured:
            return NOT_RUN
        return f"{measured[-1].verdict}{' (preview)' if measured[-1].preview else ''}"


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


def scorecard_text(judged: Sequence[Row]) -> str:
    """The scorecard for a terminal: a few lines per claim, whatever its width."""
    blocks = []
    for row in judged:
        lines = [f"{row.claim.name}: {row.verdict}", f"    {row.claim.statement} ({row.claim.paper})"]
        lines.append(f"    {'accepted':<10}{row.claim.band}")
        lines += [f"    {profile:<10}{verdict}" for profile, verdict in row.verdicts.items()]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def scorecard_markdown(judged: Sequence[Row]) -> str:
    """The scorecard as a Markdown table."""
    present = list(judged[0].verdicts) if judged else []
    heads = ["claim", "published", "accepted", *present, "verdict"]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for row in judged:
        claim = f"{row.claim.statement} *{row.claim.paper}*"
        cells = [claim, row.claim.published, row.claim.band, *map(str, row.verdicts.values()), f"**{row.verdict}**"]
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines)
