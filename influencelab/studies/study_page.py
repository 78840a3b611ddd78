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
    title = f"# {question}\n\nStudy `{study}`; [all results](../README.md), [notebook](../../studies/{study}.ipynb)."
    said, every = answer(study, found), {"Verdicts": verdicts(judged), "Tables": tables(study, found)}
    every |= {"Figures": figures(found), "How it was run": runs(found)}
    every["Words"] = words("\n".join([said, *every.values()]))
    parts = {name: text for name, text in every.items() if text}
    links = " · ".join(f"[{name}](#{name.lower().replace(' ', '-')})" for name in parts)
    sections = [f"## {name}\n\n{text}" for name, text in parts.items()]
    return "\n\n".join(filter(None, [title, said, links, *sections])) + "\n"


def answer(study: str, found: Sequence[Report]) -> str:
    """The findings of a study, a paragraph each."""
    sentences = [each for each in all_findings() if isinstance(each, Finding) and each.study == study]
    return "\n\n".join(filter(None, (each.written(found) for each in sentences)))


def tables(study: str, found: Sequence[Report]) -> str:
    """The tables of a study."""
    every = [each for each in all_findings() if not isinstance(each, Finding) and each.study == study]
    return "\n\n".join(filter(None, (each.written(found) for each in every)))


def verdicts(judged: Sequence[Row]) -> str:
    """How many claims have which verdict, then each claim with the numbers of its settings."""
    return "\n\n".join([f"{counted(judged).capitalize()}.", *map(claim_block, judged)]) if judged else ""


def claim_block(row: Row) -> str:
    """One claim: its verdict, what is claimed, where and with which number; a table of its settings, if several."""
    claim, judged = row.claim, row.latest
    accepted = "not judged" if claim.bounds == "–" else f"accepted: {claim.band}"
    only = judged.measured[0] if judged.measured and len(judged.cells) == 1 else None
    measured = f" Measured: {only.number} ({only.profile})." if only else ""
    text = f"**{judged.said}**: {claim.statement}{measured} *{claim.paper}; printed: {claim.published}; {accepted}.*"
    lines = [cell_line(cell) for cell in judged.cells if len(judged.cells) > 1]
    lines += [cell_line(cell, "printed size: ") for cell in judged.sizes if cell.number]
    head = "| setting | measured | accepted | verdict | profile |\n| --- | --- | --- | --- | --- |"
    return "\n\n".join([text, "\n".join([head, *lines])]) if lines else text


def cell_line(cell: Cell, kind: str = "") -> str:
    """One setting of a claim as a row of its table."""
    number, profile = (str(cell.number), cell.profile) if cell.number else ("–", "–")
    cells = [f"{kind}{cell.setting.name}", number, cell.setting.bounds, cell.verdict, profile]
    return f"| {' | '.join(each.replace('|', '&#124;') for each in cells)} |"


def words(text: str) -> str:
    """What the words of a page mean."""
    return "\n".join(f"- {line}" for line in legend(text))


def figures(found: Sequence[Report]) -> str:
    """Each figure once, with its caption: that of the largest whole run that drew it, else of a slice."""
    chosen: dict[str, tuple[Report, Path]] = {}
    for report in sorted(found, key=lambda report: "_" not in report.profile):
        home = report.folder / "figures"
        chosen |= {path.relative_to(home).with_suffix("").as_posix(): (report, path) for path in report.figures}
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
