"""Archives that others publish: what they hold, known by its content whatever it is packed in."""

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from influencelab.data.download import PACKING_ERRORS, RemoteFile, data_folder
from influencelab.errors import InvalidData, MissingData

# The next step for whoever has another file there.
REPLACE = "Replace it by the original."


def checked_archive(file: RemoteFile, content: str, *, cure: str = "Delete it to have it downloaded again.") -> bytes:
    """An archive without a checksum of its own, fetched if need be, as long as it holds what was published.

    Args:
        file: the archive.
        content: the `manifest` of what it holds.
        cure: the next step where it holds something else.

    Raises:
        MissingData: it cannot be had, or holds something else.
        InvalidData: it is no archive.
    """
    there = data_folder() / file.source / file.name
    given = there.exists()
    path = file.fetch()
    packed = path.read_bytes()
    try:
        if (found := manifest(files_in(packed, name=file.name))) != content:
            damage = f"{path} is damaged or another file: its content has the SHA-256 {found}, expected {content}."
            raise file.missing(f"{damage} {cure}")
    except (InvalidData, MissingData):
        # What a mirror gave in its place is not kept; what a user put there is theirs.
        if not given:
            path.unlink(missing_ok=True)
        raise
    return packed


@lru_cache(maxsize=1)
def files_in(content: bytes, *, name: str, folders: Sequence[str] = ()) -> Mapping[str, bytes]:
    """Files of an archive by their names: every one, or those whose path goes through one of these folders.

    Raises:
        InvalidData: it is no archive, or not whole.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            wanted = [each for each in packed if each.isfile() and (not folders or through(each.name, folders))]
            opened = {each.name: packed.extractfile(each) for each in wanted}
            return {path: file.read() for path, file in opened.items() if file is not None}
    except (tarfile.TarError, *PACKING_ERRORS) as error:
        raise InvalidData(f"{name} is no whole archive ({error}). {REPLACE}") from error


def stamp(path: Path) -> tuple[Path, tuple[int, int]]:
    """A file as it stands now, by the time of its last change and its size: what was made of it is right as long."""
    found = path.stat()
    return path, (found.st_mtime_ns, found.st_size)


def through(path: str, folders: Sequence[str]) -> bool:
    """Whether a path in an archive goes through one of these folders."""
    return not set(folders).isdisjoint(path.split("/")[:-1])


def manifest(files: Mapping[str, bytes]) -> str:
    """One checksum of all names and contents: SHA-256 over a line a file, sorted, of its name and its own SHA-256."""
    lines = sorted(f"{name} {hashlib.sha256(content).hexdigest()}\n" for name, content in files.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
