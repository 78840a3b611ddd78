"""Content-addressed store of finished work on disk: entries written completely or not at all, checked when read."""

import errno
import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from influencelab.errors import require
from influencelab.recipe import Recipe, settle
from influencelab.runner.owner import abandoned, owner

__all__ = ["Store"]

DIGEST = 64
# Error numbers of a file system without locks.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@dataclass(frozen=True, eq=False)
class Entry:
    """One finished piece of work: its tensors by name, and everything else as plain JSON values."""

    arrays: dict[str, Tensor]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Store(Recipe):
    """A folder of entries, one file each, named by the fingerprint of the work.

    A file appears by an atomic rename, so a killed run leaves no half-written entry. Runs may share a store: the holder
    of a key's `lock` does that work, and a journal records who did what.
    """

    folder: Path

    def __post_init__(self) -> None:
        settle(self, folder=Path(self.folder) if isinstance(self.folder, str) else self.folder)
        require(self.folder, Path, what="folder of Store", cure="Give a folder, such as 'store'.")

    def path(self, key: str) -> Path:
        """The file of the entry of this key, whether it exists or not."""
        return self.folder / key[:2] / f"{key}.entry"

    def find(self, key: str) -> Entry | None:
        """The entry, or None where there is none; a damaged one is named in a warning and counts as none."""
        path = self.path(key)
        found = from_bytes(path.read_bytes()) if path.exists() else None
        if isinstance(found, str):
            warnings.warn(f"The stored entry {path.name} {found} and will be made again.", stacklevel=2)
            return None
        return found

    def keep(self, key: str, entry: Entry) -> Path:
        """Write an entry under its key; an older one with the same key is replaced."""
        return self.put(key, to_bytes(entry))

    def put(self, key: str, content: bytes) -> Path:
        """Write what `to_bytes` made, perhaps on another machine."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{key}.{owner(os.getpid())}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return path

    @contextmanager
    def lock(self, key: str) -> Iterator[bool]:
        """The exclusive right to do this work while inside, or False where another process or thread has it.

        The lock ends with the process, however that ends. Where the file system has no locks everybody gets it: work
        may then be done twice, and is still stored whole.
        """
        path = self.path(key).with_suffix(".lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, blocking=False, fallback_to_soft=False)
        try:
            lock.acquire()
            acquired = True
        except Timeout:
            acquired = False
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            acquired = None  # there are no locks here
        if acquired:
            # Another machine may hold what it takes for the same lock, and be at this work.
            for partial in path.parent.glob(f".{key}.*"):
                if abandoned(partial, ".".join(partial.name.split(".")[2:5])):
                    partial.unlink(missing_ok=True)
        try:
            yield acquired is not False
        finally:
            if acquired:
                # Before the release, or the file of another's lock would go; Windows removes no open file.
                with suppress(OSError):
                    path.unlink()
                lock.release()

    def note(self, event: str, key: str, *, seconds: float = 0.0) -> None:
        """Add a line to the file `journal`, whole even if others write at the same moment.

        Work is `begun`, `finished` in so many seconds, or `received` from where the folder is out of sight.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        # Without a buffer a line is one write, which appends it at once.
        with (self.folder / "journal").open("ab", buffering=0) as file:
            file.write(f"{event} {key} {os.getpid()} {seconds:.3f}\n".encode())


def to_bytes(entry: Entry) -> bytes:
    """An entry as the bytes of its file: equal work gives equal bytes."""
    arrays = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in entry.arrays.items()}
    # One key: with two, safetensors writes them in any order, and equal work would not be equal files.
    body = save(arrays, metadata={"entry": json.dumps({"facts": entry.facts, "names": list(arrays)})})
    return hashlib.sha256(body).hexdigest().encode() + body


def from_bytes(content: bytes) -> Entry | str:
    """The entry in these bytes, or what is wrong with them."""
    digest, body = content[:DIGEST], content[DIGEST:]
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return "is damaged"
    try:
        arrays = load(body)
    except SafetensorError as error:
        return f"cannot be read ({error})"
    header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])["__metadata__"]
    described = json.loads(header["entry"])
    # safetensors returns them in any order; the order of tables and figures must not change from run to run.
    return Entry(arrays={name: arrays[name] for name in described["names"]}, facts=described["facts"])
