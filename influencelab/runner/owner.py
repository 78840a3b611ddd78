"""Owners of files on a disk that several machines share: which process made a file, and whether it still runs."""

import hashlib
import os
import platform
import re
import time
from functools import cache
from pathlib import Path

import psutil

# A process: where it runs, its number there, and when it began, since numbers are given again.
OWNER = r"[0-9a-f]{12}\.\d+\.\d+"
# How long the files of processes that cannot be seen from here must have been left untouched to count as abandoned,
# in seconds. A running study touches its own far more often.
ABANDONED = 7 * 24 * 3600


@cache
def place() -> str:
    """Twelve digits for where process numbers mean the same: one host, since one boot, in one namespace of processes.

    Containers on one machine have numbers of their own, and so have two machines that share a disk. It is a hash,
    since a host's name is nobody else's business.
    """
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    known = [
        platform.node(),
        boot.read_text(encoding="ascii").strip() if boot.is_file() else "",
        str(namespace.readlink()) if namespace.is_symlink() else "",
    ]
    return hashlib.sha256("\0".join(known).encode(errors="surrogateescape")).hexdigest()[:12]


def owner(pid: int) -> str:
    """The name of a process of this place; psutil.NoSuchProcess where there is none, and AccessDenied if it is hidden.

    On Linux the start is counted from the boot, because setting the clock moves every other one.
    """
    stat = Path(f"/proc/{pid}/stat")
    try:
        # The program's name, in parentheses, may hold anything.
        start = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        start = int(psutil.Process(pid).create_time())
    return f"{place()}.{pid}.{start}"


def abandoned(path: Path, made_by: str, *, after: float = ABANDONED) -> bool:
    """Whether a file or folder was left behind by the process that made it.

    A process of this place is known to have ended. Of another, and of a name that says nothing, that is never known:
    its files count as abandoned once nothing in them has changed for a week, or for so many seconds.
    """
    if re.fullmatch(OWNER, made_by) and made_by.startswith(f"{place()}."):
        pid = int(made_by.split(".")[1])
        try:
            return owner(pid) != made_by or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            if not hidden(pid):
                return True
        except (psutil.AccessDenied, PermissionError):
            pass  # another user's
    return time.time() - last_change(path) > after


def hidden(pid: int) -> bool:
    """Whether a process is there that the system does not show to this user."""
    if os.name != "posix":
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return False


def last_change(path: Path) -> float:
    """When a file, or anything in a folder, was changed last, in seconds since 1970; now where that cannot be seen."""
    try:
        return max(each.stat(follow_symlinks=False).st_mtime for each in (path, *path.rglob("*")))
    except OSError:  # it goes meanwhile, or is somebody else's
        return time.time()
