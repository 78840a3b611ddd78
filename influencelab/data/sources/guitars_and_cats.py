"""Photographs of guitars and of cats: 186 and 339."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.download import FOLDER_VARIABLE, RemoteFile, data_folder
from influencelab.data.source import Source
from influencelab.data.sources._archives import REPLACE, checked_archive, files_in, stamp
from influencelab.data.sources._pictures import is_picture, squares
from influencelab.errors import InvalidData, MissingData

FOLDER, NAME = "guitar_cat", "guitar_cat.tar"
# The manifest of its files.
CONTENT = "e3c19b71fe65572634174da4338b3080c30abd6be5c87982124f9c3e4a0ca7c6"
HOME = "the photographs of PACS (guitars) and Dogs vs. Cats (cats)"
# Folders of the classes, which are their names.
CLASSES = ("guitar", "cat")


@dataclass(frozen=True)
class GuitarsAndCats(Source):
    """Guitars (class 0) from the photographs of PACS, and cats (class 1) from Dogs vs. Cats, split at random by `seed`.

    Pictures (3, side, side) in colours from 0 to 255; ids are places by class and name. Nobody publishes these
    together: the archive has to lie among the data files, and pictures of your own are read by `ImageFolder`.

    Attributes:
        side: pixels a side: the short side of a picture is resized to it, and the middle square kept.
        held_out: how many of the 525 pictures are for testing; 225 leaves 300 for training.
    """

    side: int = 96
    held_out: int = 225

    def arrays(self) -> Arrays:
        """All pictures, in uint8.

        Raises:
            MissingData: the archive is not there, or is another one.
            InvalidData: it holds no pictures of a class.
        """
        path = data_folder() / FOLDER / NAME
        if not path.exists():
            raise MissingData(
                f"{path} is not there, and nobody publishes it under an address: it holds {HOME}, as "
                "guitar_cat/guitar/… and guitar_cat/cat/…. Put it there, or set the environment variable "
                f"{FOLDER_VARIABLE} to a folder that holds {FOLDER}/{NAME}; or take pictures of your own: "
                "il.ImageFolder(folder='…')."
            )
        checked_archive(RemoteFile(FOLDER, NAME, "", HOME, ()), CONTENT, cure=REPLACE)
        pictures, labels = decoded(*stamp(path), side=self.side)
        return hold_out(pictures, labels, held_out=self.held_out, seed=self.seed)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Guitar and cat."""
        return CLASSES


@lru_cache(maxsize=1)
def decoded(path: Path, _state: tuple[int, int], *, side: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    """All pictures by class and name, and their classes.

    Raises:
        InvalidData: the archive holds none of a class.
    """
    files, held = files_in(path.read_bytes(), name=NAME), {}
    for label, folder in enumerate(CLASSES):
        names = sorted(name for name in files if PurePosixPath(name).parent.name == folder and is_picture(name))
        if not names:
            raise InvalidData(f"{path} has no pictures in a folder '{folder}'. {REPLACE}")
        held |= dict.fromkeys(names, label)
    return squares({name: files[name] for name in held}, side=side, place=str(path)), numpy.array([*held.values()])
