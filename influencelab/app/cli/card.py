"""The scorecard for a terminal: a line a claim under the questions of the studies, or one claim in full."""

from collections.abc import Iterable, Mapping, Sequence

from influencelab.app.cli.terminal import Terminal, cut_apart
from influencelab.runner.claim import Claim, legend
from influencelab.runner.scorecard import Row, by_study, counted
from influencelab.statistics.measurements import describe

COLOUR = {
    "reproduced": "green",
    "explained": "blue",
    "inconclusive": "yellow",
    "not reproduced": "red",
}
PREVIEW = "*"
GAP = "  "
# A narrower title than this says little; the accepted band makes room for it.
TITLE = 32


def card(judged: Sequence[Row], questions: Mapping[str, str], terminal: Terminal) -> str:
    """A line a claim under each question, how many claims have which verdict, and what the words mean."""
    if not judged:
        return "No claim."
    columns = layout(judged, terminal)
    blocks = []
    for study, group in by_study(judged).items():
        heading = terminal.paint(terminal.wrap(questions.get(study, study)), "bold")
        under = terminal.paint(terminal.wrap(f"{study}: {counted(group)}", first=GAP), "faint")
        blocks.append("\n".join([heading, under, *claim_lines(group, columns, terminal)]))
    total = terminal.wrap(f"{len(judged)} claims: {counted(judged)}.")
    preview = ["preview"] if any(row.verdict != row.word for row in judged) else []
    words = " ".join([*(f"{row.word} {row.claim.title}" for row in judged), *preview])
    return "\n\n".join([*blocks, total, explained(words, terminal)])


def layout(judged: Iterable[Row], terminal: Terminal) -> dict[str, int]:
    """The width of each column that has room: verdict, claim, measured, accepted, and the paper in a wide terminal."""
    texts = [cells(row) for row in judged]
    widths = {name: max(len(text[name]) for text in texts) for name in texts[0]}
    shown = ["verdict", "claim", "measured", "accepted", "paper"]

    def room() -> int:
        return terminal.width - sum(widths[name] + len(GAP) for name in shown if name != "claim") - len(GAP)

    if room() < widths["claim"]:
        shown.remove("paper")
    if room() < TITLE:
        shown.remove("accepted")
    return {name: min(widths[name], max(room(), 12)) if name == "claim" else widths[name] for name in shown}


def cells(row: Row) -> dict[str, str]:
    """The cells of a claim's line."""
    return {
        "verdict": row.word + (PREVIEW if row.verdict != row.word else ""),
        "claim": row.claim.title,
        "measured": row.latest.number.rounded() if row.latest and row.latest.number else "",
        "accepted": row.claim.bounds,
        "paper": row.claim.paper,
    }


def claim_lines(group: Sequence[Row], columns: Mapping[str, int], terminal: Terminal) -> list[str]:
    """A line for each claim: its verdict, its title and its number."""
    lines = []
    titles = cut_apart([row.claim.title for row in group], columns["claim"])
    for row, title in zip(group, titles, strict=True):
        texts = cells(row) | {"claim": title}
        shown = [texts[name].ljust(width) for name, width in columns.items()]
        shown[0] = terminal.paint(shown[0], COLOUR.get(row.word, "faint"))
        lines.append((GAP + GAP.join(shown)).rstrip())
    return lines


def explained(text: str, terminal: Terminal) -> str:
    """What the words mean that a text uses."""
    lines = [f"{PREVIEW} {each}" if each.startswith("preview") else each for each in legend(text)]
    return "\n".join(["What the words mean", *(terminal.wrap(each, first=GAP, rest=GAP * 2) for each in lines)])


def in_full(row: Row, questions: Mapping[str, str], terminal: Terminal) -> str:
    """Everything about one claim: what is claimed, where, what is accepted, and the number at every profile."""
    claim = row.claim
    facts = {
        "claim": claim.statement,
        "made in": claim.paper,
        "published": claim.published,
        "question": f"{questions.get(claim.study, claim.study)} (study {claim.study})",
        "accepted": accepted(claim),
        "number": describe(claim.where),
        **({"controlled": describe(claim.control)} if claim.control else {}),
        **{f"at {profile}": measured(row, profile) for profile in row.verdicts},
        "verdict": row.verdict,
        "name": claim.name,
    }
    width = max(map(len, facts)) + len(GAP)
    lines = [terminal.wrap(text, first=f"  {name:<{width}}", rest=" " * (width + 2)) for name, text in facts.items()]
    heading = terminal.paint(terminal.wrap(claim.title), "bold")
    return "\n".join([heading, *lines, "", explained(" ".join([*facts, *facts.values()]), terminal)])


def accepted(claim: Claim) -> str:
    """The accepted band and who decides."""
    if claim.bounds == "–":
        return "no band: the number is reported only"
    return f"{claim.band}, decided at {claim.least}{' or paper' if claim.least == 'standard' else ''}"


def measured(row: Row, profile: str) -> str:
    """The number, verdict and how the interval was made, at one profile."""
    found = row.verdicts[profile]
    if found.number is None:
        return "not run"
    n = "" if found.number.n is None else f"; n = {found.number.n:,}"
    note = f"; {found.number.note}" if found.number.note else ""
    return f"{found.number}: {found.said}{n}{note}"
