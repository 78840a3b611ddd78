"""Findings are words around numbers that were measured: none is typed, and each place is filled by one number."""

import re
from pathlib import Path

import pytest

from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.profile import RECORD
from influencelab.runner.report import reports
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement
from influencelab.studies.catalogue import all_claims, all_findings

RESULTS = Path(__file__).parents[2] / "results"
SENTENCES = [finding for finding in all_findings() if isinstance(finding, Finding)]
SLOPE, WIDTH = {"statistic": "slope"}, {"statistic": "width"}


def publish(results: Path, profile: str, **numbers: float) -> None:
    draft = ReportWriter("fine", folder=results / "fine" / profile, parameters={})
    for name, value in numbers.items():
        draft.number(Measurement(value), statistic=name)
    draft.publish()


def test_a_number_is_that_of_the_largest_report_that_holds_it(tmp_path):
    publish(tmp_path, "standard", slope=1.5, width=3.0)
    publish(tmp_path, "paper", slope=2.5)
    found = Finding("fine", "It is {} at width {}.", (SLOPE, WIDTH))
    assert found.written(reports(tmp_path)) == "It is 2.5 at width 3."


def test_a_finding_with_a_number_that_was_not_measured_is_left_out(tmp_path):
    publish(tmp_path, "standard", slope=1.5)
    assert Finding("fine", "Unseen: {} and {}.", (SLOPE, {"statistic": "depth"})).written(reports(tmp_path)) == ""
    assert Finding("other", "Elsewhere: {}.", (SLOPE,)).written(reports(tmp_path)) == ""


def test_a_table_has_a_dash_for_what_was_not_measured_and_no_row_without_a_number(tmp_path):
    shown = FindingTable(
        "fine", "Slopes:", "depth", {"one": {"depth": 1}, "two": {"depth": 2}}, {"slope": SLOPE, "width": WIDTH}
    )
    assert shown.written(reports(tmp_path)) == ""
    draft = ReportWriter("fine", folder=tmp_path / "fine" / "paper", parameters={})
    draft.number(Measurement(0.25, 0.2, 0.3), depth=2, statistic="width")
    draft.publish()
    lines = shown.written(reports(tmp_path)).splitlines()
    assert lines == [
        "Slopes:",
        "",
        "| depth | slope | width |",
        "| --- | --- | --- |",
        "| two | – | 0.25 [0.20, 0.30] |",
    ]


def sentence(finding):
    """What it says, with a place for each number: of one that chooses, what it says of numbers all alike."""
    alike = [Measurement(0.5, 0.4, 0.6, 9)] * len(finding.quotes)
    return finding.text if isinstance(finding.text, str) else finding.text(alike)


@pytest.mark.parametrize("finding", SENTENCES, ids=lambda finding: sentence(finding)[:40])
def test_no_result_is_typed(finding):
    places, number = r"\{(\d(\.n)?)?\}", r"\d+(?:\.\d+)?"
    typed = re.findall(number, re.sub(places, "", sentence(finding)))
    # A setting, or what a paper printed, may be.
    claims = [f"{claim.statement} {claim.published}" for claim in all_claims() if claim.study == finding.study]
    assert set(map(float, typed)) <= set(map(float, re.findall(number, f"{finding.quotes} {claims}")))
    assert len(re.findall(places, sentence(finding))) == len(finding.quotes) > 0


def test_a_finding_can_choose_its_words_by_its_numbers(tmp_path):
    publish(tmp_path, "standard", slope=1.5, width=3.0)
    for least, said in ((1.0, "It rises to 1.5 at width 3."), (2.0, "It stays at 1.5.")):
        found = Finding(
            "fine",
            lambda each, least=least: "It rises to {} at width {}." if each[0].value > least else "It stays at {}.",
            (SLOPE, WIDTH),
        )
        assert found.written(reports(tmp_path)) == said
    assert Finding("fine", lambda _: "{} {}", (SLOPE, {"statistic": "depth"})).written(reports(tmp_path)) == ""


def test_a_table_says_of_how_many_each_number_is(tmp_path):
    draft = ReportWriter("fine", folder=tmp_path / "fine" / "standard", parameters={})
    draft.number(Measurement(0.5), depth=1, statistic="slope")
    draft.number(Measurement(0.0, n=1200), depth=1, statistic="undefined")
    draft.number(Measurement(0.25), depth=2, statistic="slope")
    draft.publish()
    rows = {"one": {"depth": 1}, "two": {"depth": 2}}
    table = FindingTable("fine", "Slopes:", "depth", rows, {"slope": SLOPE}, counted={"statistic": "undefined"})
    assert table.written(reports(tmp_path)).splitlines()[-2:] == ["| one | 0.5 (1,200) |", "| two | 0.25 |"]


@pytest.mark.slow
def test_every_finding_on_the_page_is_what_the_committed_numbers_say():
    found = [report for report in reports(RESULTS, profiles=RECORD) if not report.changed]
    # Of a study that no record was made of yet nothing is known.
    for study in {finding.study for finding in all_findings()} & {report.study for report in found}:
        text = (RESULTS / study / "README.md").read_text(encoding="utf-8")
        written = [finding.written(found) for finding in all_findings() if finding.study == study]
        assert any(written)
        assert all(part in text for part in written)
