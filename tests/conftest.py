"""What every test relies on: quick tests first, repeatable examples, no display, no trace in the user's home."""

import importlib
import os
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import hypothesis
import matplotlib
import numpy
import pytest
import shape_checks
import threadpoolctl
import torch
from cpu_time import CpuTime

hypothesis.settings.register_profile("house", derandomize=True, deadline=None)
hypothesis.settings.load_profile("house")
# One thread, here and in what tests start: for small work threads cost more than they save, most of all where others
# are at work too.
os.environ.setdefault("OMP_NUM_THREADS", "1")
threadpoolctl.threadpool_limits(1)
torch.set_num_threads(1)
# Compiled tests are kept, also where the environment has it otherwise: a second run need not compile them anew.
sys.dont_write_bytecode = False
# The check of internationalised addresses compiles a grammar for seconds; no notebook of a test has one.
with pytest.MonkeyPatch.context() as patch:
    patch.setitem(sys.modules, "rfc3987_syntax", None)
    importlib.import_module("jsonschema")
# In the background of a shell Ctrl-C is ignored, and under nohup a hang-up; what tests start, and end so, would inherit
# that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
matplotlib.use("Agg")  # in this process only: a kernel under test shows its figures as it would for a user


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--shuffle 7`: no test may need another one to have run before it."""
    text = "run all tests in a random order, mixed over files, and with other draws where an estimator has no seed"
    parser.addoption("--shuffle", type=int, metavar="SEED", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Say at the end where the time went."""
    config.pluginmanager.register(CpuTime(), "cpu-time")
    same_draws(config)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Check shapes and types of the first calls in every test."""
    shape_checks.calls.clear()
    same_draws(item.config)


def same_draws(config: pytest.Config) -> None:
    """Estimators without a seed of their own draw from numpy's: what passed yesterday passes today."""
    numpy.random.seed(config.getoption("shuffle") or 0)  # noqa: NPY002


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Quick tests first, then slow ones, then those that execute a notebook; otherwise in the order of the files."""
    if (seed := config.getoption("shuffle")) is not None:
        random.Random(seed).shuffle(items)
    items.sort(key=lambda item: [item.get_closest_marker(name) is not None for name in ("notebook", "slow")])


@pytest.fixture(scope="session", autouse=True)
def known_version() -> Iterator[None]:
    """The version of the code is found once and not anew for every store: that takes longer than most tests."""
    from influencelab.experiments import code_version

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code_version, "version_of", cache(code_version.version_of))
        yield


@pytest.fixture(scope="session", autouse=True)
def jupyter_home() -> Iterator[Path]:
    """Kernels and notebook signatures live in a temporary folder: the user's own kernels and settings play no part."""
    variables = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
    # A short path, because the sockets of kernels lie below it and their names may not exceed about 100 characters.
    with tempfile.TemporaryDirectory(prefix="jupyter-") as home, pytest.MonkeyPatch.context() as patch:
        for variable, folder in variables.items():
            patch.setenv(f"JUPYTER_{variable}", f"{home}/{folder}")
        patch.setenv("IPYTHONDIR", f"{home}/ipython")
        patch.setenv("JUPYTER_PREFER_ENV_PATH", "1")
        yield Path(home)
