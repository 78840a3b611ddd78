"""The page of one study's results: question, answer, verdicts, tables, figures with captions, and how it was run."""

from collections.abc import Sequence
from pathlib import Path

from influencelab.runner.finding import Finding
from influencelab.runner.report import Report
from influencelab.runner.scorecard import Row, counted
from influencelab.runner.verdict import Cell, legend
from influencelab.studies.catalogue import all_findings

RUNS = """| profile | seconds | memory | numbers | pictures and record |
| --- | --- | --- | --- | --- |"""


def study_page(study: str, question: str, *, judged: Sequence[Row], found: Sequence[Report]) -> str:
    """The page in Markdown, from the reports of one study, small profiles first."""
    parts = {
        "": answer(study, found),
        "Verdicts": verdicts(judged),
        "Tables": tables(study, found),
        "Figures": figures(found),
        "How it was run": runs(found),
    }
    links = " · ".join(f"[{name}](#{name.lower().replace(' ', '-')})" for name, text in parts.items() if name and text)
    head = f"# {question}\n\nStudy `{study}`; [all results](../README.md), [notebook](../../studies/{study}.ipynb)."
    sections = [
        f"## {name}\n\n{text}" if name else f"{text}\n\n{links}" for name, text in parts.items() if name or text
    ]
    return "\n\n".join([head, *(section.strip() for section in sections if not section.endswith("\n\n"))]) + "\n"


def answer(study: str, found: Sequence[Report]) -> str:
    """The findings of a study, a paragraph each."""
    sentences = [each for each in all_findings() if isinstance(each, Finding) and each.study == study]
    return "\n\n".join(filter(None, (each.written(found) for each in sentences)))


def tables(study: str, found: Sequence[Report]) -> str:
    """The tables of a study."""
    every = [each for each in all_findings() if not isinstance(each, Finding) and each.study == study]
    return "\n\n".join(filter(None, (each.written(found) for each in every)))


def verdicts(judged: Sequence[Row]) -> str:
    """Each claim with its verdict and the numbers of its settings, then the words that are used."""
    if not judged:
        return ""
    blocks = "\n\n".join(claim_block(row) for row in judged)
    words = "\n".join(f"- {line}" for line in legend(blocks))
    return f"{counted(judged).capitalize()}.\n\n{blocks}\n\nWords:\n\n{words}"


def claim_block(row: Row) -> str:
    """One claim: its verdict, what is claimed, where and with which number; then a table of its settings."""
    claim, judged = row.claim, row.latest
    accepted = "not judged" if claim.bounds == "–" else f"accepted: {claim.band}"
    text = f"**{judged.said}**: {claim.statement} *{claim.paper}; printed: {claim.published}; {accepted}.*"
    lines = [cell_line(cell) for cell in (*judged.cells, *judged.sizes) if cell.number or len(judged.cells) > 1]
    head = "| setting | measured | accepted | verdict | profile |\n| --- | --- | --- | --- | --- |"
    return "\n\n".join([text, "\n".join([head, *lines])]) if lines else text


def cell_line(cell: Cell) -> str:
    """One setting of a claim as a row of its table."""
    number = str(cell.number) if cell.number else "–"
    cells = [cell.setting.name or "–", number, cell.setting.bounds, cell.verdict, cell.profile]
    return f"| {' | '.join(each.replace('|', '&#124;') for each in cells)} |"


def figures(found: Sequence[Report]) -> str:
    """Each figure once, with its caption: that of the largest whole run that drew it, else of a slice."""
    chosen: dict[str, tuple[Report, Path]] = {}
    for report in sorted(found, key=lambda report: "_" not in report.profile):
        chosen.update({path.stem: (report, path) for path in report.figures})
    blocks = []
    for name, (report, path) in sorted(chosen.items()):
        caption = report.captions.get(name, name.replace("_", " ").capitalize())
        place = path.relative_to(report.folder.parent).as_posix()
        blocks.append(f"![{name}]({place})\n\n*{caption.rstrip('.')}. Profile {report.profile}.*")
    return "\n\n".join(blocks)


def runs(found: Sequence[Report]) -> str:
    """A row a run: what it cost, and where its numbers are."""
    lines = [
        f"| {each.profile} | {each.manifest['seconds']:,.0f} | {each.manifest['peak_memory_mb']:,.0f} MB | "
        f"[{len(each.measurements):,}]({each.profile}/measurements.csv) | "
        f"[figures]({each.profile}/figures), [manifest]({each.profile}/manifest.json) |"
        for each in found
    ]
    machines = {f"{each.manifest['machine']['cores']} cores ({each.manifest['machine']['cpu']})" for each in found}
    note = (
        f"On {', '.join(sorted(machines))}. How each interval was made, and n, stand beside its number in "
        "`measurements.csv`. Seconds are those of writing a report: models that an earlier run had left in the store "
        "cost it nothing."
    )
    return "\n".join([RUNS, *lines, "", note]) if lines else ""
