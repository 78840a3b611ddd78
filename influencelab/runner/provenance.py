"""Provenance of a run: code, versions and machine, without names of hosts, users or folders."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil
import threadpoolctl

from influencelab.threads import OF_A_TRIAL

PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "pandas")
MEGABYTE = 10**6


def describe_run() -> dict[str, Any]:
    """Facts about the code and the machine that could change a number or a time."""
    torch = sys.modules.get("torch")
    machine: dict[str, Any] = {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpu": cpu_model(),
        # Those this process may use, which can be fewer than there are.
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / 10**9, 1),
    }
    threads = {str(pool["internal_api"]): int(pool["num_threads"]) for pool in threadpoolctl.threadpool_info()}
    if torch is not None:
        # What the user gave; each trial has one, wherever it runs.
        threads |= {"torch": torch.get_num_threads(), "trials": OF_A_TRIAL}
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            machine["gpu"] = torch.cuda.get_device_name()
    own = {"influencelab": str(sys.modules["influencelab"].__version__), "python": platform.python_version()}
    return {
        "versions": own | {name: importlib.metadata.version(name) for name in PACKAGES},
        "code": {"sources": sources_hash(), **checkout()},
        "machine": machine,
        "threads": threads,
        "peak_memory_mb": peak_memory_mb(),
    }


def sources_hash(folder: Path | None = None) -> str:
    """SHA-256 over the Python files of a folder, the library's own unless given: equal hashes are equal code."""
    root = folder or Path(__file__).parents[1]
    return hash_of_files(root.rglob("*.py"), root)


def hash_of_files(files: Iterable[Path], folder: Path) -> str:
    """SHA-256 over the contents of files and their names within a folder."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def checkout(folder: Path | None = None) -> dict[str, Any]:
    """The `commit` of a checkout, the library's own unless given, and whether its code differs from it (`dirty`).

    Both are None where the library is not run from a checkout of its own.
    """
    root = folder or Path(__file__).resolve().parents[2]
    top = git(root, "rev-parse", "--show-toplevel")
    commit = git(root, "rev-parse", "HEAD")
    # An installed copy may lie inside somebody else's checkout, whose commit says nothing about it.
    if not top or not commit or Path(top).resolve() != root.resolve():
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": bool(git(root, "status", "--porcelain", "--", "influencelab", "studies"))}


def git(folder: Path, *words: str) -> str | None:
    """Output of a git command in a folder; None where there is no git or no checkout."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None
    return os.fsdecode(done.stdout).strip()


def cpu_model() -> str:
    """The processor's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def peak_memory_mb() -> float:
    """Peak memory of this process so far, in MB (10⁶ bytes); workers are not counted."""
    status = Path("/proc/self/status")
    if status.is_file():
        # Not getrusage, whose peak is inherited from the process that started this one.
        lines = status.read_text(encoding="utf-8").splitlines()
        peak = next((line for line in lines if line.startswith("VmHWM")), None)
        if peak:
            return round(int(peak.split()[1]) * 1024 / MEGABYTE, 1)
    try:
        import resource
    except ImportError:  # as on Windows, where the system keeps the peak
        return round(psutil.Process().memory_info()._asdict()["peak_wset"] / MEGABYTE, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE, 1)
