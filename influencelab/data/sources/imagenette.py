"""Photographs of tench and of English springer spaniels, fish against dogs, from ImageNet: 1,350 and 1,350."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy

from influencelab.data.arrays import Arrays
from influencelab.data.download import RemoteFile, data_folder
from influencelab.data.source import Source
from influencelab.data.sources._archives import REPLACE, checked_archive, files_in, stamp
from influencelab.data.sources._pictures import is_picture, squares
from influencelab.errors import InvalidData, InvalidParameter, MissingData
from influencelab.recipe import kind_name

HOME = "https://github.com/fastai/imagenette"
MIRRORS = ("https://s3.amazonaws.com/fast-ai-imageclas/",)
# The official archives, of ten classes each, by the pixels of the short side.
OFFICIAL = {
    160: ("imagenette2-160.tgz", "e793b78cc4c9e9a4ccc0c1155377a412"),
    320: ("imagenette2-320.tgz", "3df6f0d01a2c9592104656642f5e78a3"),
}
# A third party's, of these two classes; and the manifest of its files.
RESIZED, RESIZED_NAME = 224, "imagenette2-224-tench-springer.tar"
RESIZED_CONTENT = "5ee5ed3424e4b3549de2a77af654a562964be8a5e0d63c297b18aefbd2c9a17b"
NAMES = {160: OFFICIAL[160][0], RESIZED: RESIZED_NAME, 320: OFFICIAL[320][0]}
# Folders of the classes, what is in them, and the parts.
FOLDERS, CLASSES, PARTS = ("n01440764", "n02102040"), ("tench", "springer"), ("train", "val")


@dataclass(frozen=True)
class Imagenette(Source):
    """Two classes of Howard's Imagenette (2019) with its own parts: tench (class 0) and English springer (class 1).

    There are 963 + 955 training and 387 + 395 test pictures (3, side, side) in colours from 0 to 255. Koh & Liang
    (2017) had 900 + 900 and 300 + 300 pictures of fish and dogs at 299 pixels, from ImageNet too. Ids are places of the
    pictures in a part by class and name, the same in every edition.

    Attributes:
        side: pixels a side: the short side of a picture is resized to it, and the middle square kept.
        edition: pixels of the short side in the archive: 160 or 320 (the official ones, downloaded where they lie
            nowhere) or 224 (a third party's resize of these two classes, which has to lie among the data files). 0 for
            the least of those lying there that `side` does not enlarge, else an official one; `used` says which.
    """

    side: int = 96
    edition: int = 0

    def arrays(self) -> Arrays:
        """All pictures, in uint8.

        Raises:
            MissingData: the archive cannot be had, or is another one.
            InvalidData: it holds no pictures of a class.
        """
        size, source = self.used(), kind_name(self)
        if size == RESIZED:
            file = RemoteFile(source, RESIZED_NAME, "", HOME, ())
            check_there(file)
            checked_archive(file, RESIZED_CONTENT, cure=f"{REPLACE} Or say edition=320.")
        else:
            name, md5 = OFFICIAL[size]
            file = RemoteFile(source, name, md5, HOME, MIRRORS)
        train, y, test, y_test = decoded(*stamp(file.fetch()), side=self.side)
        return Arrays(train, y, test, y_test)

    def used(self) -> int:
        """The edition that is read, in pixels of the short side.

        Raises:
            InvalidParameter: there is none of this size.
        """
        if self.edition in NAMES:
            return self.edition
        if self.edition:
            raise InvalidParameter(
                f"edition is {self.edition}, expected one of {', '.join(map(str, NAMES))} pixels, or 0 for what lies "
                "there."
            )
        here = [size for size, name in NAMES.items() if (data_folder() / kind_name(self) / name).exists()]
        fits = [size for size in (*here, *OFFICIAL) if size >= self.side]
        return fits[0] if fits else max(OFFICIAL)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Tench and springer."""
        return CLASSES

    def content_version(self) -> str:
        """Which archive is read: resized otherwise, pictures have other pixels."""
        return NAMES[self.used()]


def check_there(file: RemoteFile) -> None:
    """Refuse to look for the third party's archive anywhere but among the data files.

    Raises:
        MissingData: it is not there.
    """
    if not (path := data_folder() / file.source / file.name).exists():
        raise MissingData(
            f"{path} is not there, and nobody publishes it under an address. Say edition=160 or edition=320 for the "
            f"official pictures of {file.home}, which are downloaded, or put it there."
        )


@lru_cache(maxsize=1)
def decoded(path: Path, _state: tuple[int, int], *, side: int) -> tuple[numpy.ndarray, ...]:
    """Pictures and classes of training, then of testing.

    Raises:
        InvalidData: the archive holds none of a class.
    """
    files, found = files_in(path.read_bytes(), name=path.name, folders=FOLDERS), []
    for part in PARTS:
        held = {}
        for folder in FOLDERS:
            names = [name for name in files if PurePosixPath(name).parts[-3:-1] == (part, folder) and is_picture(name)]
            if not names:
                raise InvalidData(f"{path} has no pictures in {part}/{folder}. {REPLACE}")
            held |= {name: FOLDERS.index(folder) for name in sorted(names)}
        found += [
            squares({name: files[name] for name in held}, side=side, place=str(path)),
            numpy.array([*held.values()]),
        ]
    return tuple(found)
