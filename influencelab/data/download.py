"""Data files that others publish: fetched once, checked, stored in one folder."""

import gzip
import hashlib
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch

from influencelab.errors import MissingData
from influencelab.recipe import Recipe

FOLDER_VARIABLE = "INFLUENCELAB_DATA"
CONNECT_AND_READ_SECONDS = (5, 30)
GZIP = b"\x1f\x8b"
PACKING_ERRORS = (OSError, EOFError, zlib.error)
# Files that an error names at most.
SHOWN = 8


@dataclass(frozen=True)
class RemoteFile(Recipe):
    """A published file, the same bytes wherever it is had from."""

    source: str  # name of the source it belongs to, and of the folder it is kept in
    name: str  # its file name
    md5: str  # the publisher's checksum, 32 hexadecimal digits; empty where whoever reads the file checks what it holds
    home: str  # the publisher's page, named to whoever has to get the file by hand
    mirrors: tuple[str, ...]  # addresses of folders that hold the file, tried in this order
    content_md5: str = ""  # checksum of what it is once unpacked, where it is packed

    def fetch(self) -> Path:
        """The path of the file, downloaded if it lies nowhere in the data folder.

        Unpacked, packed anew, or in a folder laid out by others it is used too, wherever its content is right. A file
        that is there is used in place and never written to, so the folder may be a read-only mirror.

        Raises:
            MissingData: no mirror has it, the folder cannot be written to, or the file there has another checksum.
        """
        path = data_folder() / self.source / self.name
        try:
            given = path.read_bytes() if path.exists() else None
        except OSError as error:
            raise self.missing(f"{path} cannot be read ({error.strerror}).") from error
        if given is not None and (not self.md5 or self.holds(given)):
            return path
        for other in lookalikes(self.name, data_folder()):
            if other != path and self.holds(other.read_bytes()):
                return other
        if given is not None:
            found = hashlib.md5(given).hexdigest()
            damage = f"{path} is damaged or another file: its MD5 is {found}, expected {self.md5}."
            raise self.missing(f"{damage} Delete it to have it downloaded again.")
        self.download(path)
        return path

    def holds(self, content: bytes) -> bool:
        """Whether these bytes are the published ones, packed as there, packed otherwise, or not at all."""
        if hashlib.md5(content).hexdigest() == self.md5:
            return True
        try:
            return hashlib.md5(unpacked(content)).hexdigest() == self.content_md5
        except PACKING_ERRORS:
            return False

    def download(self, path: Path) -> None:
        """Fill `path` from the first mirror that has the right bytes; whole or not at all, by way of another name."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.missing(f"{path.parent} cannot be made ({error.strerror}).") from error
        failures = []
        for mirror in self.mirrors:
            try:
                retrieved(f"{mirror}{self.name}", name=self.name, folder=path.parent, md5=self.md5)
                return
            except OSError as error:  # requests' errors are of this kind too
                failures.append(f"{mirror}: {type(error).__name__}")
            except ValueError:  # pooch's refusal of a wrong checksum
                failures.append(f"{mirror}: wrong checksum")
        raise self.missing(
            f"{self.name} could not be downloaded ({'; '.join(failures)})." + lying_there(data_folder(), self.name)
        )

    def missing(self, why: str) -> MissingData:
        """The error for a reader whose file cannot be had, with the next step."""
        return MissingData(
            f"{why} The official home of {self.name} is {self.home}. Connect to the network, or get the file there and "
            f"put it at {data_folder() / self.source / self.name}, or set the environment variable {FOLDER_VARIABLE} "
            f"to a folder that holds {self.source}/{self.name}."
        )


def retrieved(url: str, *, name: str, folder: Path, md5: str = "") -> Path:
    """A file fetched into a folder, whole or not at all, without a word.

    Raises:
        OSError: it could not be had, or written.
        ValueError: it has another MD5 than this, where one is given.
    """
    downloader: Any = pooch.HTTPDownloader(timeout=CONNECT_AND_READ_SECONDS)
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")  # it would write to the terminal, where a progress bar may be
    try:
        known = f"md5:{md5}" if md5 else None
        return Path(pooch.retrieve(url, known, fname=name, path=folder, downloader=downloader))
    finally:
        logger.setLevel(level)


def unpacked(content: bytes) -> bytes:
    """What a gzip file holds; other content as it is. One of `PACKING_ERRORS` where the file is not whole."""
    return gzip.decompress(content) if content.startswith(GZIP) else content


def lookalikes(name: str, root: Path) -> list[Path]:
    """Readable files that begin as this one does, whatever ends their names, down to `raw` in a folder of a folder."""
    start, below = re.split(r"[-.]idx", name.lower())[0], entries(root)
    folders = (root, *below, *(deeper for each in below for deeper in entries(each)))
    near = dict.fromkeys(part for each in folders for part in (each, each / "raw"))
    alike = [path for each in near for path in entries(each) if path.name.lower().startswith(start)]
    # Some programs unpack a file into a folder of its name.
    found = dict.fromkeys(path for each in alike for path in (each, *entries(each)))
    return [path for path in found if path.is_file() and os.access(path, os.R_OK)]


def lying_there(root: Path, name: str) -> str:
    """What lies in the data folder that looks like this file, for an error; nothing where nothing does."""
    found = [str(path.relative_to(root)) for path in lookalikes(name, root)]
    listed = ", ".join(found[:SHOWN]) + (", …" if len(found) > SHOWN else "")
    return f" Of its kind there lies in {root}: {listed}; its content is not the published one." if found else ""


def entries(folder: Path) -> list[Path]:
    """What a folder holds, in order; nothing where it is none, or cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def data_folder() -> Path:
    """The folder of all data files: the one INFLUENCELAB_DATA names, else the user's cache."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else Path(pooch.os_cache("influencelab"))
