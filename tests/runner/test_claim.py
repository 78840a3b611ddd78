"""Verdicts follow from intervals and bands alone, over all settings, and no profile's hides a larger one's."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pandas import DataFrame

from influencelab import studies
from influencelab.errors import InvalidData, InvalidParameter, UnknownName
from influencelab.runner.claim import Claim
from influencelab.runner.profile import RECORD, size_of
from influencelab.runner.report import reports
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.scorecard import rows, scorecard_json
from influencelab.runner.setting import Setting
from influencelab.runner.verdict import judge
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.catalogue import all_claims


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
    named = {"published": number, "controlled": control}
    return tidy(row(each, arm=arm, statistic="slope") for arm, each in named.items() if each is not None)


def over(*numbers: Measurement | None) -> DataFrame:
    """What a report says of the claim's number at one setting after another; None was not measured."""
    return tidy(row(each, depth=depth, statistic="slope") for depth, each in enumerate(numbers) if each is not None)


def at_depths(count: int, **changes: Any) -> Claim:
    """The claim at so many settings."""
    settings = tuple(Setting(f"depth {depth}", {"depth": depth}) for depth in range(count))
    return replace(claim(), settings=settings, **changes)


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
        (0.95, 1.05, None, "not measured yet"),
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
    assert str(judge(claim(), measured(Measurement(math.nan)), "paper")) == "none inconclusive (not a number)"
    assert str(judge(claim(), measured(None), "quick")) == "not measured yet"


@pytest.mark.parametrize(
    ("number", "control", "verdict"),
    [
        (around(-0.1), around(0.0), "explained"),  # with the control there is no effect
        (around(-0.1), around(0.005), "explained"),
        (around(-0.1), around(0.015), "reproduced"),  # it may still be an effect
        (around(-0.1), Measurement(0.0, low=-0.2, high=0.2), "reproduced"),  # merely not significant
        (around(-0.1), Measurement(0.0), "reproduced"),  # no interval shows no equivalence
        (around(-0.1), around(0.3), "reproduced"),  # apart, but not none
        (around(0.1), around(0.0), "not reproduced"),
        (around(-0.1), None, "reproduced"),
    ],
)
def test_an_effect_is_explained_only_where_the_control_leaves_none(
    number: Measurement, control: Measurement, verdict: str
) -> None:
    where = {"arm": "published", "statistic": "slope"}
    checked = replace(claim(None, 0.0), where=where, control={"arm": "controlled"}, negligible=0.02)
    assert judge(checked, measured(number, control), "paper").verdict == verdict


@pytest.mark.parametrize(
    ("number", "verdict"),
    [
        (Measurement(-0.0076, low=-0.0091, high=-0.0063), "negligible"),
        (Measurement(0.0016, low=-0.0003, high=0.0034), "negligible"),
        (Measurement(0.005, low=0.001, high=0.009), "negligible"),  # on the other side of 0 as well
        (Measurement(-0.0112, low=-0.0134, high=-0.0093), "reproduced"),
        (Measurement(-0.0, low=-0.02, high=0.02), "inconclusive"),
        (Measurement(0.127, low=0.09, high=0.16), "not reproduced"),
        (Measurement(-0.001), "reproduced"),
    ],
)
def test_an_effect_within_the_smallest_of_interest_is_negligible(number: Measurement, verdict: str) -> None:
    trend = replace(claim(None, 0.0), negligible=0.01)
    assert judge(trend, measured(number), "paper").verdict == verdict


@pytest.mark.parametrize(
    ("numbers", "verdict"),
    [
        ((around(1.0), around(1.01)), "reproduced"),
        ((around(1.0), around(2.0)), "depends on the setting"),
        ((around(1.0), around(2.0), around(1.05)), "depends on the setting"),
        ((around(1.0), around(0.0)), "depends on the setting"),
        ((around(1.0), around(1.05)), "inconclusive"),
        ((around(2.0), around(1.05)), "inconclusive"),
        ((around(2.0), around(3.0)), "not reproduced"),
        ((around(2.0), around(0.0)), "not reproduced"),
        ((around(0.0), around(0.0)), "negligible"),
        ((around(1.0), None), "inconclusive"),
        ((None, None), "not measured yet"),
    ],
)
def test_a_claim_has_one_verdict_over_all_its_settings(numbers: tuple[Measurement | None, ...], verdict: str) -> None:
    judged = judge(at_depths(len(numbers), negligible=0.05), over(*numbers), "paper")
    assert judged.verdict == verdict
    assert [each.setting.name for each in judged.cells] == [f"depth {depth}" for depth in range(len(numbers))]


