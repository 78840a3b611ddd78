"""Small pictures in files and archives, so that sources of pictures are tested without the real ones and a network."""

import hashlib
import io
import pickle
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import cifar10, guitars_and_cats, imagenette
from influencelab.data.sources._archives import files_in, manifest

KINDS = ("cifar10", "guitars_and_cats", "image_folder", "imagenette")


def encoded(picture: Image.Image, *, form: str = "PNG", **settings) -> bytes:
    """The file of a picture."""
    held = io.BytesIO()
    picture.save(held, form, **settings)
    return held.getvalue()


def plain(colour: tuple[int, int, int], *, size: tuple[int, int] = (12, 10)) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", size, colour)


def noise(seed: int, *, size: tuple[int, int] = (12, 10)) -> Image.Image:
    """A picture of noise."""
    return Image.fromarray(numpy.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8))


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Put files into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tar(files: Mapping[str, bytes], *, mode: Any = "w") -> bytes:
    """An archive of these files."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode=mode) as archive:
        for name, content in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return held.getvalue()


def fish_and_dogs(train: int = 8, test: int = 4) -> dict[str, bytes]:
    """Files as Imagenette has them, and one of another class."""
    files = {}
    for part, count in (("train", train), ("val", test)):
        for label, folder in enumerate(imagenette.FOLDERS):
            for number in range(count):
                name = f"imagenette2-224/{part}/{folder}/{folder}_{number}.JPEG"
                files[name] = encoded(noise(100 * label + number + len(part)), form="JPEG")
    return files | {"imagenette2-224/train/n02979186/n02979186_1.JPEG": encoded(noise(7), form="JPEG")}


def cifar_arrays(train: int, test: int) -> tuple[numpy.ndarray, ...]:
    """Images (n, 32, 32, 3) of noise and labels 0 … 9 in turn, for training and for testing."""
    generator = numpy.random.default_rng(3)
    images = (generator.integers(0, 256, (count, 32, 32, 3), dtype=numpy.uint8) for count in (train, test))
    return tuple(each for x in images for each in (x, numpy.arange(len(x)) % 10))


def official_cifar(arrays: tuple[numpy.ndarray, ...]) -> bytes:
    """The archive as it is published, of five training files and one for testing."""
    x, y, x_test, y_test = arrays
    parts = [*zip(numpy.array_split(x, 5), numpy.array_split(y, 5), strict=True), (x_test, y_test)]
    files = {}
    for name, (images, labels) in zip((*cifar10.BATCHES, cifar10.LAST), parts, strict=True):
        rows = numpy.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), -1)
        held = {b"data": rows, b"labels": labels.tolist(), b"batch_label": b"one of six"}
        files[f"cifar-10-batches-py/{name}"] = pickle.dumps(held, protocol=4)
    return tar(files, mode="w:gz")


@cache
def small_archives() -> tuple[bytes, bytes]:
    """Archives of fish and dogs, and of guitars and cats, of whom all but the first look the same."""
    both = {
        name: [encoded(noise(number), form="JPEG") for number in (2 * place, 2 * place + 1)]
        for place, name in enumerate(("guitar", "cat"))
    }
    photographs = {
        f"guitar_cat/{name}/{number}.jpg": both[name][number > 0]
        for name, count in (("guitar", 110), ("cat", 140))
        for number in range(count)
    }
    return tar(fish_and_dogs()), tar(photographs)


def use_pictures(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put small files where every source of pictures looks for them, and expect their content."""
    own = {f"{name}/{number}.png": encoded(noise(number)) for name in ("cats", "dogs") for number in range(10)}
    write(folder / "image_folder", own)
    fish, guitars = small_archives()
    write(folder, {f"imagenette/{imagenette.RESIZED_NAME}": fish})
    write(folder, {f"{guitars_and_cats.FOLDER}/{guitars_and_cats.NAME}": guitars})
    for module, name, packed in ((imagenette, "RESIZED_CONTENT", fish), (guitars_and_cats, "CONTENT", guitars)):
        patch.setattr(module, name, manifest(files_in(packed, name="small")))
    use_first_cifar(cifar_arrays(60, 20), folder, patch)
    patch.setenv(FOLDER_VARIABLE, str(folder))


def use_first_cifar(arrays: tuple[numpy.ndarray, ...], folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Put a small file of images where those of CIFAR-10 are looked for, and expect its content."""
    path = folder / "cifar10" / cifar10.FIRST_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    numpy.savez(path, **dict(zip(cifar10.KEYS, arrays, strict=True)))
    patch.setattr(cifar10, "FIRST_CONTENT", hashlib.sha256(b"".join(each.tobytes() for each in arrays)).hexdigest())
    return path
