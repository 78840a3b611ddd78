"""A user's own pictures, in a folder for each class."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy
from jaxtyping import Int, UInt8

from influencelab.data.arrays import SCALINGS, STREAMS, Arrays
from influencelab.data.download import data_folder
from influencelab.data.source import Source
from influencelab.data.sources._pictures import SUFFIXES, is_picture, shown, squares
from influencelab.errors import InvalidData, InvalidParameter, MissingData, WrongType, named
from influencelab.recipe import kind_name, settle

# Sub-folders that part a folder, and the share that is held out where there are none.
TRAIN, TESTS, SHARE = "train", ("test", "val"), 0.2
# What an error names at most.
SHOWN = 8
LAYOUT = "Lay the pictures out as folder/cat/1.jpg, folder/dog/2.jpg, …: a sub-folder for each class"


@dataclass(frozen=True)
class ImageFolder(Source):
    """Pictures (n, 3, side, side) in colours from 0 to 255, each class in a sub-folder of its name.

    They lie in `folder/cat/1.jpg`, or parted in `folder/train/cat/1.jpg` and `folder/test/cat/2.jpg` (or `val/` where
    there is no `test/`). Hidden files and those that do not end as pictures do are passed over. Cameras' notes on
    which way is up are followed, grey pictures have three equal colours, and what is transparent stands on white.
    Classes go by the alphabet; ids are places of the pictures by class and name, and results show `cat/1.jpg` for them.
    Results are stored by the content of the files: change one picture, and what it decides is computed anew.

    Attributes:
        folder: where they lie; empty for `image_folder` among the data files.
        side: pixels a side: the short side of a picture is resized to it, and the middle square kept.
        held_out: pictures for testing, a share (below 1) or a number, drawn by `seed` from every class alike; 0 for
            those in `test/`, or a fifth where the folder is not parted.
    """

    folder: str | Path = ""
    side: int = 64
    held_out: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.folder, str | os.PathLike):
            raise WrongType(f"folder of ImageFolder is {named(self.folder)}, expected a path: folder='my/pictures'.")
        settle(self, folder=os.fspath(self.folder))
        if not self.folder and self.scaling not in SCALINGS:
            raise InvalidParameter(
                f"scaling is '{self.scaling}', expected one of {', '.join(SCALINGS)}. A folder is given by the name of "
                f"its setting: ImageFolder(folder='{self.scaling}')."
            )

    def arrays(self) -> Arrays:
        """All pictures, in uint8.

        Raises:
            MissingData: there is no such folder, or it cannot be read.
            InvalidData: it has no two classes, a class has too few pictures, or pictures cannot be read.
        """
        train, test = self.parts()
        version, names = self.content_version(), tuple(train)
        pictures = decoded(self.root(), version, side=self.side)
        y = labels(train, names)
        if test is not None:
            return Arrays(pictures[: len(y)], y, pictures[len(y) :], labels(test, names))
        kept, held = dealt(y, held_out=self.held_out or SHARE, seed=self.seed)
        return Arrays(pictures[kept], y[kept], pictures[held], y[held], train_ids=kept, test_ids=held)

    def root(self) -> Path:
        """The folder of all pictures."""
        return Path(self.folder).expanduser() if self.folder else data_folder() / kind_name(self)

    def parts(self) -> tuple[dict[str, list[Path]], dict[str, list[Path]] | None]:
        """The pictures of each class for training and for testing; None for the latter where the folder has no part."""
        train, test = parted(self.root())
        if test is not None and self.held_out:
            raise InvalidParameter(
                f"held_out is {self.held_out:g}, but {self.root()} has a part for testing already. Leave held_out 0."
            )
        return train, test

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the sub-folders."""
        return tuple(shown(name) for name in self.parts()[0])

    @property
    def point_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Each picture by class and file, of training and of testing."""
        train, test = (None if part is None else tuple(called(part)) for part in self.parts())
        return train or (), test or train or ()

    def content_version(self) -> str:
        """Hash of the names and the bytes of all pictures."""
        return content_version(self.root(), self.parts())


def parted(root: Path) -> tuple[dict[str, list[Path]], dict[str, list[Path]] | None]:
    """The pictures of each class by name, for training and, where the folder is parted, for testing."""
    inside = folders_in(root)
    test = next((name for name in TESTS if name in inside), None)
    if TRAIN not in inside or test is None or not folders_in(inside[TRAIN]):
        return classes_in(root), None
    train, tested = classes_in(inside[TRAIN]), classes_in(inside[test], least=1)
    if foreign := [name for name in tested if name not in train]:
        raise InvalidData(
            f"{root} has pictures for testing of {listed(foreign)}, which {inside[TRAIN]} has none of. Move some there."
        )
    return train, tested


def classes_in(folder: Path, *, least: int = 2) -> dict[str, list[Path]]:
    """The pictures of each class of a part; each class of training has two, so that one can be left out.

    Raises:
        InvalidData: fewer than two classes in training, or too few pictures of one.
    """
    classes = {name: pictures_in(path) for name, path in folders_in(folder).items()}
    if len(classes) < least:
        raise InvalidData(
            f"{folder} has {len(classes)} sub-folders ({listed(classes) or 'none'}), expected {least} or more. "
            f"{LAYOUT}."
        )
    if empty := [name for name, held in classes.items() if not held]:
        raise InvalidData(
            f"{folder} has sub-folders without pictures: {listed(empty)}; expected files that end in "
            f"{', '.join(sorted(SUFFIXES))}. {LAYOUT}, and delete those that are none."
        )
    if single := [name for name, held in classes.items() if len(held) < least]:
        raise InvalidData(
            f"{folder} has one picture alone of {listed(single)}, expected two or more of each class, so that one can "
            "be left out. Add some, or delete the sub-folder."
        )
    return classes


def folders_in(folder: Path) -> dict[str, Path]:
    """Sub-folders by name, in the order of the alphabet, but for hidden ones."""
    return {path.name: path for path in entries(folder) if path.is_dir() and not path.name.startswith(".")}


def pictures_in(folder: Path) -> list[Path]:
    """Pictures by name."""
    return [path for path in entries(folder) if is_picture(path.name) and path.is_file()]


def entries(folder: Path) -> list[Path]:
    """What a folder holds, by name.

    Raises:
        MissingData: there is none, or it cannot be read.
    """
    try:
        return sorted(folder.iterdir(), key=lambda path: path.name)
    except FileNotFoundError as error:
        raise MissingData(f"There is no folder {folder}. {LAYOUT}; and say which: folder='…'.") from error
    except OSError as error:
        raise MissingData(f"{folder} cannot be read as a folder ({error.strerror}). {LAYOUT}.") from error


def content_version(root: Path, parts: Iterable[Mapping[str, Sequence[Path]] | None]) -> str:
    """SHA-256 over a line a picture of its place below the root and its own SHA-256."""
    digest = hashlib.sha256()
    for part in parts:
        for path in (path for held in (part or {}).values() for path in held):
            try:
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                why = f"{path} cannot be read ({error.strerror}). Mend its permissions, or move it elsewhere."
                raise MissingData(why) from error
            digest.update(f"{shown(str(path.relative_to(root)))} {content}\n".encode())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def decoded(root: Path, _version: str, *, side: int) -> UInt8[numpy.ndarray, "n 3 side side"]:
    """The pictures of both parts, kept while their content stays."""
    paths = (path for part in parted(root) for held in (part or {}).values() for path in held)
    return squares({str(path.relative_to(root)): path for path in paths}, side=side, place=str(root))


def labels(classes: Mapping[str, Sequence[Path]], names: Sequence[str]) -> Int[numpy.ndarray, " n"]:
    """The class of each picture."""
    return numpy.repeat([names.index(name) for name in classes], [len(held) for held in classes.values()])


def dealt(
    y: Int[numpy.ndarray, " n"], *, held_out: float, seed: int
) -> tuple[Int[numpy.ndarray, " t"], Int[numpy.ndarray, " h"]]:
    """Places of the pictures for training and for testing, of whom each class has its share.

    Raises:
        InvalidParameter: no number of pictures, or one that leaves a class without training.
    """
    if not 0 < held_out < len(y) or (held_out >= 1 and held_out % 1):
        raise InvalidParameter(
            f"held_out is {held_out:g}, expected a share between 0 and 1, or 1 … {len(y) - 1} of the {len(y)} pictures."
        )
    count = round(held_out * len(y)) if held_out < 1 else int(held_out)
    order = numpy.random.default_rng((seed, STREAMS.index("split"))).permutation(len(y))
    place = numpy.empty(len(y))
    for label, size in enumerate(numpy.bincount(y)):
        place[order[y[order] == label]] = (numpy.arange(size) + 0.5) / size
    held = numpy.sort(order[numpy.argsort(place[order], kind="stable")[: max(1, count)]])
    kept = numpy.setdiff1d(numpy.arange(len(y)), held)
    if len(numpy.unique(y[kept])) < len(numpy.unique(y)):
        raise InvalidParameter(
            f"held_out is {held_out:g}, which leaves a class of few pictures without any for training. Hold out fewer."
        )
    return kept, held


def called(classes: Mapping[str, Sequence[Path]]) -> Iterable[str]:
    """Each picture by its class and its file."""
    return (shown(f"{name}/{path.name}") for name, held in classes.items() for path in held)


def listed(names: Iterable[str]) -> str:
    """The first names."""
    every = [shown(name) for name in names]
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")
