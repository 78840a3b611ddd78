"""Published pictures: their classes, parts and order; a file that is another or not whole is refused by name."""

import hashlib
import os
import pickle
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
import torch
from idx_files import cut_network
from picture_files import (
    cifar_arrays,
    encoded,
    fish_and_dogs,
    noise,
    official_cifar,
    tar,
    use_first_cifar,
    use_pictures,
    write,
)

import influencelab as il
from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import cifar10, imagenette
from influencelab.errors import InvalidData, InvalidParameter, MissingData
from influencelab.experiments.code_version import data_version

MIRROR = Path(os.environ.get(FOLDER_VARIABLE, "nowhere"))
FISH = il.Imagenette(side=8)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No network; what was asked for."""
    return cut_network(monkeypatch)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The folder of small files."""
    use_pictures(tmp_path, monkeypatch)
    return tmp_path


def expect(patch: pytest.MonkeyPatch, content: bytes, *, size: int) -> None:
    """Expect this official archive."""
    name, _ = imagenette.OFFICIAL[size]
    patch.setitem(imagenette.OFFICIAL, size, (name, hashlib.md5(content).hexdigest()))


@pytest.mark.usefixtures("files")
def test_fish_and_dogs_keep_their_parts_and_names():
    data = FISH.load()
    assert (data.n, data.m, data.class_names) == (16, 8, ("tench", "springer"))
    assert data.y_train.tolist() == [0] * 8 + [1] * 8
    assert data.x_train.shape == (16, 3, 8, 8)
    table = data.shown_labels(data.y_test)
    assert [*table[:1], *table[-1:]] == ["tench", "springer"]
    assert replace(FISH, labels=(1, 0)).load().class_names == ("springer", "tench")


def test_the_edition_is_the_least_that_is_not_enlarged_and_counts_for_what_is_stored(files, monkeypatch):
    assert FISH.used() == 224
    before = data_version(FISH, {})
    official = tar(fish_and_dogs(train=3, test=2), mode="w:gz")
    write(files, {"imagenette/imagenette2-160.tgz": official})
    expect(monkeypatch, official, size=160)
    assert FISH.used() == 160
    assert FISH.load().n == 6
    assert data_version(FISH, {}) != before
    assert replace(FISH, edition=224).load().n == 16
    assert [replace(FISH, side=side).used() for side in (160, 161, 224, 225, 400)] == [160, 224, 224, 320, 320]
    with pytest.raises(InvalidParameter, match="edition is 300, expected one of 160, 224, 320"):
        replace(FISH, edition=300).load()


def test_without_files_and_network_the_errors_say_what_to_do(tmp_path, monkeypatch, offline):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(
        MissingData, match=r"imagenette2-160\.tgz could not be downloaded.*fastai/imagenette.*put it at"
    ):
        FISH.load()
    with pytest.raises(MissingData, match=r"cifar-10-python\.tar\.gz could not be downloaded.*kriz/cifar\.html"):
        il.Cifar10().load()
    assert len(offline) == 2
    with pytest.raises(MissingData, match=r"tench-springer\.tar is not there.*Say edition=160 or edition=320"):
        replace(FISH, edition=224).load()
    with pytest.raises(MissingData, match=r"guitar_cat\.tar is not there.*PACS.*Dogs vs\. Cats.*il\.ImageFolder"):
        il.GuitarsAndCats().load()
    assert len(offline) == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_one_changed_picture_in_an_archive_is_refused(files):
    changed = fish_and_dogs() | {"imagenette2-224/val/n01440764/n01440764_0.JPEG": encoded(noise(55), form="JPEG")}
    write(files, {f"imagenette/{imagenette.RESIZED_NAME}": tar(changed)})
    with pytest.raises(MissingData, match=r"tench-springer\.tar is damaged or another file: .*Or say edition=320"):
        FISH.load()
    write(files, {"guitar_cat/guitar_cat.tar": tar({"guitar_cat/cat/1.jpg": encoded(noise(1), form="JPEG")})})
    with pytest.raises(MissingData, match=r"guitar_cat\.tar is damaged or another file"):
        il.GuitarsAndCats().load()
    write(files, {"guitar_cat/guitar_cat.tar": b"<html>"})
    with pytest.raises(InvalidData, match=r"guitar_cat\.tar is no whole archive"):
        il.GuitarsAndCats().load()


