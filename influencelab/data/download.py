"""Data files that others publish: fetched once, checked by MD5, stored in one folder."""

import os
from contextlib import ExitStack
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
    """A published file, the same bytes wherever it is had from."""

    source: str  # name of the source it belongs to, and of the folder it is kept in
    name: str  # its file name
    md5: str  # the publisher's checksum, 32 hexadecimal digits
    home: str  # the publisher's page, named to whoever has to get the file by hand
    mirrors: tuple[str, ...]  # addresses of folders that hold the file, tried in this order

    def fetch(self) -> Path:
        """The path of the file, downloaded if it is not there yet.

        A file that is there is used in place and never written to, so the folder may be a read-only mirror.

        Raises:
            MissingData: no mirror has it, the folder cannot be written to, or the file there has another checksum.
        """
        path = data_folder() / self.source / self.name
        try:
            found = pooch.file_hash(str(path), alg="md5") if path.exists() else None
        except OSError as error:
            raise self.missing(f"{path} cannot be read ({error.strerror}).") from error
        if found is None:
            self.download(path)
        elif found != self.md5:
            damage = f"{path} is damaged or another file: its MD5 is {found}, expected {self.md5}."
            raise self.missing(f"{damage} Delete it to have it downloaded again.")
        return path

    def download(self, path: Path) -> None:
        """Fill `path` from the first mirror that has the right bytes; whole or not at all, by way of another name."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self.missing(f"{path.parent} cannot be made ({error.strerror}).") from error
        downloader: Any = pooch.HTTPDownloader(timeout=CONNECT_AND_READ_SECONDS)
        logger, failures = pooch.get_logger(), []
        with ExitStack() as stack:
            # Pooch would write to the terminal, where a progress bar may be.
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel("ERROR")
            for mirror in self.mirrors:
                url = f"{mirror}{self.name}"
                try:
                    pooch.retrieve(url, f"md5:{self.md5}", fname=self.name, path=path.parent, downloader=downloader)
                    return
                except OSError as error:  # requests' errors are of this kind too
                    failures.append(f"{mirror}: {type(error).__name__}")
                except ValueError:  # pooch's refusal of a wrong checksum
                    failures.append(f"{mirror}: wrong checksum")
        raise self.missing(f"{self.name} could not be downloaded ({'; '.join(failures)}).")

    def missing(self, why: str) -> MissingData:
        """The error for a reader whose file cannot be had, with the next step."""
        return MissingData(
            f"{why} The official home of {self.name} is {self.home}. Connect to the network, or get the file there and "
            f"put it at {data_folder() / self.source / self.name}, or set the environment variable {FOLDER_VARIABLE} "
            f"to a folder that holds {self.source}/{self.name}."
        )


def data_folder() -> Path:
    """The folder of all data files: the one INFLUENCELAB_DATA names, else the user's cache."""
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given).expanduser() if given else Path(pooch.os_cache("influencelab"))
