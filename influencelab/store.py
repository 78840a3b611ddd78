"""Finished work on disk, addressed by what it was made from: whole or not at all, and checked when read."""

import hashlib
import json
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from influencelab.noun import Noun

DIGEST = 64


@dataclass(frozen=True, eq=False)
class Entry(Noun):
    """One finished piece of work.

    Attributes:
        arrays: its tensors by name.
        facts: whatever else it found, as plain JSON values.
    """

    arrays: dict[str, Tensor]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Store(Noun):
    """A folder of entries, one file each, named by the fingerprint of the work.

    A file appears by an atomic rename, so a killed run leaves no half-written entry and two runs may share a store.
    """

    folder: Path

    def path(self, key: str) -> Path:
        """Where the entry of this key is, or would be."""
        return self.folder / key[:2] / f"{key}.entry"

    def find(self, key: str) -> Entry | None:
        """The entry, or None where there is none; a damaged one is named in a warning and counts as none."""
        path = self.path(key)
        if not path.exists():
            return None
        content = path.read_bytes()
        digest, body = content[:DIGEST], content[DIGEST:]
        if hashlib.sha256(body).hexdigest().encode() != digest:
            warnings.warn(f"The stored entry {path.name} is damaged and will be made again.", stacklevel=2)
            return None
        try:
            arrays = load(body)
        except SafetensorError as error:
            warnings.warn(f"The stored entry {path.name} cannot be read ({error}).", stacklevel=2)
            return None
        header = json.loads(body[8 : 8 + int.from_bytes(body[:8], "little")])["__metadata__"]
        kept = json.loads(header["entry"])
        # safetensors gives them back in any order; what they are drawn or listed in must not change from run to run.
        return Entry(arrays={name: arrays[name] for name in kept["names"]}, facts=kept["facts"])

    def keep(self, key: str, entry: Entry) -> Path:
        """Write an entry under its key; an older one with the same key is replaced."""
        arrays = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in entry.arrays.items()}
        # One key: with two, safetensors writes them in any order, and equal work would not be equal files.
        body = save(arrays, metadata={"entry": json.dumps({"facts": entry.facts, "names": list(arrays)})})
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(body).hexdigest().encode() + body)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return path
