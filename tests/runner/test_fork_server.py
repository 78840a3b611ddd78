"""A kernel that is a copy of a loaded process is what one started anew would be; where there is none, it is started."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from influencelab.runner.fork_server import Forked, ForkServer, fork_server, kernel_environment
from influencelab.runner.study import study

pytestmark = pytest.mark.notebook
SEEN = """
import json
import os
import random
import signal
import sys

import numpy

here = {
    "folder": os.getcwd(),
    "environment": {name: os.environ[name] for name in sorted(os.environ) if name not in ("JPY_PARENT_PID", RUN)},
    "path": sys.path,
    "leads": [os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid()],
    "signals": [str(signal.getsignal(each)) for each in (signal.SIGCHLD, signal.SIGTERM)],
    "loaded": "colorsys" in sys.modules,
}
draft.fact("here", here)
draft.fact("drawn", [random.random(), os.urandom(4).hex()])
"""


@pytest.fixture
def notebooks(tmp_path):
    """A folder of one study that writes down where it finds itself."""
    book = json.loads((Path(__file__).parents[1] / "support" / "notebooks" / "fine.ipynb").read_text())
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    begun = next(cell for cell in code if "start_report" in "".join(cell["source"]))
    text = "".join(begun["source"])
    line = next(line for line in text.splitlines() if "start_report(" in line and "=" in line)
    seen = SEEN.replace("RUN)", '"INFLUENCELAB_RUN_FOLDER")')
    begun["source"] = text.replace(line, line + seen)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "fine.ipynb").write_text(json.dumps(book))
    return tmp_path / "studies"


def facts(notebooks, server):
    """What a run of the study wrote down."""
    return study("fine", folder=notebooks).plan("tiny").execute(server=server).facts


@pytest.mark.slow
@pytest.mark.exhaustive
def test_a_copy_is_what_a_process_of_its_own_would_be_and_draws_its_own_numbers(notebooks):
    with fork_server(["colorsys"], kernels=2) as server:
        first, second = facts(notebooks, server), facts(notebooks, server)
    own = facts(notebooks, None)
    assert first["here"] | {"loaded": False} == second["here"] | {"loaded": False} == own["here"]
    # Elsewhere than on Linux every kernel is a process of its own.
    assert [first["here"]["loaded"], own["here"]["loaded"]] == [sys.platform == "linux", False]
    assert all(own["here"]["leads"])
    assert own["here"]["folder"] == str(notebooks)
    assert len({str(each["drawn"]) for each in (first, second, own)}) == 3
    assert all(each not in second["drawn"] for each in first["drawn"])


def test_where_the_server_is_gone_the_study_runs_in_a_process_of_its_own(notebooks):
    server = ForkServer(["colorsys"], kernel_environment())
    server.close()
    assert facts(notebooks, server)["here"]["loaded"] is False


def test_one_study_alone_has_no_server():
    with fork_server(["colorsys"], kernels=1) as server:
        assert server is None


def test_a_process_that_has_ended_takes_signals_without_a_word_as_a_popen_does():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    handle = Forked(child.pid)
    assert handle.poll() is None
    child.communicate()
    assert handle.poll() == 0
    handle.send_signal(signal.SIGTERM)
    handle.terminate()
    handle.kill()
    assert handle.wait(timeout=5) in (None, 0)
