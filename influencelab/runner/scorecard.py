"""Every claim beside what was measured, a column a profile: computed from reports, never typed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas
from pandas.io.formats.style import Styler

from influencelab.recipe import Recipe
from influencelab.runner.claim import NOT_RUN, Claim, Verdict, all_claims, judge
from influencelab.runner.profile import PROFILES, RECORD, Profile, profile_of, size_of
from influencelab.runner.report import Report, reports
from influencelab.statistics.display import readable
from influencelab.studies import findings

__all__ = ["verdicts"]

INTRODUCTION = """# Results

Written by `influencelab scorecard --write` from the reports in this folder; edit the claims or run the studies, not
this page. A claim counts as reproduced where the whole 95% interval of its number lies in the accepted band, as not
reproduced where all of it lies outside, and as inconclusive otherwise. A profile below a claim's own size gives a
preview; the verdict of a row is the largest profile's. The seconds of a run are those of writing its report: networks
that an earlier run had left in the store cost it nothing.
"""


@dataclass(frozen=True, eq=False)
class Row(Recipe):
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
        measured = [report.numbers for report in mine if claim.quantity in report.numbers]
        return judge(claim, next(iter(measured), {}), size)

    return [Row(claim, {profile: verdict(claim, profile) for profile in present}) for claim in claims]


def scorecard(found: Iterable[Report], claims: Iterable[Claim]) -> pandas.DataFrame:
    """A row per claim: the claim, what is accepted, a column per profile that was run, and the verdict."""
    return pandas.DataFrame(
        [
            {
                "claim": row.claim.name,
                "paper": row.claim.paper,
                "statement": row.claim.statement,
                "accepted": row.claim.band,
                **{profile: str(verdict) for profile, verdict in row.verdicts.items()},
                "verdict": row.verdict,
            }
            for row in rows(found, claims)
        ]
    )


def verdicts(report: Report) -> Styler:
    """What one run says about the claims that its study tests; those it measured come first."""
    profile = profile_of(report.profile)
    tested = [claim for claim in all_claims() if claim.study == report.study]
    judged = [judge(claim, report.numbers, profile) for claim in tested]
    judged.sort(key=lambda verdict: verdict.number is None)
    shown = [
        {
            "claim": verdict.claim.statement,
            "paper": verdict.claim.paper,
            "accepted": verdict.claim.band,
            "measured": "" if verdict.number is None else str(verdict.number),
            "verdict": f"{NOT_RUN} at {profile}" if verdict.number is None else verdict.said,
        }
        for verdict in judged
    ]
    changed = ", with changed parameters: not on the scorecard" if report.changed else ""
    return readable(pandas.DataFrame(shown), caption=f"The report is in {'/'.join(report.folder.parts[-3:])}{changed}")


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


def write_readme(
    results: Path, *, claims: Iterable[Claim] | None = None, planned: Mapping[str, Iterable[Profile]] | None = None
) -> Path:
    """Write `README.md` of a results folder from its standard and paper results: the scorecard, runs and figures.

    Args:
        results: the folder of all results.
        claims: those to judge; all there are unless given.
        planned: the profiles of each study, so that the page can say which of them were not run.

    Raises:
        MissingData: a report there is damaged.
    """
    found = [report for report in reports(results, profiles=RECORD) if not report.changed]
    judged = rows(found, all_claims() if claims is None else claims)
    said = [text for text in (findings.written(found), findings.by_depth(found)) if text]
    opening = [INTRODUCTION, *(["## Findings", *said] if said else [])]
    sections = [*opening, "## Scorecard", scorecard_markdown(judged), *(section(report, results) for report in found)]
    sections += not_run(planned or {}, {(report.study, report.profile) for report in found})
    path = results / "README.md"
    path.write_text("\n\n".join(part.strip() for part in sections) + "\n", encoding="utf-8")
    return path


def not_run(planned: Mapping[str, Iterable[Profile]], run: Collection[tuple[str, str]]) -> list[str]:
    """What would be on the page too, and how long it would take; nothing where nothing is missing."""
    missing = [
        f"| {study} | {profile.name} | {profile.seconds / 60:,.0f} minutes |"
        for study, profiles in planned.items()
        for profile in profiles
        if size_of(profile.name) in RECORD and (study, profile.name) not in run
    ]
    head = "| study | profile | expected on two cores |\n| --- | --- | --- |\n"
    return ["## Not run yet", head + "\n".join(missing)] if missing else []


def section(report: Report, results: Path) -> str:
    """One run on the page: what it cost, where its numbers are, its figures."""
    folder = report.folder.relative_to(results).as_posix()
    machine = report.manifest["machine"]
    cost = (
        f"{report.manifest['seconds']:,.0f} s and {report.manifest['peak_memory_mb']:,.0f} MB at most on "
        f"{machine['cores']} cores ({machine['cpu']}); [numbers]({folder}/numbers.json), "
        f"[manifest]({folder}/manifest.json)."
    )
    figures = [f"![{path.stem}]({path.relative_to(results).as_posix()})" for path in report.figures]
    return "\n\n".join([f"## {report.study}, {report.profile}", cost, *figures])
