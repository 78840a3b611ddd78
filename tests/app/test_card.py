"""The scorecard and the end of a run are short, wrapped by words, in order, and define the words they use."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from influencelab.app.cli.card import card, in_full
from influencelab.app.cli.scorecard import matching, printed
from influencelab.app.cli.summary import summary
from influencelab.app.cli.terminal import Terminal, cut, here
from influencelab.errors import UnknownName
from influencelab.runner.claim import Claim
from influencelab.runner.report import Report, reports
from influencelab.runner.scorecard import Row, by_study, rows
from influencelab.runner.verdict import TERMS, VERDICTS
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.catalogue import all_claims

RESULTS = Path(__file__).parents[2] / "results"
QUESTIONS = {claim.study: f"What does {claim.study.replace('_', ' ')} do, and does it?" for claim in all_claims()}
CLAIMS = all_claims()


@pytest.fixture(scope="module")
def judged() -> list[Row]:
    return rows(reports(RESULTS), CLAIMS)


def wheres(claim: Claim) -> list[dict[str, Any]]:
    """The settings of every row that a claim rests on."""
    found: list[dict[str, Any]] = []
    for each in (*claim.cells, *claim.printed):
        units = [{name: value} for name, values in each.units.items() for value in values] or [{}]
        changes = [{}, *filter(None, (each.less, each.over))]
        found += [{**each.where, **change, **unit} for change in changes for unit in units]
    return found


def quick(study: str, folder: Path, *, profile: str = "quick") -> Report:
    """A report of a study that measured the number of each of its claims."""
    wanted: list[Any] = [where for claim in CLAIMS if claim.study == study for where in wheres(claim)]
    wanted = wanted or [{"statistic": "slope"}]
    names = sorted({name for where in wanted for name in where})
    lines: list[dict[str, Any]] = []
    # The most particular first: a claim that leaves a setting open selects one of theirs.
    for where in sorted(wanted, key=len, reverse=True):
        if not any(all(line[name] == value for name, value in where.items()) for line in lines):
            lines.append(row(Measurement(0.93, 0.91, 0.95), **{**dict.fromkeys(names), **where}))
    table = tidy(lines)
    return Report(folder / study / profile, study, profile, {}, table, {}, {})


@pytest.mark.parametrize("width", [80, 100, 160, 200])
def test_the_scorecard_is_a_line_a_claim_under_its_question_and_no_wider_than_the_terminal(
    judged: list[Row], width: int
) -> None:
    text = card(judged, QUESTIONS, Terminal(width))
    lines = text.splitlines()
    assert max(map(len, lines)) <= width
    verdicts = "|".join(VERDICTS)
    claims = [line for line in lines if re.match(rf"  ({verdicts}|depends|not measured)\*?  ", line)]
    assert len(claims) == len(judged)
    places = [text.index(question) for study, question in QUESTIONS.items() if study in by_study(judged)]
    assert places == sorted(places)
    # Wrapped between words: the text without line breaks holds each definition whole.
    flowing = re.sub(r"\s+", " ", text)
    assert all(f"{word}: {TERMS[word]}" in flowing for word in ("inconclusive", "negligible", "reported only"))
    # No two titles of a study are cut down to the same, where there is room for their last words.
    titles = [(row.claim.study, re.split("  +", line)[2]) for row, line in zip(judged, claims, strict=True)]
    assert width == 80 or len(set(titles)) == len(titles)


def test_what_a_claim_measured_has_three_digits_and_several_settings_their_range(judged: list[Row]) -> None:
    names = ("the_wrong_optimiser_predicts_worse", "unrolled_is_near_perfect")
    text = card([row for row in judged if row.claim.name in names], QUESTIONS, Terminal(100))
    assert "0.323 [0.284, 0.357]" in text
    assert "  depends     " in text
    assert "0.11 to 0.9982 (15 settings)" in text


def test_a_title_is_cut_between_words_and_keeps_its_end() -> None:
    title = "influence answers the proximal question controlled digits"
    assert cut(title, 100) == title
    assert cut(title, 40) == "influence answers … controlled digits"
    assert len(cut("x" * 60, 20)) == 20


def test_one_claim_in_full_says_everything_about_it(judged: list[Row]) -> None:
    chosen = next(
        row for row in judged if row.claim.name == "influence_is_nearer_to_the_response_than_to_warm_retraining"
    )
    text = in_full(chosen, QUESTIONS, Terminal(80))
    flowing = re.sub(r"\s+", " ", text)
    claim = chosen.claim
    for part in (
        claim.statement,
        claim.paper,
        claim.published,
        "≥ 0 (chosen when first numbers were known); within ±0.02 it is negligible",
        QUESTIONS[claim.study],
        claim.name,
    ):
        assert part in flowing
    assert max(map(len, text.splitlines())) <= 80
    assert f"warm: {TERMS['warm']}" in flowing
    # Every setting with its number, its band and its verdict.
    for cell in chosen.latest.cells:
        assert f"{cell.setting.name}: {cell.number} at {cell.profile} (accepted ≥ 0): {cell.verdict}" in flowing


def test_a_claim_is_found_by_name_by_title_by_words_or_by_study(judged: list[Row]) -> None:
    name = "newton_step_keeps_its_size"
    for wanted in (name, "newton step keeps its size"):
        assert [row.claim.name for row in matching(wanted, judged)] == [name]
    found = {row.claim.name for row in matching("Newton step", judged)}
    assert found == {each.claim.name for each in judged if "newton_step" in each.claim.name}
    assert name in found
    assert {row.claim.study for row in matching("smooth_hinge", judged)} == {"smooth_hinge"}
    with pytest.raises(UnknownName, match="Did you mean 'top_beats_middle'"):
        matching("top_beets_midle", judged)


@pytest.mark.slow
def test_failed_and_json_show_what_was_asked_for(judged: list[Row]) -> None:
    where = {"studies": None, "results": RESULTS}
    text = printed(None, failed=True, as_json=False, **where)
    wrong = [row for row in judged if row.word in ("not reproduced", "depends on the setting")]
    assert wrong
    assert len(re.findall(r"^  (?:not reproduced|depends)(?:\*|  )", text, flags=re.MULTILINE)) == len(wrong)
    found = json.loads(printed(None, failed=False, as_json=True, **where))
    assert [each["verdict"] for each in found] == [row.word for row in judged]
    first = next(row for row in judged if row.latest.measured)
    cell = first.latest.measured[0]
    (told, *_) = found[judged.index(first)]["profiles"][cell.profile]["settings"]
    assert cell.number
    assert told["value"] == cell.number.value


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch, judged: list[Row]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert here().colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not here().colour
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    assert not here().colour
    plain, coloured = (card(judged, QUESTIONS, Terminal(100, colour)) for colour in (False, True))
    assert "\x1b[" not in plain
    assert re.sub(r"\x1b\[\d+m", "", coloured) == plain


def test_a_run_of_all_studies_ends_with_at_most_forty_lines(tmp_path: Path) -> None:
    done = [quick(study, tmp_path) for study in (*QUESTIONS, "explore")]
    text = summary(done, CLAIMS, QUESTIONS, Terminal(100))
    lines = text.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert all(question in text for question in QUESTIONS.values())
    assert f"{len(CLAIMS)} of {len(CLAIMS)} claims tested" in text
    assert "influencelab scorecard" in text
    assert "influencelab export" in text
    assert "preview: " in text
    assert "previews" in text


def test_what_a_run_says_of_a_claim_is_what_it_measured_itself(tmp_path: Path) -> None:
    done = [replace(quick("leave_one_out", tmp_path), profile="quick-1a2b3c4d")]
    text = summary(done, CLAIMS, QUESTIONS, Terminal(100))
    assert "folders of their own" in text
    assert re.search(
        r"^  not reproduced\* +influence is .*proportional on top points +0.930 ", text, flags=re.MULTILINE
    )
