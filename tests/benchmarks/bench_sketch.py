"""`influencelab sketch` on 100,000 sparse columns streamed from disk, its address space held to 4 GiB.

Rows go up to 2,300,000 with --full, whose file takes 2 GB; --folder says where files go, and they stay there.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sparse_rows import WIDTH, write

CAP = 4 * 2**30
SIZES, FULL = (100_000, 500_000), 2_300_000
SETTINGS = ("--target", "y", "--weight-decay", "1e-4", "--k", "200", "--sketches", "1", "--workers", "2")


def measured(path: Path) -> dict[str, float]:
    """The command on one file, under the cap: its own times, clock, processors' time and peak of memory."""
    command = [sys.executable, "-m", "influencelab", "sketch", str(path), *SETTINGS]
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(
            [*command, "--out", str(path.with_suffix(".scores.parquet"))], stdout=said, preexec_fn=held_to_cap
        )
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        said.seek(0)
        told = said.read()
    if status:
        raise SystemExit(f"The command ended with status {status}: {told}")
    pairs = re.findall(r"([\d.]+) s \(([\d.]+) s", " ".join(told.split()))
    fit, scores = ({"": float(clock), "_cpu": float(cpu)} for clock, cpu in pairs)
    found = {f"fit{end}": value for end, value in fit.items()} | {f"scores{end}": each for end, each in scores.items()}
    processors = used.ru_utime + used.ru_stime
    return found | {"whole": seconds, "whole_cpu": processors, "peak_gb": used.ru_maxrss / 2**20}


def held_to_cap() -> None:
    """Refuse this process more address space."""
    resource.setrlimit(resource.RLIMIT_AS, (CAP, CAP))


def main() -> None:
    """Write what files are missing, run the command on each, and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path)
    options.add_argument("--full", action="store_true")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for rows in (*SIZES, FULL) if asked.full else SIZES:
            path = folder / f"rows_{rows}.parquet"
            if not path.exists():
                write(path, rows)
            found = measured(path)
            figures = "  ".join(f"{name} {value:.1f}" for name, value in found.items())
            rates = (
                f"{rows / found['scores']:,.0f} rows a second, {1e6 * found['scores_cpu'] / rows:.1f} CPU s a million"
            )
            print(f"{rows:>9,} × {WIDTH:,}, {path.stat().st_size / 1e9:.2f} GB: {figures}  {rates}", flush=True)


if __name__ == "__main__":
    main()
