"""Studies side by side: what each may take, and which of them begins."""

import time
from dataclasses import replace
from pathlib import Path

from influencelab.app.cli.side_by_side import longest_first, seconds_again, share_of
from influencelab.runner import json_file
from influencelab.runner.provenance import sources_hash
from influencelab.runner.report_writer import ReportWriter
from influencelab.runner.study import study
from influencelab.statistics.measurement import Measurement

NOTEBOOKS = Path(__file__).parents[1] / "support" / "notebooks"


def test_several_studies_share_the_processes_and_on_a_gpu_they_run_one_at_a_time() -> None:
    plans = [study(name, folder=NOTEBOOKS).plan("tiny") for name in ("fine", "failing", "killed")]
    share = share_of(plans, 7)
    assert (share.studies, share.of(plans[0]).parameters["workers"]) == (3, 2)
    assert share.of(plans[1]) is plans[1], "it cannot take several"
    alone = share_of(plans[:1], 7)
    assert (alone.studies, alone.of(plans[0])) == (1, plans[0]), "as its profile says"
    two = plans[0].study.plan("tiny", workers=2)
    assert [share_of([two, *plans[1:]], cores).seconds(two) for cores in (1, 2, 7)] == [5, 10, 5]
    assert share_of(plans, 2).seconds_of_all(plans) == sum(plan.profile.seconds for plan in plans) / 2
    on_gpu = replace(plans[0], parameters=plans[0].parameters | {"device": "cuda"})
    assert share_of([on_gpu, *plans[1:]], 7).studies == 1


def test_the_longest_begins_first_and_a_study_that_ran_before_counts_without_its_stored_trials(tmp_path: Path) -> None:
    plans = [study(name, folder=NOTEBOOKS).plan("tiny", results=tmp_path) for name in ("fine", "failing", "killed")]
    share = share_of(plans, 2)
    by_profile = sorted((plan.profile.seconds for plan in plans), reverse=True)
    assert [plan.profile.seconds for plan in longest_first(plans, share)] == by_profile
    first = longest_first(plans, share)[0]
    draft = ReportWriter(first.study.name, folder=first.folder, parameters={})
    report = draft.running(0.0, 0.5)["progress"]
    time.sleep(0.2)
    report(1, 1, "one trial")
    draft.number(Measurement(1.0), statistic="any")
    manifest = draft.publish().manifest
    assert 0.2 <= manifest["trial_seconds"] <= manifest["seconds"]
    again = seconds_again(first, sources_hash())
    assert again is not None
    assert abs(again - (manifest["seconds"] - manifest["trial_seconds"])) < 1e-9
    assert longest_first(plans, share)[-1] is first, "what its profile says holds of a first run"
    for other in (manifest | {"code": {"sources": "other"}}, {"seconds": 0.0}):
        json_file.write(first.folder / "manifest.json", other)
        assert longest_first(plans, share)[0] is first, "its trials are not stored by this code"
