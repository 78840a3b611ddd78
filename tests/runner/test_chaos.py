"""Nothing is lost, mixed or left running, whatever befalls a run; `incidents.py` does so at random moments."""

import secrets
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest
from chaos import (
    Place,
    alive,
    check_again,
    check_nothing_runs,
    check_results,
    check_words,
    ended,
    prepared,
    start,
    words,
)

from influencelab.runner.fork_server import SERVE

PATIENCE = 600


def at_work(mark: str) -> list[psutil.Process]:
    """The worker processes of a run, once there are any."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found = [each for each in alive(mark) if "loky" in words(each)]
        if len(found) >= 2:
            return found
        time.sleep(0.05)
    raise TimeoutError


def stopped(place: Place, sent: signal.Signals) -> int:
    """Send a signal to a run whose workers are at work, and check all that must hold; its status."""
    mark = secrets.token_hex(8)
    process = start(place, mark)
    at_work(mark)
    process.send_signal(sent)
    end = ended(process)
    check_nothing_runs(mark)
    check_words(end)
    assert not check_results(place), "it had not published yet"
    return end.status


@pytest.mark.notebook
@pytest.mark.exhaustive
def test_a_run_that_is_killed_or_hung_up_loses_nothing_and_the_next_one_finishes(tmp_path: Path) -> None:
    place = prepared(tmp_path)
    assert stopped(place, signal.SIGKILL) == -signal.SIGKILL
    assert list((place.results / "chaos").glob(".tiny.run.*"))
    assert stopped(place, signal.SIGHUP) == 128 + signal.SIGHUP
    assert not list((place.results / "chaos").glob(".tiny.run.*"))
    check_again(place)


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.notebook
def test_studies_whose_kernels_are_copies_of_one_process_end_with_a_runner_that_is_killed(tmp_path: Path) -> None:
    place, mark = prepared(tmp_path), secrets.token_hex(8)
    shutil.copy(place.studies / "chaos.ipynb", place.studies / "twin.ipynb")
    process = start(place, mark, studies=("chaos", "twin"))
    at_work(mark)
    assert sys.platform != "linux" or [each for each in alive(mark) if SERVE in words(each)]
    process.kill()
    ended(process)
    check_nothing_runs(mark)
    assert not check_results(place), "it had not published yet"
    check_again(place)


@pytest.mark.notebook
def test_a_run_that_finds_no_room_says_so_in_a_line_and_keeps_the_earlier_report(tmp_path: Path) -> None:
    place, mark = prepared(tmp_path), secrets.token_hex(8)
    end = ended(start(place, mark, largest_file=9_000))
    check_nothing_runs(mark)
    check_words(end)
    assert end.status == 1
    assert "File too large" in end.said
    assert not check_results(place)
