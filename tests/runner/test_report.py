"""A report is written whole or not at all, says what it was made with, and is refused where it was damaged."""

import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy
import pandas
import psutil
import pytest
import torch
from matplotlib.figure import Figure

from influencelab.errors import InvalidData, InvalidParameter, MissingData, UnknownName
from influencelab.runner import json_file, provenance
from influencelab.runner.atomic_folder import RUN_FOLDER, read_progress, run_folder
from influencelab.runner.pieces import pieces_of
from influencelab.runner.report import load, reports
from influencelab.runner.report_writer import LARGEST, ReportWriter, start_report
from influencelab.runner.study import Study
from influencelab.statistics.measurement import Measurement

NOTEBOOKS = Path(__file__).parents[1] / "support" / "notebooks"
PAIRS = pandas.DataFrame({"predicted": [1.0, 2.0], "actual": [1.5, numpy.nan]})


def drawn() -> Figure:
    """A figure of one line."""
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([0, 1])
    return figure


def published(results: Path, *, study: str = "fine", profile: str = "tiny", value: float = 1.0) -> Path:
    """A small published report; its folder."""
    draft = ReportWriter(study, folder=results / study / profile, parameters={"size": 3})
    made_up = Measurement(value, low=value - 1, high=value + 1, n=4, note="made up", unit="nats")
    draft.number(made_up, data="a", statistic="number")
    draft.figure("line", drawn())
    draft.pairs(PAIRS)
    return draft.publish(datasets=[("digits", "ab12")], seeds=[7]).folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_was_published_is_what_is_read(tmp_path: Path) -> None:
    draft = ReportWriter(
        "fine", folder=tmp_path / "fine" / "quick", parameters={"rates": (0.1, math.inf), "flag": False}
    )
    numbers = {
        "nan": Measurement(math.nan),
        "whole": Measurement(1.0, low=0.5, high=math.inf, n=3, note="x", unit="nats"),
    }
    for name, number in numbers.items():
        draft.number(number, depth=3, statistic=name)
    draft.fact("converged", {"all": numpy.int64(5), "grad_norm": torch.tensor(1e-9)})
    draft.pairs(PAIRS)
    figure = drawn()
    assert draft.figure("slopes/line", figure, caption="A line, as straight as a line is.") is figure
    assert draft.figure("of_no_networks", None, caption="Nothing.") is None
    returned = draft.publish(datasets=[("digits", "ab12")], seeds=[1, 2])
    report = load(tmp_path / "fine" / "quick")
    assert (report.study, report.profile, report.changed) == ("fine", "quick", False)
    assert report.folder == returned.folder
    assert repr(report) == f"Report(fine at quick: 2 numbers in {tmp_path / 'fine' / 'quick'})"
    assert report.parameters == {"rates": [0.1, "inf"], "flag": False}
    assert math.isnan(report.numbers()["depth 3, nan"].value)
    assert report.numbers(first=[{"statistic": "whole"}])["depth 3, whole"] == numbers["whole"]
    assert report.facts == {"converged": {"all": 5, "grad_norm": pytest.approx(1e-9)}}
    assert report.manifest["datasets"] == {"digits": "ab12"}
    assert report.manifest["seeds"] == [1, 2]
    pandas.testing.assert_frame_equal(report.pairs(), PAIRS)
    assert [path.name for path in report.figures] == ["line.svg"]
    assert report.captions == {"slopes/line": "A line, as straight as a line is."}
    assert report.figures[0].with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_an_unpublished_draft_leaves_the_last_report_as_it_was(tmp_path: Path) -> None:
    folder = published(tmp_path)
    before = contents(folder)
    draft = ReportWriter("fine", folder=tmp_path / "fine" / "tiny", parameters={})
    draft.number(Measurement(2.0), statistic="another")
    draft.figure("other", drawn())
    assert contents(folder) == before
    assert [path.folder for path in reports(tmp_path)] == [folder]


