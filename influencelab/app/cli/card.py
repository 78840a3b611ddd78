"""The scorecard for a terminal: a line a claim under the questions of the studies, or one claim in full."""

from collections.abc import Iterable, Mapping, Sequence

from influencelab.app.cli.terminal import Terminal, cut_apart
from influencelab.runner.claim import Claim
from influencelab.runner.scorecard import Row, by_study, counted
from influencelab.runner.verdict import DEPENDS, NOT_RUN, Cell, legend
from influencelab.statistics.measurements import describe

COLOUR = {
    "reproduced": "green",
    "explained": "blue",
    DEPENDS: "blue",
    "negligible": "yellow",
    "inconclusive": "yellow",
    "not reproduced": "red",
}
# What stands in the narrow column of verdicts where the whole word has no room.
SHORT = {DEPENDS: "depends", NOT_RUN: "not measured"}
SIZES = {"": "", "reproduced": "size: yes", "not reproduced": "size: no", DEPENDS: "size: depends"}
PREVIEW = "*"
GAP = "  "
# A narrower title than this says little: the verdict on the size makes room for it, the rest for a whole one.
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
    return "\n\n".join([*blocks, total, explained(words_of(judged), terminal)])


def words_of(judged: Iterable[Row]) -> str:
    """The words of claims' lines that a reader may want explained."""
    words = [f"{row.latest.said} {row.claim.title}" for row in judged]
    return " ".join(words)


def layout(judged: Iterable[Row], terminal: Terminal) -> dict[str, int]:
    """The width of each column that has room: verdict, claim, measured, then printed size, accepted and paper."""
    texts = [cells(row) for row in judged]
    widths = {name: max(len(text[name]) for text in texts) for name in texts[0]}
    shown = [name for name in widths if widths[name]]

    def room() -> int:
        return terminal.width - sum(widths[name] + len(GAP) for name in shown if name != "claim") - len(GAP)

    for name, least in (("paper", widths["claim"]), ("accepted", widths["claim"]), ("size", TITLE)):
        if name in shown and room() < least:
            shown.remove(name)
    return {name: min(widths[name], max(room(), 12)) if name == "claim" else widths[name] for name in shown}


def cells(row: Row) -> dict[str, str]:
    """The cells of a claim's line."""
    return {
        "verdict": SHORT.get(row.word, row.word) + (PREVIEW if row.latest.preview else ""),
        "claim": row.claim.title,
        "measured": row.latest.number,
        "size": SIZES.get(row.latest.size, "size: open"),
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
    """Everything about one claim: what is claimed, where, what is accepted, and each setting's number."""
    claim = row.claim
    facts = {
        "claim": claim.statement,
        "made in": claim.paper,
        "published": claim.published,
        "question": f"{questions.get(claim.study, claim.study)} (study {claim.study})",
        "accepted": accepted(claim),
        "number": describe(claim.where),
        **({"controlled": describe(claim.control)} if claim.control else {}),
        "verdict": row.latest.said,
        "name": claim.name,
    }
    width = max(map(len, facts)) + len(GAP)
    lines = [terminal.wrap(text, first=f"  {name:<{width}}", rest=" " * (width + 2)) for name, text in facts.items()]
    for head, every in (("Settings", row.latest.cells), ("Printed sizes", row.latest.sizes)):
        lines += ["", head, *setting_lines(every, terminal)] if every else []
    heading = terminal.paint(terminal.wrap(claim.title), "bold")
    return "\n".join([heading, *lines, "", explained(" ".join([claim.title, *facts, *facts.values()]), terminal)])


def setting_lines(every: Sequence[Cell], terminal: Terminal) -> list[str]:
    """For each setting a line with its verdict, number and band, and one on how the number was made."""
    lines = []
    for cell in every:
        band = f" (accepted {cell.setting.bounds})" if not cell.setting.unbounded else ""
        verdict = terminal.paint(cell.verdict, COLOUR.get(cell.verdict, "faint"))
        name = f"{cell.setting.name}: " if cell.setting.name else ""
        number = f"{cell.number} at {cell.profile}{band}: " if cell.number else ""
        lines.append(terminal.wrap(f"{name}{number}{verdict}", first=GAP, rest=GAP * 2))
        if cell.number:
            n = "" if cell.number.n is None else f"n = {cell.number.n:,}; "
            lines.append(terminal.paint(terminal.wrap(f"{n}{cell.number.note}", first=GAP * 3), "faint"))
    return lines


def accepted(claim: Claim) -> str:
    """The accepted band, what is negligible, and who decides."""
    if claim.bounds == "–":
        return "no band: the number is reported only"
    none = f"; within ±{claim.negligible:g} it is negligible" if claim.negligible else ""
    return f"{claim.band}{none}, decided at {claim.least}{' or paper' if claim.least == 'standard' else ''}"
