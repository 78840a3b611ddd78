"""What the page is told of studies and reports: when each ran, what it found, and of what type each value is."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from reports import published

from influencelab.app.lab.catalogue import catalogue, described
from influencelab.app.lab.home import Home, home
from influencelab.runner.finding import Finding
from influencelab.runner.profile import RECORD
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement
from influencelab.studies.catalogue import all_findings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Home:
    """A checkout with small studies and no results."""
    shutil.copytree(ROOT / "tests" / "support" / "notebooks", tmp_path / "studies")
    return home(tmp_path)


def card(place: Home, name: str) -> dict[str, Any]:
    """What the list shows of one study."""
    return next(each for each in catalogue(place)["studies"] if each["name"] == name)


def test_each_field_has_the_type_that_its_line_declares(place: Home) -> None:
    fields = {field["name"]: field["schema"] for field in card(place, "fine")["parameters"]}
    assert fields["size"] == {"type": "integer"}
    assert fields["flag"] == {"type": "boolean"}
    assert fields["rates"] == {"type": "array", "items": {"type": "number"}}


def test_a_report_has_the_date_of_its_run_and_not_of_its_file(place: Home) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    for profile in ("tiny", "standard"):
        published(place.root, profile=profile)
    dates = {report["folder"]: report["date"] for report in card(place, "fine")["reports"]}
    assert all(before <= datetime.fromisoformat(date) <= datetime.now(UTC) for date in dates.values())
    # A clone gives every file a time of its own; what ran earlier by its own word stays earlier.
    relabelled(place, "tiny", dates["tiny"], "2019-05-04")
    reports = card(place, "fine")["reports"]
    assert [(each["folder"], each["date"]) for each in reports] == [
        ("standard", dates["standard"]),
        ("tiny", "2019-05-04"),
    ]
    assert described("fine", "tiny", place)["date"] == "2019-05-04"
    # Reports from before it was kept have none, and come last.
    relabelled(place, "standard", "published", "unknown")
    assert [each["date"] for each in card(place, "fine")["reports"]] == ["2019-05-04", ""]


def relabelled(place: Home, profile: str, old: str, new: str) -> None:
    """Change a manifest, and let its file be younger than any run."""
    manifest = place.results / "fine" / profile / "manifest.json"
    manifest.write_text(manifest.read_text().replace(old, new))
    os.utime(manifest, (4e9, 4e9))


@pytest.mark.slow
def test_every_committed_report_has_a_date() -> None:
    here = home(ROOT)
    undated = [
        (each["name"], report["folder"])
        for each in catalogue(here)["studies"]
        for report in each["reports"]
        if report["folder"].startswith(RECORD) and not report["date"]
    ]
    assert undated == []


def test_a_report_says_what_was_found(place: Home) -> None:
    finding = next(each for each in all_findings() if isinstance(each, Finding) and isinstance(each.text, str))
    shutil.copy(ROOT / "studies" / f"{finding.study}.ipynb", place.studies)
    draft = ReportWriter(finding.study, folder=place.results / finding.study / "tiny", parameters={})
    for number, quote in enumerate(finding.quotes):
        draft.number(Measurement(100.0 + number), **quote)
    draft.publish()
    report = described(finding.study, "tiny", place)
    assert str(finding.text).format(*range(100, 100 + len(finding.quotes))) in report["findings"]
    assert not report["explorable"]
