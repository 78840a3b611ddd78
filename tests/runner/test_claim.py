"""Verdicts follow from intervals and bands alone, and no profile's verdict hides a larger one's."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
from pandas import DataFrame

from influencelab import studies
from influencelab.errors import InvalidData, InvalidParameter, MissingData, UnknownName
from influencelab.runner.claim import Claim, judge
from influencelab.runner.profile import PROFILES, RECORD, Profile, size_of
from influencelab.runner.report import reports
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.scorecard import rows, scorecard_json, scorecard_markdown
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.catalogue import all_claims
from influencelab.studies.results_page import write_readme


def claim(low: float | None = 0.95, high: float | None = 1.05, *, least: str = "standard", name: str = "c") -> Claim:
    """A claim on the number `slope` of the study `fine`."""
    return Claim(
        name=name,
        paper="Somebody 2017, Fig. 1 | left",
        statement="The slope is 1.",
        study="fine",
        where={"statistic": "slope"},
        low=low,
        high=high,
        published="nothing",
        least=least,
    )


def publish(results: Path, profile: str, number: Measurement, *, name: str = "slope") -> None:
    """A report with one number."""
    draft = ReportWriter("fine", folder=results / "fine" / profile, parameters={})
    draft.number(number, statistic=name)
    draft.publish()


def around(value: float, half: float = 0.01) -> Measurement:
    """A number with an interval around it."""
    return Measurement(value, low=value - half, high=value + half)


def measured(number: Measurement | None, control: Measurement | None = None) -> DataFrame:
    """What a report says of the claim's number, and of its control."""
    named = {"slope": number, "controlled_slope": control}
    return tidy(row(each, statistic=name) for name, each in named.items() if each is not None)


@pytest.mark.parametrize(
    ("low", "high", "number", "verdict"),
    [
        (0.95, 1.05, around(1.0), "reproduced"),
        (0.95, 1.05, Measurement(1.0, low=0.95, high=1.05), "reproduced"),
        (0.95, 1.05, around(1.045), "inconclusive"),
        (0.95, 1.05, around(0.945), "inconclusive"),
        (0.95, 1.05, Measurement(1.0, low=0.0, high=2.0), "inconclusive"),
        (0.95, 1.05, around(1.2), "not reproduced"),
        (0.95, 1.05, around(-1.0), "not reproduced"),
        (0.99, None, around(5.0), "reproduced"),
        (0.99, None, around(0.9), "not reproduced"),
        (None, 0.5, around(-9.0), "reproduced"),
        (None, 0.5, around(0.9), "not reproduced"),
        (0.95, 1.05, Measurement(1.0), "reproduced"),
        (0.95, 1.05, Measurement(1.06), "not reproduced"),
        (0.95, 1.05, Measurement(math.nan, low=0.99, high=1.01), "inconclusive"),
        (0.95, 1.05, Measurement(1.0, low=math.nan, high=math.nan), "reproduced"),
        (None, None, around(3.0), "reported only"),
        (0.95, 1.05, None, "not run"),
    ],
)
def test_the_whole_interval_decides(
    low: float | None, high: float | None, number: Measurement | None, verdict: str
) -> None:
    assert judge(claim(low, high), measured(number), "paper").verdict == verdict


def test_a_verdict_says_what_weakens_it() -> None:
    assert str(judge(claim(), measured(around(1.0)), "paper")) == "1.00 [0.99, 1.01] reproduced"
    assert str(judge(claim(), measured(around(1.0)), "quick")) == "1.00 [0.99, 1.01] reproduced (preview)"
    assert (
        str(judge(claim(least="paper"), measured(Measurement(2.0)), "standard"))
        == "2 not reproduced (preview, no interval)"
    )
    distance = replace(claim(), bare="distance of an interval from 0")
    assert (
        str(judge(distance, measured(Measurement(2.0)), "paper")) == "2 not reproduced (distance of an interval from 0)"
    )
    assert str(judge(distance, measured(around(1.0)), "paper")) == "1.00 [0.99, 1.01] reproduced"
    assert str(judge(claim(), measured(Measurement(math.nan)), "paper")) == "none inconclusive (not a number)"
    assert str(judge(claim(), measured(None), "quick")) == "not run"


@pytest.mark.parametrize(
    ("number", "control", "verdict"),
    [
        (around(1.0), around(1.5), "explained"),  # the controls take the effect away
        (around(1.0), around(1.055), "explained"),  # apart, and not wholly in the band
        (around(1.0), around(1.03), "reproduced"),  # it is there with the controls too
        (around(1.0), Measurement(1.2, low=0.9, high=1.5), "reproduced"),  # the controls cannot tell
        (around(1.5), around(1.0), "not reproduced"),
        (around(1.0), None, "reproduced"),
    ],
)
def test_an_effect_that_the_controls_take_away_is_explained(
    number: Measurement, control: Measurement, verdict: str
) -> None:
    checked = replace(claim(), control={"statistic": "controlled_slope"})
    assert judge(checked, measured(number, control), "paper").verdict == verdict


def test_slices_of_the_published_size_stand_in_its_column(tmp_path: Path) -> None:
    publish(tmp_path, "paper_width", around(1.0))
    publish(tmp_path, "paper_depth", around(2.0), name="another")
    publish(tmp_path, "paper_depth-1a2b3c4d", around(3.0))
    line = rows(reports(tmp_path), [claim()])[0]
    assert list(line.verdicts) == ["paper"]
    assert str(line.verdicts["paper"]) == "1.00 [0.99, 1.01] reproduced"
    assert [report.profile for report in reports(tmp_path, profiles=RECORD) if not report.changed] == [
        "paper_depth",
        "paper_width",
    ]