def test_a_new_report_replaces_all_of_the_last_one(tmp_path: Path) -> None:
    folder = published(tmp_path, value=1.0)
    draft = ReportWriter("fine", folder=tmp_path / "fine" / "tiny", parameters={})
    draft.number(Measurement(2.0), statistic="another")
    assert list(draft.publish().numbers()) == ["another"]
    assert not (folder / "pairs.parquet").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_progress_counts_trials_tables_and_figures_and_ends_only_when_the_report_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fine" / "tiny"
    with run_folder(folder) as run:
        monkeypatch.setenv(RUN_FOLDER, str(run))
        draft = ReportWriter("fine", folder=folder, parameters={}, pieces=3)

        def said() -> tuple[float, str]:
            found = read_progress(folder, runner=os.getpid())
            assert found is not None
            return round(found.fraction, 9), found.text

        report = draft.running(0.0, 0.6)["progress"]
        report(11.99, 50, "trials")
        assert said() == (round(0.6 * 11.99 / 50, 9), "11 of 50 trials")
        report(0.0625, 1, "one trial")
        assert said()[1] == "one trial"
        report(50, 50, "trials")
        assert said() == (0.6, "50 of 50 trials")
        draft.number(Measurement(1.0), statistic="slope")
        assert said() == (0.7, "1 of 3 tables and figures")
        draft.figure("line", drawn())
        draft.pairs(PAIRS)
        assert said() == (0.9, "3 of 3 tables and figures")
        draft.figure("another", drawn())
        assert said() == (0.9, "3 of 3 tables and figures"), "one that was not foreseen ends nothing"
        # A second sweep begins where its study says, and what stands is not counted as to come.
        draft.running(0.2, 0.5, then=0.8)["progress"](1, 1, "one trial")
        assert said() == (0.5, "one trial")


def test_a_notebooks_tables_and_figures_are_counted_before_it_runs() -> None:
    studies = Path(__file__).parents[2] / "studies"
    text = (studies / "leave_one_out.ipynb").read_text(encoding="utf-8")
    calls = sum(text.count(f"draft.{name}(") for name in ("measure", "number", "figure", "pairs", "explore"))
    assert pieces_of(Study(studies / "leave_one_out.ipynb")) == calls > 5


def test_a_published_draft_takes_nothing_more(tmp_path: Path) -> None:
    draft = ReportWriter("fine", folder=tmp_path / "fine" / "tiny", parameters={})
    with pytest.raises(InvalidData, match="no number"):
        draft.publish()
    draft.number(Measurement(1.0), statistic="a")
    draft.publish()
    with pytest.raises(InvalidParameter, match="Begin another"):
        draft.publish()


