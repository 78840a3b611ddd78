"""`influencelab scorecard`: every claim and its verdict, one claim in full, or the page of results."""

import difflib
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from influencelab.app.cli.card import card, in_full
from influencelab.app.cli.terminal import here, shortened
from influencelab.errors import InfluenceLabError, UnknownName
from influencelab.runner.report import reports
from influencelab.runner.scorecard import Row, rows, scorecard_json
from influencelab.runner.study import Study, studies_folder
from influencelab.runner.study import studies as all_studies
from influencelab.runner.verdict import DEPENDS
from influencelab.studies.catalogue import all_claims
from influencelab.studies.results_page import write_readme

HINT = (
    "One claim in full: influencelab scorecard CLAIM (its title, or some words of it). What failed somewhere: --failed."
)


FAILED = ("not reproduced", DEPENDS)


def shown(path: Path) -> str:
    """A path, relative to the working folder if it is in it."""
    return shortened(str(path))


def results_folder(studies: Path | None, results: Path | None) -> Path:
    """The folder of results that was given, or the one beside the studies."""
    return (results or (studies or studies_folder()).resolve().parent / "results").resolve()


def questions_of(known: Sequence[Study]) -> dict[str, str]:
    """The question of each study that can be read."""
    found = {}
    for each in known:
        try:
            found[each.name] = each.question
        except InfluenceLabError:
            continue
    return found


def printed(claim: str | None, *, failed: bool, as_json: bool, studies: Path | None, results: Path | None) -> str:
    """The scorecard for the screen or, as JSON, for a program: of all claims, or of those that are asked for."""

    def say(line: str) -> None:
        print(shortened(f"influencelab: {line} The rest is shown."), file=sys.stderr)

    home = results_folder(studies, results)
    judged = rows(reports(home, say=say), all_claims())
    chosen = matching(claim, judged) if claim else judged
    chosen = [row for row in chosen if row.word in FAILED] if failed else chosen
    if as_json:
        return json.dumps(plain(scorecard_json(chosen)), indent=2, ensure_ascii=False)
    terminal, questions = here(), questions_of(all_studies(studies))
    if claim and len(chosen) == 1:
        return in_full(chosen[0], questions, terminal)
    if failed and not chosen:
        return "No claim that was judged is 'not reproduced', in all of its settings or in some."
    return f"{card(chosen, questions, terminal)}\n\n{terminal.wrap(HINT)}"


def matching(wanted: str, judged: Sequence[Row]) -> list[Row]:
    """The claim of this name or title, else those whose title holds these words, else those of the study."""
    words = wanted.lower().replace("_", " ").split()
    for fits in (
        lambda claim: wanted in (claim.name, claim.title),
        lambda claim: claim.study == wanted,
        lambda claim: all(word in f"{claim.title} {claim.name.replace('_', ' ')}" for word in words),
    ):
        found = [row for row in judged if words and fits(row.claim)]
        if found:
            return found
    near = difflib.get_close_matches("_".join(words), [row.claim.name for row in judged], n=1, cutoff=0.4)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise UnknownName(f"No claim is named '{wanted}', and no title holds its words.{hint} All: influencelab scorecard.")


def plain(value: Any) -> Any:
    """The value with null in the place of what JSON has no word for: NaN and infinity."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def written(studies: Path | None, results: Path | None) -> str:
    """Join the slices that only together say something, and write the page of results; a text on where it is."""
    from influencelab.studies.depth_and_weight_decay import slices  # it draws, which only this needs

    known, folder = all_studies(studies), results_folder(studies, results)
    slices.write(reports(folder, profiles=("paper",)), folder)
    planned = {each.name: each.profiles.values() for each in known}
    page = write_readme(folder, planned=planned, questions=questions_of(known))
    return f"Wrote {shown(page)}."
