"""The page of results: findings, scorecard, runs and figures, written from the reports that are the record."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from influencelab.runner.claim import Claim, legend
from influencelab.runner.finding import Finding
from influencelab.runner.json_file import write_text
from influencelab.runner.profile import RECORD, Profile, size_of
from influencelab.runner.report import Report, reports
from influencelab.runner.scorecard import counted, rows, scorecard_markdown
from influencelab.studies.catalogue import all_claims, all_findings

INTRODUCTION = """# Results

Written by `influencelab scorecard --write` from the reports in this folder; edit the claims or run the studies, not
this page. Numbers have three digits where their 95% intervals, in brackets, allow it; all digits are in each run's
`measurements.csv`. The verdict of a row is the largest profile's. The seconds of a run are those of writing its report:
networks that an earlier run had left in the store cost it nothing.
"""


def write_readme(
    results: Path,
    *,
    claims: Iterable[Claim] | None = None,
    planned: Mapping[str, Iterable[Profile]] | None = None,
    questions: Mapping[str, str] | None = None,
) -> Path:
    """Write `README.md` of a results folder from its standard and paper results: the scorecard, runs and figures.

    All claims there are judged unless some are given, and stand under the questions of their studies; the page says
    which of the planned profiles were not run.
    """
    found = [report for report in reports(results, profiles=RECORD) if not report.changed]
    judged = rows(found, all_claims() if claims is None else claims)
    scorecard = scorecard_markdown(judged, questions or {})
    words = "\n".join(f"- {line}" for line in legend(scorecard))
    sections = [INTRODUCTION, *findings(found), "## Scorecard", f"{counted(judged).capitalize()}.", words, scorecard]
    sections += [section(report, results) for report in found]
    sections += not_run(planned or {}, {(report.study, report.profile) for report in found})
    path = results / "README.md"
    write_text(path, "\n\n".join(part.strip() for part in sections) + "\n")
    return path


def findings(found: Sequence[Report]) -> list[str]:
    """What the studies found, as a list and tables below it, or nothing where nothing was measured."""
    written = [(isinstance(finding, Finding), finding.written(found)) for finding in all_findings()]
    sentences = "\n".join(f"- {text}" for sentence, text in written if sentence and text)
    tables = [text for sentence, text in written if text and not sentence]
    parts = [part for part in (sentences, *tables) if part]
    return ["## Findings", *parts] if parts else []


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
        f"{machine['cores']} cores ({machine['cpu']}); [numbers]({folder}/measurements.csv), "
        f"[manifest]({folder}/manifest.json)."
    )
    figures = [f"![{path.stem}]({path.relative_to(results).as_posix()})" for path in report.figures]
    return "\n\n".join([f"## {report.study}, {report.profile}", cost, *figures])