def test_pairs_too_large_or_without_values_are_refused_with_a_cure(tmp_path: Path) -> None:
    draft = ReportWriter("fine", folder=tmp_path / "fine" / "tiny", parameters={})
    noise = numpy.random.default_rng(0).normal(size=LARGEST // 6)
    with pytest.raises(InvalidData, match=r"more than the 1 MB kept\. Keep float32"):
        draft.pairs(pandas.DataFrame({"actual": noise}))
    with pytest.raises(InvalidData, match="no value in column 'actual'"):
        draft.pairs(pandas.DataFrame({"predicted": [1.0, 2.0], "actual": [math.nan, math.nan]}))
    draft.number(Measurement(1.0), statistic="a")
    report = draft.publish()
    with pytest.raises(MissingData, match="keeps no pairs"):
        report.pairs()


def test_the_same_figure_is_the_same_file(tmp_path: Path) -> None:
    first, second = (published(tmp_path / name) for name in ("first", "second"))
    for name in ("figures/line.svg", "figures/line.png", "pairs.parquet", "measurements.csv", "measurements.parquet"):
        assert contents(first)[name] == contents(second)[name]


@pytest.mark.parametrize("name", ["", "../outside", "/absolute", "two words", "a//b", ".hidden", "a/../b", "schön"])
def test_a_name_that_is_no_key_and_path_is_refused(tmp_path: Path, name: str) -> None:
    draft = ReportWriter("fine", folder=tmp_path / "fine" / "tiny", parameters={})
    with pytest.raises(InvalidParameter, match="is no name for a"):
        draft.figure(name, drawn())


def test_damage_is_refused_by_the_name_of_the_file(tmp_path: Path) -> None:
    folder = published(tmp_path)
    numbers = folder / "measurements.csv"
    kept = numbers.read_text()
    numbers.write_text(kept.replace("1.0", "1.1"))
    assert numbers.read_text() != kept
    with pytest.raises(MissingData, match=r"measurements.csv is not what was published"):
        reports(tmp_path)
    numbers.unlink()
    with pytest.raises(MissingData, match=r"measurements.csv is missing from a published report"):
        load(folder)
    (folder / "manifest.json").write_text('{"files":')
    with pytest.raises(MissingData, match=r"manifest.json is damaged"):
        load(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(MissingData, match=r"manifest.json is missing"):
        reports(tmp_path)


@pytest.mark.parametrize("content", ["{}", '{"files": 3}', '{"files": {}, "study": "fine"}'])
def test_a_manifest_of_another_kind_is_refused_by_name(tmp_path: Path, content: str) -> None:
    folder = published(tmp_path)
    (folder / "manifest.json").write_text(content)
    with pytest.raises(MissingData, match=r"manifest.json is not what this version writes. Run the study again, or"):
        load(folder)


def test_a_damaged_report_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    damaged, said = published(tmp_path, study="a"), []
    published(tmp_path, study="b")
    (damaged / "pairs.parquet").unlink(missing_ok=True)
    (damaged / "measurements.csv").write_text("")
    assert [report.study for report in reports(tmp_path, say=said.append)] == ["b"]
    assert len(said) == 1
    assert str(damaged / "measurements.csv") in said[0]


@pytest.mark.slow
def test_reports_come_by_study_and_size_and_nothing_else_counts(tmp_path: Path) -> None:
    for study, profile in (("b", "tiny"), ("a", "paper"), ("a", "quick"), ("a", "quick-1a2b3c4d"), ("a", "standard")):
        published(tmp_path, study=study, profile=profile)
    (tmp_path / "README.md").write_text("")
    (tmp_path / "a" / "quick.failed.ipynb").write_text("")
    (tmp_path / "a" / "scratch").mkdir()
    order = [(report.study, report.profile) for report in reports(tmp_path)]
    expected = ["quick", "quick-1a2b3c4d", "standard", "paper"]
    assert order == [*(("a", profile) for profile in expected), ("b", "tiny")]
    assert reports(tmp_path / "nowhere") == []


def test_the_manifest_names_versions_and_hardware_but_no_host_user_or_folder(tmp_path: Path) -> None:
    folder = published(tmp_path)
    text = (folder / "manifest.json").read_text()
    made = json.loads(text)
    assert made["versions"]["torch"] == torch.__version__
    assert made["versions"]["python"] == platform.python_version()
    assert made["machine"]["cores"] >= 1
    assert made["seconds"] > 0
    for secret in {platform.node(), str(Path.home()), str(tmp_path), str(Path.cwd())} - {"", "/"}:
        assert secret not in text


def test_peak_memory_is_that_of_this_process_not_of_the_one_that_started_it() -> None:
    assert 0.5 * psutil.Process().memory_info().rss < provenance.peak_memory_mb() * 1e6
    grown = "import sys; from influencelab.runner.provenance import peak_memory_mb; print(peak_memory_mb())"
    ballast = f"x = bytearray(400_000_000); import subprocess, sys; subprocess.run([sys.executable, '-c', {grown!r}])"
    home = str(Path(provenance.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", ballast], capture_output=True, text=True, check=True, cwd=home)
    assert 5 < float(done.stdout) < 300


def test_the_code_hash_changes_with_any_file_or_name(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    source = tmp_path / "deep" / "a.py"
    source.write_text("x = 1\n")
    hashes = {provenance.sources_hash(tmp_path)}
    source.write_text("x = 2\n")
    hashes.add(provenance.sources_hash(tmp_path))
    source.rename(tmp_path / "deep" / "b.py")
    hashes.add(provenance.sources_hash(tmp_path))
    assert len(hashes) == 3
    (tmp_path / "notes.txt").write_text("no code")
    assert provenance.sources_hash(tmp_path) in hashes


def test_the_commit_is_that_of_the_own_checkout_and_says_if_code_changed(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    assert provenance.checkout(tmp_path) == {"commit": None, "dirty": None}
    (tmp_path / "influencelab").mkdir()
    (tmp_path / "influencelab" / "a.py").write_text("x = 1\n")
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    clean = provenance.checkout(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "new").write_text("")
    assert provenance.checkout(tmp_path) == clean
    (tmp_path / "influencelab" / "a.py").write_text("x = 2\n")
    assert provenance.checkout(tmp_path) == clean | {"dirty": True}
    # A copy installed inside somebody else's checkout is not that checkout.
    assert provenance.checkout(tmp_path / "influencelab") == {"commit": None, "dirty": None}


def test_run_by_hand_edited_parameters_go_where_the_command_line_would_put_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (studies := tmp_path / "studies").mkdir()
    (studies / "fine.ipynb").write_bytes((NOTEBOOKS / "fine.ipynb").read_bytes())
    monkeypatch.chdir(studies)
    as_declared = {"size": 9, "flag": True, "rates": (0.01, 0.001), "workers": 1, "profile": "standard", "results": ""}
    for workers in (1, 4):
        folder = start_report("fine", as_declared | {"workers": workers}).folder
        assert folder == tmp_path / "results" / "fine" / "standard"
    edited = start_report("fine", as_declared | {"rates": (0.5,)}).folder
    assert edited == Study(studies / "fine.ipynb").plan("standard", rates="[0.5]").folder
    assert edited.name.startswith("standard-")
    with pytest.raises(UnknownName, match="tiny, quick, standard, paper"):
        start_report("fine", as_declared | {"profile": "hasty"})


def test_what_no_record_can_hold_is_refused() -> None:
    for kind, value in (("Figure", {"figure": drawn()}), ("ndarray", numpy.zeros(3))):
        with pytest.raises(InvalidParameter, match=f"A {kind} cannot be written as JSON"):
            json_file.to_jsonable(value)
