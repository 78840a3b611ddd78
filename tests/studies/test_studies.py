"""Every study runs headless at its smallest size, says the same twice, and takes what it has from the store."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

import pytest

from influencelab.experiments.store import Store
from influencelab.runner.report import load
from influencelab.runner.study import studies
from influencelab.studies.catalogue import all_claims

ROOT = Path(__file__).parents[2]
STUDIES = [study.name for study in studies(ROOT / "studies")]


@cache
def ran(name: str, results: Path):
    """The report of a run at `tiny`."""
    command = [sys.executable, "-m", "influencelab", "run", name, "--profile", "tiny", "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return load(results / name / "tiny")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")


def written(report) -> str:
    """Its numbers to the last bit; what a clock said is not among them."""
    return report.measurements[report.measurements["unit"] != "s"].to_csv()


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_two_runs_from_empty_stores_say_the_same_to_the_last_bit(name, folders):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(partial(ran, name), folders)
    assert written(first) == written(second)
    assert first.figures
    assert first.notebook.is_file()
    for figure in first.figures:
        assert figure.with_suffix(".png").is_file()


@pytest.mark.notebook
@pytest.mark.parametrize("name", STUDIES)
def test_a_further_run_takes_every_trial_from_the_store(name, folders):
    before = written(ran(name, folders[0]))
    store = Store(folders[0] / ".store")
    finished = [line for line in store.journal() if line.event == "finished"]
    ran.__wrapped__(name, folders[0])
    assert written(load(folders[0] / name / "tiny")) == before
    assert [line for line in store.journal() if line.event == "finished"] == finished


# `explore` looks at what others found.
@pytest.mark.parametrize("name", [name for name in STUDIES if name != "explore"])
def test_every_study_tests_a_claim(name):
    assert [claim for claim in all_claims() if claim.study == name]