def test_a_verdict_over_settings_says_their_range_and_how_many_were_measured() -> None:
    assert str(judge(at_depths(2), over(around(1.0), around(2.0)), "paper")) == (
        "1.00 to 2.00 (2 settings) depends on the setting"
    )
    assert judge(at_depths(3), over(around(1.0), None, around(1.0)), "quick").said == (
        "inconclusive (preview, 2 of 3 settings)"
    )


def test_a_setting_may_have_a_band_of_its_own_or_none() -> None:
    own = (Setting("a", {"depth": 0}, high=0.5), Setting("b", {"depth": 1}))
    checked = replace(claim(), settings=own)
    assert checked.bounds == "by setting"
    assert judge(checked, over(around(0.0), around(1.0)), "paper").verdict == "reproduced"
    reported = replace(claim(None, None), settings=(own[1], own[0]))
    # What has no band says nothing beside what has one.
    assert judge(reported, over(around(0.0), around(7.0)), "paper").verdict == "reproduced"
    assert judge(reported, over(around(1.0), around(7.0)), "paper").verdict == "not reproduced"


def test_a_printed_size_has_a_verdict_beside_the_sign() -> None:
    gain = replace(claim(0.0, None), sizes=(Setting("as printed", low=0.36, high=0.56),))
    small = Measurement(0.047, low=-0.026, high=0.117)
    judged = judge(gain, measured(small), "paper")
    assert (judged.verdict, judged.size) == ("inconclusive", "not reproduced")
    assert judged.said == "inconclusive (printed size not reproduced)"
    assert judge(gain, measured(around(0.46)), "paper").size == "reproduced"
    assert judge(gain, measured(None), "paper").size == ""
    assert judge(claim(), measured(small), "paper").size == ""


def test_a_verdict_takes_each_setting_from_the_largest_run_that_measured_it(tmp_path: Path) -> None:
    both = at_depths(2, where={})
    for profile, numbers in {"standard": (around(1.0), around(2.0)), "paper_few": (around(1.02),)}.items():
        draft = ReportWriter("fine", folder=tmp_path / "fine" / profile, parameters={})
        for depth, number in enumerate(numbers):
            draft.number(number, depth=depth)
        draft.publish()
    (line,) = rows(reports(tmp_path), [both])
    assert [(cell.profile, cell.number.value) for cell in line.latest.cells if cell.number] == [
        ("paper", 1.02),
        ("standard", 2.0),
    ]
    assert line.word == "depends on the setting"
    (told,) = scorecard_json([line])
    assert [cell["value"] for cell in told["profiles"]["standard"]["settings"]] == [1.0, 2.0]


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
    with pytest.raises(InvalidParameter, match="Swap them"):
        replace(claim(), settings=(Setting("a", low=2.0, high=1.0),))
    with pytest.raises(InvalidParameter, match="two settings have one name"):
        replace(claim(), settings=(Setting("a", {"depth": 1}), Setting("a", {"depth": 2})))
    with pytest.raises(InvalidParameter, match="Give the smallest effect of interest"):
        replace(claim(), control={"arm": "controlled"})


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
    assert rows(reports(tmp_path), [claim()])[0].latest.said == "reproduced"
    publish(tmp_path, "quick", around(2.0))
    publish(tmp_path, "tiny", around(3.0))
    line = rows(reports(tmp_path), [claim()])[0]
    assert list(line.verdicts) == ["tiny", "quick", "standard"]
    assert str(line.verdicts["quick"]) == "2.00 [1.99, 2.01] not reproduced (preview)"
    assert str(line.verdicts["standard"]) == "1.00 [0.99, 1.01] reproduced"
    assert line.latest.said == "reproduced"
    publish(tmp_path, "paper", around(2.0))
    assert rows(reports(tmp_path), [claim()])[0].latest.said == "not reproduced"


def test_a_larger_profile_without_the_number_does_not_hide_a_smaller_one(tmp_path: Path) -> None:
    publish(tmp_path, "standard", around(1.0))
    publish(tmp_path, "paper", around(1.0), name="another")
    line = rows(reports(tmp_path), [claim()])[0]
    assert (line.verdicts["paper"].verdict, line.latest.said) == ("not measured yet", "reproduced")


def test_a_verdict_from_a_preview_alone_says_so(tmp_path: Path) -> None:
    publish(tmp_path, "quick", around(1.0))
    assert rows(reports(tmp_path), [claim()])[0].latest.said == "reproduced (preview)"
    assert rows([], [claim()])[0].latest.said == "not measured yet"


def test_runs_with_changed_parameters_stay_off_the_scorecard(tmp_path: Path) -> None:
    publish(tmp_path, "standard-1a2b3c4d", around(1.0))
    assert rows(reports(tmp_path), [claim()])[0].latest.said == "not measured yet"
    assert "1a2b3c4d" not in str(scorecard_json(rows(reports(tmp_path), [claim()])))
