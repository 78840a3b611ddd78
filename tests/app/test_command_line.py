"""The command line answers at once, refuses clearly, and its exit status is the truth."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest
from typer.core import TyperGroup
from typer.testing import CliRunner, Result

from influencelab import __version__
from influencelab.__main__ import app
from influencelab.app.cli import side_by_side
from influencelab.app.cli.export import folder_of
from influencelab.app.cli.run import announcement
from influencelab.app.cli.side_by_side import share_of
from influencelab.runner import json_file
from influencelab.runner.report import EXPLORER, load
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement
from influencelab.studies.catalogue import all_claims

ROOT = Path(__file__).parents[2]
NOTEBOOKS = ROOT / "tests" / "support" / "notebooks"
COMMAND = [sys.executable, "-m", "influencelab"]
# What kernels of the notebooks here are copied from; a real study needs more, which takes seconds to load.
LOADED = ("ipykernel.kernelapp",)
LIGHT = f"""import runpy
from influencelab.app.cli import side_by_side
side_by_side.LOADED = {LOADED}
runpy.run_module("influencelab", run_name="__main__", alter_sys=True)"""


def command(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, cwd=ROOT, check=False)


def inside(*words: str) -> Result:
    """Run it inside this process, which is faster."""
    return CliRunner().invoke(app, list(words))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and what is in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def publish(results: Path, name: str, profile: str, *, sources: str = "") -> dict[str, bytes]:
    """An earlier report of a study, by other sources if these are given; what is in its folder."""
    draft = ReportWriter(name, folder=results / name / profile, parameters={})
    draft.number(Measurement(1.0), statistic="earlier")
    report = draft.publish()
    if sources:
        json_file.write(report.folder / "manifest.json", report.manifest | {"code": {"sources": sources}})
    return contents(report.folder)


def test_help_loads_nothing_heavy() -> None:
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "influencelab", "--help"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stderr
    modules = set(re.findall(r"\|\s+(\w+)$", loaded, flags=re.MULTILINE))
    assert "typer" in modules
    assert modules.isdisjoint({"torch", "numpy", "pandas", "matplotlib", "papermill", "nbformat"})


def test_claims_and_the_summary_of_a_run_load_no_torch() -> None:
    asked = "import sys; from influencelab.app.cli import run; run.all_claims(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "words", [["--help"], ["list", "--help"], ["run", "--help"], ["scorecard", "-h"], ["lab", "-h"]]
)
def test_every_help_has_an_example(words: list[str]) -> None:
    shown = inside(*words)
    assert shown.exit_code == 0
    assert "Example: influencelab" in shown.output


def test_the_version_is_the_packages() -> None:
    shown = command("--version")
    assert (shown.returncode, shown.stdout) == (0, f"influencelab {__version__}\n")


def test_studies_are_listed_with_their_questions_and_one_with_its_parameters() -> None:
    every = inside("list", "--studies", str(NOTEBOOKS)).output
    assert re.search(r"^fine +Does a study run from top to bottom\?$", every, flags=re.MULTILINE)
    assert len(every.splitlines()) == len(list(NOTEBOOKS.glob("*.ipynb")))
    one = inside("list", "fine", "--studies", str(NOTEBOOKS)).output
    assert re.search(r"^ +size +int +3 +how many numbers to draw$", one, flags=re.MULTILINE)
    assert re.search(r"^ +standard +6 s +0.3 GB +size=9, rates=\(0.01, 0.001\)$", one, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "fin"], "No study is named 'fin'. There are: failing, fine, killed, slow, stepwise, unpublished."),
        (
            ["run", "fine", "fin"],
            "No study is named 'fin'. There are: failing, fine, killed, slow, stepwise, unpublished.",
        ),
        (["run"], "Name the studies to run, or give --all, or --core. There are: failing, fine,"),
        (["run", "fine", "--all"], "Name the studies to run, or give --all"),
        (["run", "--core", "--all"], "Name the studies to run, or give --all"),
        (["run", "--core", "--profile", "tiny"], "No study in that folder is of the core"),
        (["run", "fine", "--profile", "quick"], "fine has no profile 'quick'. There are: tiny, standard."),
        (["run", "fine", "--profile", "tiny", "-p", "sise=1"], "Did you mean 'size'?"),
        (
            ["run", "fine", "--profile", "tiny", "-p", "size=7.5"],
            "Parameter 'size' is declared int, and '7.5' is none: Input should be a valid integer.",
        ),
        (["run", "fine", "--profile", "tiny", "-p", "size"], "'-p size' sets nothing. Write -p name=value"),
        (["run", "fine", "--profile", "tiny", "-p", "size=1", "-p", "size=2"], "Parameter 'size' is given twice."),
        (
            ["run", "fine", "--profile", "tiny", "-p", "results=x"],
            "'results' has an option of its own. Write --results x.",
        ),
        (["run", "failing", "--profile", "tiny", "--workers", "2"], "failing has no parameter 'workers'."),
        (["run", "fine", "--profile", "tiny", "--scheduler", "tcp://h:1"], "fine has no parameter 'scheduler'."),
        (["run", "fine", "failing", "--profile", "tiny", "-p", "size=1"], "failing has no parameter 'size'."),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line_before_anything_runs(
    tmp_path: Path, words: list[str], message: str
) -> None:
    where = ["--studies", str(NOTEBOOKS), *(["--results", str(tmp_path)] if words[0] == "run" else [])]
    refused = inside(*words, *where)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("influencelab: ")
    assert message in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_of_studies_is_refused(tmp_path: Path) -> None:
    refused = command("list", "--studies", str(tmp_path / "nowhere"))
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "There is no folder" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_size_that_comes_in_slices_is_run_slice_by_slice_and_who_lacks_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans, left_out = [], []
    monkeypatch.setattr(
        "influencelab.app.cli.run.run",
        lambda given, *, lacking, **_: (plans.extend(given), left_out.extend(lacking))[0] or 0,
    )
    written = (NOTEBOOKS / "fine.ipynb").read_text()
    (tmp_path / "small.ipynb").write_text(written)
    (tmp_path / "whole.ipynb").write_text(written.replace("standard:", "paper:"))
    (tmp_path / "slices.ipynb").write_text(written.replace("tiny:", "paper_one:").replace("standard:", "paper_two:"))
    words = ["--profile", "paper", "--studies", str(tmp_path)]
    assert inside("run", "--all", *words).exit_code == 0
    ran = [(plan.study.name, plan.folder.name) for plan in plans]
    assert sorted(ran) == [("slices", "paper_one"), ("slices", "paper_two"), ("whole", "paper")]
    assert left_out == ["small"]
    announced = announcement(plans, share_of(plans, 2), left_out)
    assert "Left out, having no such profile: small." in announced
    # Of 6, 5 and 6 s, two at a time, of 0.3 GB each.
    assert "Running 2 studies in 3 runs, 2 at a time. Expected: 8 s, 0.6 GB at most." in announced
    refused = inside("run", "small", *words)
    assert refused.exit_code == 2
    assert "small has no profile 'paper'. There are: tiny, standard." in refused.stderr
    assert inside("run", "--all", "--profile", "quick", "--studies", str(tmp_path)).exit_code == 2


def test_the_core_is_run_alone_and_the_others_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans, named = [], []
    monkeypatch.setattr(
        "influencelab.app.cli.run.run",
        lambda given, *, others, **_: (plans.extend(given), named.extend(others))[0] or 0,
    )
    written = (NOTEBOOKS / "fine.ipynb").read_text()
    (tmp_path / "use.ipynb").write_text(written)
    book = json.loads(written)
    next(cell for cell in book["cells"] if "profiles" in cell["metadata"].get("tags", []))["metadata"]["tags"] += [
        "core"
    ]
    (tmp_path / "settles.ipynb").write_text(json.dumps(book))
    words = ["run", "--profile", "tiny", "--studies", str(tmp_path)]
    assert inside(*words, "--core").exit_code == 0
    assert ([plan.study.name for plan in plans], named) == (["settles"], ["use"])
    assert "Not of the core, and run by `make studies` or --all: use." in announcement(
        plans, share_of(plans, 2), (), named
    )
    plans.clear(), named.clear()
    assert inside(*words, "--all").exit_code == 0
    assert (sorted(plan.study.name for plan in plans), named) == (["settles", "use"], [])


def test_who_does_the_work_is_passed_on_and_makes_no_changed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = []
    monkeypatch.setattr("influencelab.app.cli.run.run", lambda given, **_: plans.extend(given) or 0)
    written = (NOTEBOOKS / "fine.ipynb").read_text()
    declared = r'"scheduler: str = \"\"\\n",' + r'"device: str = \"cpu\"\\n",' + "\n" + r'"workers: int = 1'
    (tmp_path / "fine.ipynb").write_text(re.sub(r'"workers: int = 1', declared, written))
    words = ["--workers", "0", "--scheduler", "tcp://10.0.0.1:8786", "--device", "cuda", "--studies", str(tmp_path)]
    assert inside("run", "fine", "--profile", "tiny", *words).exit_code == 0
    parameters = plans[0].parameters
    assert [parameters[name] for name in ("workers", "scheduler", "device")] == [0, "tcp://10.0.0.1:8786", "cuda"]
    assert plans[0].folder.name == "tiny"
    assert inside("run", "fine", "--workers", "-1", "--studies", str(tmp_path)).exit_code == 2


@pytest.mark.notebook
def test_a_failure_is_told_and_does_not_stop_the_studies_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "LOADED", LOADED)
    (tmp_path / "unpublished").write_text("a file where a folder should be")
    names = ["unpublished", "failing", "killed", "fine"]
    done = inside("run", *names, "--profile", "tiny", "--studies", str(NOTEBOOKS), "--results", str(tmp_path))
    assert done.exit_code == 1
    assert re.match(r"Running 4 studies(, [234] at a time)?\. Expected: \d+ s, ", done.stdout)
    assert re.search(r"^fine at tiny: .+ s, 1 number, in ", done.stdout, flags=re.MULTILINE)
    assert "Measured 1 number in 1 study" in done.stdout
    # The reasons are the last lines, and nothing is between them.
    reasons = [line for line in done.stderr.splitlines() if line]
    assert re.search(rf"^FAILED unpublished: .*: {tmp_path}/unpublished\. Mend that", reasons[-3])
    assert reasons[-2].startswith("FAILED failing: ValueError: the second line is wrong.")
    assert reasons[-1].startswith("FAILED killed: the kernel died")
    assert f"{tmp_path}/killed/tiny.failed.ipynb" in done.stderr
    assert "Traceback" not in done.stderr
    assert load(tmp_path / "fine" / "tiny").parameters["size"] == 3
    assert not (tmp_path / "failing" / "tiny").exists()


@pytest.mark.notebook
def test_changed_parameters_go_to_their_own_folder_and_replace_nothing(tmp_path: Path) -> None:
    earlier = {profile: publish(tmp_path, "fine", profile) for profile in ("tiny", "standard")}
    words = ["--profile", "tiny", "-p", "flag=false", "-p", "rates=[1e-1]", "--workers", "2"]
    done = inside("run", "fine", *words, "--studies", str(NOTEBOOKS), "--results", str(tmp_path))
    assert (done.exit_code, done.stderr) == (0, "")
    for profile, before in earlier.items():
        assert contents(tmp_path / "fine" / profile) == before
    changed = next(path for path in (tmp_path / "fine").iterdir() if re.fullmatch(r"tiny-[0-9a-f]{8}", path.name))
    assert str(changed) in done.stdout
    report = load(changed)
    assert report.parameters == {"size": 3, "flag": False, "rates": [0.1], "workers": 2}
    assert report.facts["kinds"] == ["int", "bool", "tuple", 2]
    assert report.numbers()["sum"].value == pytest.approx(-0.6)


@pytest.mark.notebook
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.exhaustive),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.exhaustive),
    ],
    ids=str,
)
def test_a_signal_ends_all_kernels_and_their_workers_and_leaves_earlier_results(
    tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    names, results = ("slow", "slow_too"), tmp_path / "results"
    for name in names:
        book = json.loads((NOTEBOOKS / "slow.ipynb").read_text().replace("worker.txt", f"{name}.txt"))
        parameters = next(cell for cell in book["cells"] if "parameters" in cell["metadata"].get("tags", []))
        parameters["source"] = [*parameters["source"], "\nworkers: int = 1  # processes"]
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(book))
    shutil.copy(NOTEBOOKS / "fine.ipynb", tmp_path)
    before = {name: publish(results, name, "tiny", sources="other code") for name in names}
    where = ["--studies", str(tmp_path), "--results", str(results)]
    running = subprocess.Popen(
        [sys.executable, "-c", LIGHT, "run", "fine", *names, "--workers", "2", "--profile", "tiny", *where],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        # Where the tests run in the background of a shell, Ctrl-C is ignored, and children inherit that.
        preexec_fn=partial(signal.signal, sent, signal.SIG_DFL),
    )
    told = [results / f"{name}.txt" for name in names]
    until = time.monotonic() + 600
    # Written after the notebooks have published once and begun a second report.
    while not all(each.exists() and each.read_text() for each in told) and time.monotonic() < until:
        time.sleep(0.1)
    workers = [psutil.Process(json.loads(each.read_text())) for each in told]
    running.send_signal(sent)
    _, said = running.communicate(timeout=600)
    assert running.returncode == status
    again = "Run it again: it goes on where it stopped."
    assert said.strip() == f"influencelab: stopped; earlier results are as they were. {again}"
    assert not [each for each in workers if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    for name in names:
        assert contents(results / name / "tiny") == before[name]
        assert [path.name for path in (results / name).iterdir()] == ["tiny"]
    # The two longest run first, and leave no place for the third.
    assert not (results / "fine").exists()


def test_the_scorecard_is_printed_and_its_page_is_written(tmp_path: Path) -> None:
    printed = inside("scorecard", "--results", str(tmp_path))
    assert printed.exit_code == 0
    assert re.search(r"^ +not measured +influence is proportional on top points", printed.output, flags=re.MULTILINE)
    draft = ReportWriter("leave_one_out", folder=tmp_path / "leave_one_out" / "paper", parameters={})
    where = next(claim.where for claim in all_claims() if claim.name == "influence_is_proportional_on_top_points")
    draft.number(Measurement(0.996, low=0.995, high=0.997, n=500), **where)
    draft.publish()
    assert re.search(
        r"^ +reproduced +influence is proportional on top points +0.996 \[0.995, 0.997\]( +≥ 0.99)?$",
        inside("scorecard", "--results", str(tmp_path)).output,
        flags=re.MULTILINE,
    )
    assert not (tmp_path / "README.md").exists()
    written = inside("scorecard", "--write", "--results", str(tmp_path))
    assert str(tmp_path / "README.md") in written.output
    assert "1 reproduced" in (tmp_path / "README.md").read_text()
    assert "Measured: 0.996 [0.995, 0.997] (paper)." in (tmp_path / "leave_one_out" / "README.md").read_text()
    (tmp_path / "leave_one_out" / "paper" / "measurements.csv").write_text("{}")
    damaged = inside("scorecard", "--results", str(tmp_path))
    assert (damaged.exit_code, "1.006" in damaged.stdout) == (0, False)
    assert "measurements.csv is not what was published" in damaged.stderr
    assert inside("scorecard", "--write", "--results", str(tmp_path)).exit_code == 2


@pytest.mark.slow
def test_lab_becomes_jupyterlab_and_passes_arguments_on() -> None:
    done = command("lab", "--studies", str(NOTEBOOKS), "--version")
    assert done.returncode == 0
    assert re.fullmatch(r"4\.\d+\.\d+\n", done.stdout)


def test_export_writes_one_page_of_a_folder_or_of_a_studys_largest_profile(tmp_path: Path) -> None:
    publish(tmp_path, "fine", "tiny")
    publish(tmp_path, "fine", "standard")
    for words, title in (([str(tmp_path / "fine" / "tiny")], "fine at tiny"), (["fine"], "fine at standard")):
        file = tmp_path / "page.html"
        done = inside("export", *words, "--output", str(file), "--results", str(tmp_path))
        assert done.exit_code == 0, done.output
        assert "MB. It opens in any browser" in done.output
        assert f"<title>{title}</title>" in file.read_text(encoding="utf-8")


def test_export_prefers_a_run_that_can_be_explored_to_a_larger_one(tmp_path: Path) -> None:
    for profile in ("tiny", "standard", "paper"):
        publish(tmp_path, "fine", profile)
    (tmp_path / "fine" / "standard" / EXPLORER).touch()
    assert folder_of("fine", tmp_path).name == "standard"
    (tmp_path / "fine" / "standard" / EXPLORER).unlink()
    assert folder_of("fine", tmp_path).name == "paper"


def test_export_says_what_is_missing(tmp_path: Path) -> None:
    publish(tmp_path, "fine", "tiny")
    unknown = inside("export", "fien", "--results", str(tmp_path))
    assert unknown.exit_code == 2
    assert "no study was run under that name" in unknown.output
    assert "There are: fine. Did you mean 'fine'?" in unknown.output
    nowhere = inside("export", "fine", "--results", str(tmp_path), "--output", str(tmp_path / "no" / "page.html"))
    assert nowhere.exit_code == 2
    assert "Make it, or name another" in nowhere.output


def test_ctrl_c_while_the_command_is_read_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(TyperGroup, "make_context", interrupted)
    ended = CliRunner().invoke(app, ["list"])
    assert ended.exit_code == 130
    assert ended.stderr.strip() == "influencelab: stopped before anything began."
