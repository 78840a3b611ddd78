"""The pages of results, written from the reports that are the record: verdicts by question, and a page a study."""

import re
import textwrap
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from influencelab.runner.claim import Claim
from influencelab.runner.json_file import write_text
from influencelab.runner.numbers_of_record import numbers_of_record
from influencelab.runner.profile import RECORD, Profile, size_of
from influencelab.runner.report import reports
from influencelab.runner.scorecard import by_study, counted, rows
from influencelab.runner.verdict import legend
from influencelab.studies.catalogue import all_claims, all_findings
from influencelab.studies.study_page import answer, study_page

INTRODUCTION = """# Results

A row a question: what was found, and how many claims of papers have which verdict. Each question links to a page with
the answer, every claim with its numbers and 95% intervals, tables, figures and how it was run.

Bands were chosen before the runs that they judge, unless a page says that first numbers were known; pilots on the same
data were. Smallest effects of interest, and bands for printed sizes, all came after first runs had been seen. A claim
is judged in all settings where it was measured, and has one verdict over them. Numbers have as many digits as their
intervals allow; all are in [numbers.csv](numbers.csv), which `tests/recompute.py` computes again from the tables.

Written by `influencelab scorecard --write` from these reports: edit the claims or run the studies, not these pages.
"""

# Letters in a line of text.
WIDTH = 120


def write_readme(
    results: Path,
    *,
    claims: Iterable[Claim] | None = None,
    planned: Mapping[str, Iterable[Profile]] | None = None,
    questions: Mapping[str, str] | None = None,
) -> Path:
    """Write `README.md` of a results folder from its standard and paper results, and one of each study in its folder.

    The numbers on them go to `numbers.csv` beside it, for scripts.
    All claims there are judged unless some are given; the first page says which of the planned profiles were not run.
    """
    found = [report for report in reports(results, profiles=RECORD) if not report.changed]
    claims = all_claims() if claims is None else tuple(claims)
    judged = rows(found, claims)
    groups = dict.fromkeys((*by_study(judged), *(report.study for report in found)))
    lines = ["| question | found | verdicts |", "| --- | --- | --- |"]
    for study in groups:
        mine = [report for report in found if report.study == study]
        own, question = by_study(judged).get(study, []), (questions or {}).get(study, study)
        short = " ".join(re.findall(r"\*\*(.+?)\*\*", answer(study, mine)))
        lines.append(f"| [{question}]({study}/README.md) | {short or '–'} | {counted(own)} |")
        (results / study).mkdir(exist_ok=True)
        text = study_page(study, question, judged=own, found=mine)
        write_text(results / study / "README.md", text)
    total = f"{len(judged)} claims: {counted(judged)}."
    words = "\n".join(f"- {line}" for line in legend(", ".join(row.word for row in judged)))
    missing = not_run(planned or {}, {(report.study, report.profile) for report in found})
    numbers = numbers_of_record(found, claims, all_findings())
    write_text(results / "numbers.csv", numbers.to_csv(index=False, lineterminator="\n"))
    page = results / "README.md"
    parts = [INTRODUCTION, "\n".join(lines), total, words, *missing]
    write_text(page, "\n\n".join(part.strip() for part in parts) + "\n")
    return page


def not_run(planned: Mapping[str, Iterable[Profile]], run: Collection[tuple[str, str]]) -> list[str]:
    """What would be on the pages too, and how long it would take; nothing where nothing is missing."""
    missing = {
        study: [each for each in profiles if size_of(each.name) in RECORD and (study, each.name) not in run]
        for study, profiles in planned.items()
    }
    asked = [
        f"`{study}` {', '.join(f'{each.name} {each.seconds / 60:,.0f}' for each in left)}"
        for study, left in missing.items()
        if left
    ]
    words = textwrap.fill(f"Minutes expected on two cores: {'; '.join(asked)}.", WIDTH, break_on_hyphens=False)
    return ["## Not run yet", words] if asked else []
