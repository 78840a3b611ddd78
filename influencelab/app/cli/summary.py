"""The end of a run: what was measured, the verdicts by question in words, and what to open next."""

from collections.abc import Mapping, Sequence

from influencelab.app.cli.card import claim_lines, layout
from influencelab.app.cli.scorecard import shown
from influencelab.app.cli.terminal import Terminal
from influencelab.runner.claim import Claim
from influencelab.runner.profile import RECORD, profile_of, size_of
from influencelab.runner.report import Report
from influencelab.runner.scorecard import Row, counted
from influencelab.runner.verdict import judge, legend

# Studies from which on verdicts are named in few words, so that most have room beside their questions.
MANY = 14
BRIEF = {
    "not reproduced": "not",
    " on the setting": "",
    "reported only": "reported",
    "not measured at this size": "unmeasured",
}


def summary(done: Sequence[Report], claims: Sequence[Claim], questions: Mapping[str, str], terminal: Terminal) -> str:
    """At most 40 lines at 100 columns for two dozen studies: each claim is judged by what was measured just now."""
    judged = {
        report.study: [judged_now(claim, done) for claim in claims if claim.study == report.study] for report in done
    }
    every = [row for group in judged.values() for row in group]
    measured = [row for row in every if row.latest.measured]
    numbers = sum(len(report.measurements) for report in done)
    studies = f"{len(judged)} {'study' if len(judged) == 1 else 'studies'}"
    tested = (
        f"{len(measured)} of {len(every)} claims tested: {counted(measured)}" if every else "no claim rests on them"
    )
    lines = [
        terminal.wrap(f"Measured {numbers:,} {'number' if numbers == 1 else 'numbers'} in {studies}; {tested}."),
        *remarks(done, terminal, preview=bool(measured)),
        "",
    ]
    many = len(judged) > MANY
    for study, group in judged.items():
        if group or not many:
            lines += verdicts(questions.get(study, study), group, terminal, short=many)
    if len(judged) == 1 and measured:
        lines += ["", *claim_lines(measured, layout(measured, terminal), terminal)]
    words = legend(" ".join(row.latest.said for row in measured))
    if many:
        previews = any(each.startswith("preview") for each in words)
        words = [*["preview: smaller than the claim asks for"] * previews, "others: see the scorecard"]
    meaning = [terminal.wrap(f"Words: {'; '.join(words)}.", rest="  "), ""] if words else []
    return "\n".join([*lines, "", *meaning, *next_steps(done, terminal)])


def judged_now(claim: Claim, done: Sequence[Report]) -> Row:
    """The verdicts of these reports alone, changed parameters or not."""
    mine = [report for report in done if report.study == claim.study]
    return Row(claim, {each.profile: judge(claim, each.lines, profile_of(each.profile)) for each in mine})


def verdicts(question: str, group: Sequence[Row], terminal: Terminal, *, short: bool) -> list[str]:
    """A study's question and, beside or below it, how many of its claims have which verdict; `short`: in few words."""
    measured = [row for row in group if row.latest.measured]
    left = len(group) - len(measured)
    rest = [f"{left} not measured at this size"] if left else []
    answer = ", ".join([*([counted(measured)] if measured or not left else []), *rest])
    for long, brief in BRIEF.items() if short else ():
        answer = answer.replace(long, brief)
    if len(question) + len(answer) + 1 <= terminal.width:
        return [f"{terminal.paint(question, 'bold')} {answer}"]
    return [terminal.paint(terminal.wrap(question), "bold"), terminal.wrap(answer, first="    ")]


def remarks(done: Sequence[Report], terminal: Terminal, *, preview: bool) -> list[str]:
    """What the verdicts are not: those of record."""
    texts = []
    if preview and all(size_of(profile_of(report.profile)) not in RECORD for report in done):
        texts.append(
            "At this size the verdicts are previews, and settings that it leaves out keep a claim open; verdicts of "
            "record come from standard and paper runs."
        )
    if any(report.changed for report in done):
        texts.append("Changed parameters went to folders of their own, which are not on the scorecard.")
    return [terminal.wrap(text) for text in texts]


def next_steps(done: Sequence[Report], terminal: Terminal) -> list[str]:
    """What to open next."""
    first = done[0]
    home, where = first.folder.parent.parent, f"{first.study}/{first.profile}"
    given = f" --results {shown(home)}" if shown(home) != "results" else ""
    steps = {
        "Read": shown(home / "README.md") if (home / "README.md").is_file() else "",
        "Open": shown(first.notebook if len(done) == 1 else home / "STUDY" / first.profile / "STUDY.ipynb"),
        "Judge": f"influencelab scorecard{given}",
        "Explore": f"influencelab export {shown(first.folder) if len(done) == 1 else shown(home / where)}",
    }
    notes = {
        "Read": "findings, scorecard and figures of record",
        "Open": "what ran, with its tables and figures; also by `make lab`",
        "Judge": "every claim with its number; --failed for those not reproduced",
        "Explore": "one HTML page, explorer included; so for every study",
    }
    return [
        terminal.wrap(f"{text}  ({notes[name]})", first=f"{name:<9}", rest=" " * 9)
        for name, text in steps.items()
        if text
    ]
