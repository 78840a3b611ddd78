"""What may befall a run of the command line, and many of these at random moments: `python incidents.py 50 SEED`."""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random

import psutil
from chaos import (
    Ended,
    Place,
    alive,
    check_again,
    check_nothing_runs,
    check_results,
    check_words,
    ended,
    prepared,
    start,
)

# The last moment at which something may befall a run, in seconds: a busy machine takes about so long for one.
LONGEST = 20.0


def signalled(place: Place, moment: float, *, sent: signal.Signals, times: int = 1) -> Ended:
    """A signal, perhaps by somebody impatient; Ctrl-C and a closed terminal reach the whole foreground."""
    mark = secrets.token_hex(8)
    process = start(place, mark)
    time.sleep(moment)
    for _ in range(times):
        with suppress(ProcessLookupError):
            (os.killpg if sent in (signal.SIGINT, signal.SIGHUP) else os.kill)(process.pid, sent)
        time.sleep(0.2 if times > 1 else 0.0)
    end = ended(process)
    check_nothing_runs(mark)
    assert end.status in (0, -sent, 128 + sent), end
    return end


def suspended(place: Place, moment: float) -> Ended:
    """All of it stands still for some seconds, as on a laptop that sleeps; it goes to its end."""
    mark = secrets.token_hex(8)
    process = start(place, mark)
    time.sleep(moment)
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for each in alive(mark):
            with suppress(psutil.Error):
                each.send_signal(number)
        time.sleep(3.0 if number == signal.SIGSTOP else 0.0)
    end = ended(process)
    check_nothing_runs(mark)
    assert end.status == 0, end
    return end


def full(place: Place, moment: float) -> Ended:
    """A disk that another fills up, and then empties."""
    mark = secrets.token_hex(8)
    process = start(place, mark)
    time.sleep(moment)
    filling = place.results / "filling"
    with suppress(OSError), filling.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    end = ended(process)
    check_nothing_runs(mark)
    filling.unlink()
    return end


def limited(place: Place, moment: float) -> Ended:
    """No file may be larger than some bytes, which is how a full disk looks to who writes to it."""
    mark = secrets.token_hex(8)
    end = ended(start(place, mark, largest_file=int(1500 * moment)))
    check_nothing_runs(mark)
    return end


def homeless(place: Place, moment: float) -> Ended:
    """HOME is taken away while it runs."""
    mark, home = secrets.token_hex(8), place.studies.parent / "home"
    home.mkdir()
    unset = dict.fromkeys(name for name in os.environ if name.startswith(("XDG_", "JUPYTER_", "IPYTHON", "MPL")))
    process = start(place, mark, environment={**unset, "HOME": str(home)})
    time.sleep(moment)
    shutil.rmtree(home, ignore_errors=True)
    with suppress(OSError):
        home.touch()
    end = ended(process)
    check_nothing_runs(mark)
    return end


def of_few_letters(place: Place, _: float) -> Ended:
    """A locale of few letters; or one that has none for the folder, which is said."""
    mark = secrets.token_hex(8)
    few = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": None}
    end = ended(start(place, mark, environment=few))
    check_nothing_runs(mark)
    return end


def elsewhere(place: Place, moment: float) -> Ended:
    """Two containers run the study into one folder, and one of them is killed; the other goes to its end."""
    marks = [secrets.token_hex(8) for _ in range(2)]
    container = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    first, second = (start(place, mark, prefix=container) for mark in marks)
    time.sleep(moment)
    with suppress(ProcessLookupError):
        first.kill()
    ended(first)
    check_nothing_runs(marks[0])
    end = ended(second)
    check_nothing_runs(marks[1])
    assert end.status == 0, end
    return end


INCIDENTS: dict[str, Callable[[Place, float], Ended]] = {
    "SIGKILL": partial(signalled, sent=signal.SIGKILL),
    "SIGTERM": partial(signalled, sent=signal.SIGTERM),
    "SIGHUP": partial(signalled, sent=signal.SIGHUP),
    "SIGINT": partial(signalled, sent=signal.SIGINT),
    "SIGINT twice": partial(signalled, sent=signal.SIGINT, times=2),
    "SIGSTOP": suspended,
    "full disk": full,
    "small files": limited,
    "HOME gone": homeless,
    "C locale": of_few_letters,
    "two machines": elsewhere,
}


def disk(folder: Path, *, megabytes: int) -> bool:
    """Mount a small disk; false where that is not allowed."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main(count: int, seed: int) -> int:
    """So many random moments, a line each; the number of those that broke something."""
    broken = 0
    for each in range(seed, seed + count):
        random = Random(each)
        name, moment = random.choice(list(INCIDENTS)), random.uniform(0.0, LONGEST)
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            mounted = disk(Path(folder, "disk"), megabytes=2)
            try:
                place = prepared(Path(folder, "disk"))
                end = INCIDENTS[name](place, moment)
                check_words(end)
                new = check_results(place)
                check_again(place, strangers=name == "two machines")
                outcome = f"status {end.status}, {'new' if new else 'earlier'} report; {end.said.strip()}"
            except AssertionError:
                broken += 1
                outcome = f"BROKEN\n{traceback.format_exc()}"
            finally:
                if mounted:
                    subprocess.run(["umount", "-l", str(Path(folder, "disk"))], check=True)
        print(f"seed {each}: {name} at {moment:.1f} s: {outcome}", flush=True)
    print(f"{count} moments, {broken} broken")
    return broken


if __name__ == "__main__":
    sys.exit(min(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0), 1))
