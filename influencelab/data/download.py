"""Data files that others publish: fetched once, checked by MD5, stored in one folder."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch

from influencelab.errors import MissingData
from influencelab.recipe import Recipe

FOLDER_VARIABLE = "INFLUENCELAB_DATA"
CONNECT_AND_READ_SECONDS = (5, 30)


@dataclass(frozen=True)
class RemoteFile(Recipe):
    """A published file, the same bytes wherever it is had from.

    Attributes:
        source: name of the source it belongs to, and of the folder it is kept in.
        name: its file name.
        md5: the publisher's checksum, 32 hexadecimal digits.
        home: the publisher's page, named to whoever has to get the file by hand.
        mirrors: addresses of folders that hold the file, tried in this order.
    """

    source: str
    name: str
    md5: str
    home: str
    mirrors: tuple[str, ...]

    def fetch(self) -> Path:
        """The path of the file, downloaded if it is not there yet.

        A file that is there is used in place and never written to, so the folder may be a read-only mirror.

        Raises:
            MissingData: no mirror has it, the folder cannot be written to, or the file there has another checksum.
        """
        path = data_folder() / self.source / self.name
        try:
            found = md5_of(path)
        except OSError as error:
            raise MissingData(f"{path} cannot be read ({error.strerror}). {cure(self, path)}") from error
        if found is None:
            download(self, path)
            return path
        if found != self.md5:
            raise MissingData(
                f"{path} is damaged or another file: its MD5 is {found}, expected {self.md5}. "
                f"Delete it to have it downloaded again. {cure(self, path)}"
            )
        return path


def md5_of(path: Path) -> str | None:
    """The MD5 of a file; None if there is no such file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def data_folder() -> Path:
    """The folder of all data files: the one INFLUENCELAB_DATA names, else the user's cache."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else Path(pooch.os_cache("influencelab"))


def download(file: RemoteFile, path: Path) -> None:
    """Fill `path` from the first mirror that has the right bytes; whole or not at all, by way of another name.

    Raises:
        MissingData: none has, or the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MissingData(f"{path.parent} cannot be made ({error.strerror}). {cure(file, path)}") from error
    downloader: Any = pooch.HTTPDownloader(timeout=CONNECT_AND_READ_SECONDS)
    failures = []
    for mirror in file.mirrors:
        url, folder = f"{mirror}{file.name}", path.parent
        try:
            with quiet_pooch():
                pooch.retrieve(url, f"md5:{file.md5}", fname=file.name, path=folder, downloader=downloader)
            return
        except OSError as error:  # requests' errors are of this kind too
            failures.append(f"{mirror}: {type(error).__name__}")
        except ValueError:  # pooch's refusal of a wrong checksum
            failures.append(f"{mirror}: wrong checksum")
    raise MissingData(f"{file.name} could not be downloaded ({'; '.join(failures)}). {cure(file, path)}")


def cure(file: RemoteFile, path: Path) -> str:
    """The next step for a reader whose file cannot be had."""
    return (
        f"The official home of {file.name} is {file.home}. Connect to the network, or get the file there and put it at "
        f"{path}, or set the environment variable {FOLDER_VARIABLE} to a folder that holds {file.source}/{file.name}."
    )


@contextmanager
def quiet_pooch() -> Iterator[None]:
    """Keep pooch from writing to the terminal, where a progress bar may be."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
