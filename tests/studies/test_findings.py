"""Findings are words around numbers that were measured: none is typed."""

import re
from pathlib import Path

import pytest

from influencelab.runner.profile import RECORD
from influencelab.runner.report import reports
from influencelab.runner.report_writer import start_report
from influencelab.statistics.measurement import Measurement
from influencelab.studies import findings

RESULTS = Path(__file__).parents[2] / "results"


def publish(results: Path, profile: str, **numbers: float) -> None:
    draft = start_report("fine", profile=profile, parameters={}, results=results)
    draft.numbers({name: Measurement(value) for name, value in numbers.items()})
    draft.publish()


def test_a_number_is_that_of_the_largest_report_that_holds_it(tmp_path):
    publish(tmp_path, "standard", slope=1.5, width=3.0)
    publish(tmp_path, "paper", slope=2.5)
    said = findings.written(reports(tmp_path), findings=("It is {fine:slope} at width {fine:width}.",))
    assert said == "- It is 2.5 at width 3."


def test_a_finding_with_a_number_that_was_not_measured_is_left_out(tmp_path):
    publish(tmp_path, "standard", slope=1.5)
    texts = ("Seen: {fine:slope}.", "Unseen: {fine:slope} and {fine:depth}.", "Elsewhere: {other:slope}.")
    assert findings.written(reports(tmp_path), findings=texts) == "- Seen: 1.5."


def test_the_table_by_depth_has_a_dash_for_what_was_not_measured_and_no_row_without_a_number(tmp_path):
    assert findings.by_depth(reports(tmp_path)) == ""
    draft = start_report("depth_and_weight_decay", profile="paper", parameters={}, results=tmp_path)
    draft.numbers({"cold/controlled/cold/spearman/2/0.0001": Measurement(0.25, 0.2, 0.3)})
    draft.publish()
    assert findings.by_depth(reports(tmp_path)).splitlines()[-3:] == [
        "| hidden layers | warm, larger weight decay | cold, larger weight decay "
        "| warm, smaller weight decay | cold, smaller weight decay |",
        "| --- | --- | --- | --- | --- |",
        "| two | – | – | – | 0.25 [0.2, 0.3] |",
    ]


@pytest.mark.parametrize("text", findings.FINDINGS)
def test_no_number_is_typed(text):
    assert not re.search(r"\d", findings.PLACE.sub("", text))
    assert findings.PLACE.search(text)


def test_every_finding_on_the_page_is_what_the_committed_numbers_say():
    found = [report for report in reports(RESULTS, profiles=RECORD) if not report.changed]
    said = findings.written(found)
    assert said in (RESULTS / "README.md").read_text(encoding="utf-8")
    assert findings.by_depth(found) in (RESULTS / "README.md").read_text(encoding="utf-8")
    assert said.count("\n- ") == max(0, len(findings.FINDINGS) - 1)