@pytest.mark.parametrize("name", ["paper_", "paper_Width", "quick_width", "huge", "paper_a_b", "paper-width"])
def test_a_profile_that_is_no_size_and_no_slice_is_refused(name: str) -> None:
    with pytest.raises(UnknownName, match="profile"):
        size_of(name)


def test_a_claim_that_cannot_be_judged_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="expected standard or paper"):
        claim(least="quick")
    with pytest.raises(InvalidParameter, match="Swap them"):
        claim(2.0, 1.0)


def test_claims_are_found_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = all_claims()
    assert {found.study for found in known} >= {"leave_one_out"}
    head = "from influencelab.runner.claim import Claim\n"
    body = head + "CLAIMS = (Claim('{}', 'p', 's', 't', {{}}, 'nothing'),)\n"
    monkeypatch.setattr(studies, "__path__", [*studies.__path__, str(tmp_path)])

    def study(name: str, text: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
        (tmp_path / name / "claims.py").write_text(text)

    study("another_study", body.format("of_another_study"))
    assert [found.name for found in all_claims()] != [found.name for found in known]
    assert "of_another_study" in [found.name for found in all_claims()]
    study("third_study", body.format(known[0].name))
    with pytest.raises(InvalidParameter, match=f"Two claims are named '{known[0].name}'"):
        all_claims()


def test_a_claim_that_fits_several_numbers_is_refused() -> None:
    both = tidy(row(around(1.0), depth=depth, statistic="slope") for depth in (1, 2))
    with pytest.raises(InvalidData, match="They differ in depth: say which is meant"):
        judge(claim(), both, "paper")
    assert judge(replace(claim(), where={"depth": 2, "statistic": "slope"}), both, "paper").verdict == "reproduced"


def test_a_smaller_profile_never_replaces_a_larger_ones_verdict(tmp_path: Path) -> None:
    publish(tmp_path, "standard", around(1.0))
    assert rows(reports(tmp_path), [claim()])[0].verdict == "reproduced"
    publish(tmp_path, "quick", around(2.0))
    publish(tmp_path, "tiny", around(3.0))
    line = rows(reports(tmp_path), [claim()])[0]
    assert list(line.verdicts) == ["tiny", "quick", "standard"]
    assert str(line.verdicts["quick"]) == "2.00 [1.99, 2.01] not reproduced (preview)"
    assert str(line.verdicts["standard"]) == "1.00 [0.99, 1.01] reproduced"
    assert line.verdict == "reproduced"
    publish(tmp_path, "paper", around(2.0))
    assert rows(reports(tmp_path), [claim()])[0].verdict == "not reproduced"


def test_a_larger_profile_without_the_number_does_not_hide_a_smaller_one(tmp_path: Path) -> None:
    publish(tmp_path, "standard", around(1.0))
    publish(tmp_path, "paper", around(1.0), name="another")
    line = rows(reports(tmp_path), [claim()])[0]
    assert (line.verdicts["paper"].verdict, line.verdict) == ("not run", "reproduced")


def test_a_verdict_from_a_preview_alone_says_so(tmp_path: Path) -> None:
    publish(tmp_path, "quick", around(1.0))
    assert rows(reports(tmp_path), [claim()])[0].verdict == "reproduced (preview)"
    assert rows([], [claim()])[0].verdict == "not run"


def test_runs_with_changed_parameters_stay_off_the_scorecard(tmp_path: Path) -> None:
    publish(tmp_path, "standard-1a2b3c4d", around(1.0))
    assert rows(reports(tmp_path), [claim()])[0].verdict == "not run"
    assert "1a2b3c4d" not in str(scorecard_json(rows(reports(tmp_path), [claim()])))


def test_the_table_has_a_cell_for_every_head(tmp_path: Path) -> None:
    for profile in PROFILES:
        publish(tmp_path, profile, around(1.0))
    judged = rows(reports(tmp_path), [claim(), claim(name="d", low=None, high=None)])
    lines = [line for line in scorecard_markdown(judged, {"fine": "Is it fine?"}).splitlines() if line]
    assert lines[:2] == ["### Is it fine?", "1 reproduced, 1 reported only."]
    assert len(lines) == 6
    assert {line.count("|") for line in lines[2:]} == {9}


def test_the_page_of_results_is_written_from_standard_and_paper_alone(tmp_path: Path) -> None:
    publish(tmp_path, "standard", around(1.0))
    publish(tmp_path, "quick", around(2.0))
    publish(tmp_path, "standard-1a2b3c4d", around(4.0))
    page = write_readme(tmp_path, claims=[claim()])
    text = page.read_text()
    assert page == tmp_path / "README.md"
    assert "1.00 [0.99, 1.01] reproduced" in text
    assert "quick" not in text
    assert "1a2b3c4d" not in text
    # Damage to what the page does not rest on does not matter; damage to what it rests on does.
    (tmp_path / "fine" / "quick" / "measurements.csv").unlink()
    write_readme(tmp_path, claims=[claim()])
    assert page.read_text() == text
    (tmp_path / "fine" / "standard" / "measurements.csv").unlink()
    with pytest.raises(MissingData, match=r"measurements.csv"):
        write_readme(tmp_path, claims=[claim()])


def test_the_page_says_what_was_not_run_and_how_long_it_would_take(tmp_path):
    planned = {"noise": [Profile(name, {}, 600.0, 1.0) for name in ("tiny", "standard", "paper_digits")]}
    text = write_readme(tmp_path, claims=[claim()], planned=planned).read_text()
    assert "| noise | standard | 10 minutes |\n| noise | paper_digits | 10 minutes |" in text
    assert "tiny" not in text
    assert "Not run yet" not in write_readme(tmp_path, claims=[claim()]).read_text()