def test_an_archive_without_a_class_is_refused(files, monkeypatch):
    few = {name: content for name, content in fish_and_dogs().items() if "val/n02102040" not in name}
    official = tar(few, mode="w:gz")
    write(files, {"imagenette/imagenette2-320.tgz": official})
    expect(monkeypatch, official, size=320)
    with pytest.raises(InvalidData, match=r"has no pictures in val/n02102040"):
        replace(FISH, edition=320).load()


@pytest.mark.usefixtures("files")
def test_guitars_and_cats_are_dealt_by_the_seed():
    first, other = (il.GuitarsAndCats(side=4, held_out=50, seed=seed).load() for seed in (0, 1))
    assert (first.n, first.m, first.class_names) == (200, 50, ("guitar", "cat"))
    assert first.test_ids.tolist() != other.test_ids.tolist()
    labels = torch.cat([first.y_train, first.y_test])[torch.cat([first.train_ids, first.test_ids]).argsort()]
    assert labels.tolist() == [0] * 110 + [1] * 140


def test_both_files_of_cifar_hold_the_same_images(tmp_path, monkeypatch):
    arrays = cifar_arrays(train=50, test=10)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    path = use_first_cifar(arrays, tmp_path, monkeypatch)
    source = il.Cifar10(first_train=40, first_test=7)
    small = source.load()
    assert (small.n, small.m, small.class_names[6]) == (40, 7, "frog")
    assert numpy.array_equal(small.x_train.numpy(), arrays[0][:40].transpose(0, 3, 1, 2))
    path.unlink()
    archive = official_cifar(arrays)
    write(tmp_path, {f"cifar10/{cifar10.NAME}": archive})
    monkeypatch.setattr(cifar10, "MD5", hashlib.md5(archive).hexdigest())
    # Equal bits: the same whole numbers.
    assert source.load().content_hash() == small.content_hash()
    for wrong in ({"first_train": 0}, {"first_test": 10_001}):
        with pytest.raises(InvalidParameter, match="expected 1 … "):
            replace(source, **wrong).load()


def test_another_small_file_of_cifar_is_refused(files):
    path = files / "cifar10" / cifar10.FIRST_NAME
    for content in (b"<html>", path.read_bytes()[:-100]):
        path.write_bytes(content)
        with pytest.raises(MissingData, match="is not whole, or another file"):
            il.Cifar10(first_train=5, first_test=5).load()
    arrays = cifar_arrays(60, 20)
    numpy.savez(path, **dict(zip(cifar10.KEYS, (255 - arrays[0], *arrays[1:]), strict=True)))
    with pytest.raises(MissingData, match="is damaged or another file: its content"):
        il.Cifar10(first_train=5, first_test=5).load()


class Harm:
    """A pickle that would run a program."""

    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    "content",
    [b"", b"?", pickle.dumps({b"data": Harm()}), pickle.dumps(OrderedDict()), pickle.dumps({b"labels": [1]})],
)
def test_a_batch_of_something_else_is_refused_and_runs_nothing(content):
    with pytest.raises(InvalidData, match="data_batch_1 holds no images"):
        cifar10.batch(content, name="data_batch_1")


def test_the_kernel_of_pictures_keeps_their_names(tmp_path, monkeypatch):
    use_pictures(tmp_path, monkeypatch)
    assert il.RbfKernel(inner=replace(FISH, labels=(1, 0))).load().class_names == ("springer", "tench")


@pytest.mark.slow
@pytest.mark.skipif(not (MIRROR / "imagenette" / imagenette.RESIZED_NAME).is_file(), reason="the files are not at hand")
def test_the_files_at_hand_hold_what_is_known_of_them():
    fish = il.Imagenette(side=16, edition=224).load()
    assert torch.bincount(fish.y_train).tolist() == [963, 955]
    assert torch.bincount(fish.y_test).tolist() == [387, 395]
    guitars = il.GuitarsAndCats(side=16).load()
    assert torch.bincount(torch.cat([guitars.y_train, guitars.y_test])).tolist() == [186, 339]
    cifar = il.Cifar10().load()
    assert cifar.y_train[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert cifar.y_test[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert (cifar.n, cifar.m) == (4000, 1000)
