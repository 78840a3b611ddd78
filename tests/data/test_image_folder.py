"""A user's own pictures: read as they look, dealt fairly, refused with every bad file named, and keyed by content."""

import os
from dataclasses import replace
from pathlib import Path

import jaxtyping
import numpy
import pytest
import torch
from picture_files import encoded, noise, plain, write
from PIL import Image

import influencelab as il
from influencelab.data.sources import _pictures
from influencelab.data.sources._pictures import squares
from influencelab.errors import InvalidData, InvalidParameter, MissingData, WrongType
from influencelab.experiments.code_version import data_version

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112


def pets(folder: Path, *, cats: int = 6, dogs: int = 4) -> Path:
    """So many pictures of noise in two folders."""
    files = {f"cat/{number}.png": encoded(noise(number)) for number in range(cats)}
    return write(folder, files | {f"dog/{number}.png": encoded(noise(50 + number)) for number in range(dogs)})


def read(picture: Image.Image | bytes, *, side: int = 4, form: str = "PNG") -> numpy.ndarray:
    """One picture as the sources read it."""
    content = picture if isinstance(picture, bytes) else encoded(picture, form=form)
    return squares({"one": content}, side=side, place="here")[0]


def halves(left: tuple[int, int, int], right: tuple[int, int, int], *, size: tuple[int, int] = (8, 8)) -> Image.Image:
    """A picture of two colours."""
    whole = plain(left, size=size)
    whole.paste(plain(right, size=(size[0] // 2, size[1])), (size[0] // 2, 0))
    return whole


def test_the_middle_square_is_kept_and_colours_come_first():
    wide = plain(WHITE, size=(24, 8))
    wide.paste(halves(RED, BLUE, size=(16, 8)), (4, 0))
    found = read(wide)
    assert (found.shape, found.dtype) == ((3, 4, 4), numpy.uint8)
    assert found[:, :, 0].T.tolist() == [[255, 0, 0]] * 4
    assert found[:, :, 3].T.tolist() == [[0, 0, 255]] * 4
    tall = wide.transpose(Image.Transpose.ROTATE_270)
    assert read(tall)[:, 0].T.tolist() == [[255, 0, 0]] * 4


def test_a_small_picture_is_enlarged_and_one_of_that_size_is_left_as_it_is():
    exact = noise(3, size=(5, 5))
    assert (read(exact, side=5) == numpy.asarray(exact).transpose(2, 0, 1)).all()
    assert (read(plain(RED, size=(2, 2)), side=9) == read(plain(RED, size=(40, 40)), side=9)).all()


@pytest.mark.parametrize(
    ("way", "turn"), [(3, "ROTATE_180"), (6, "ROTATE_270"), (8, "ROTATE_90"), (2, "FLIP_LEFT_RIGHT")]
)
def test_pictures_are_turned_as_the_camera_notes(way, turn):
    lying = halves(RED, BLUE)
    notes = Image.Exif()
    notes[ORIENTATION] = way
    upright = lying.transpose(Image.Transpose[turn])
    assert (read(encoded(lying, exif=notes), side=8) == numpy.asarray(upright).transpose(2, 0, 1)).all()


def sixteen_bits() -> Image.Image:
    """A grey picture of 65,535 levels, half way up."""
    return Image.fromarray(numpy.full((8, 8), 128 * 257, dtype=numpy.uint16))


MODES = {
    "grey": (Image.new("L", (8, 8), 77), (77, 77, 77)),
    "two colours": (Image.new("1", (8, 8), 1), (255, 255, 255)),
    "grey of 16 bits": (sixteen_bits(), (128, 128, 128)),
    "palette": (plain(GREEN).quantize(4), (0, 255, 0)),
    "transparent": (Image.new("RGBA", (8, 8), (0, 0, 0, 0)), (255, 255, 255)),
    "half transparent": (Image.new("RGBA", (8, 8), (255, 0, 0, 51)), (255, 204, 204)),
    "grey and transparent": (Image.new("LA", (8, 8), (9, 0)), (255, 255, 255)),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_kind_of_picture_has_three_colours(mode):
    picture, wanted = MODES[mode]
    assert (read(picture) == numpy.array(wanted)[:, None, None]).all()


def test_a_palette_with_a_transparent_colour_and_print_colours_are_read():
    held = plain(BLUE).quantize(4)
    assert (read(encoded(held, transparency=held.getpixel((0, 0)))) == 255).all()
    printed = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    found = read(encoded(printed, form="JPEG")).astype(int)
    assert (abs(found - numpy.array(RED)[:, None, None]) < 40).all()


def test_folders_are_classes_by_the_alphabet_and_files_points_by_name(tmp_path):
    folder = pets(tmp_path)
    write(folder, {"cat/notes.txt": b"x", "cat/.hidden.png": b"x", ".git/a.png": b"x", "Thumbs.db": b"x"})
    write(folder, {"dog/Z.JPEG": encoded(plain(RED), form="JPEG")})
    data = il.ImageFolder(folder=folder, side=8, held_out=3).load()
    assert (data.n, data.m, data.classes, data.class_names) == (8, 3, 2, ("cat", "dog"))
    assert data.x_train.shape == (8, 3, 8, 8)
    order = [f"cat/{number}.png" for number in range(6)] + [f"dog/{number}.png" for number in range(4)] + ["dog/Z.JPEG"]
    # The alphabet of file systems: numbers, capital letters, small letters.
    assert sorted([*data.shown_ids("train"), *data.shown_ids("test")]) == sorted(order)
    for part in ("train", "test"):
        for name, label, pixels in zip(
            data.shown_ids(part), getattr(data, f"y_{part}").tolist(), getattr(data, f"x_{part}"), strict=True
        ):
            assert name.startswith(("cat", "dog")[label])
            with Image.open(folder / name) as opened:
                wanted = squares({name: folder / name}, side=8, place="")[0]
                assert opened.size == (12, 10)
            assert numpy.array_equal(pixels.numpy(), wanted)


def test_every_class_has_its_share_held_out_and_the_seed_deals(tmp_path):
    source = il.ImageFolder(folder=pets(tmp_path, cats=30, dogs=10), side=2)
    data = replace(source, held_out=0.2).load()
    assert torch.bincount(data.y_test).tolist() == [6, 2]
    assert source.load().test_ids.tolist() == data.test_ids.tolist()
    assert replace(source, held_out=0.2, seed=1).load().test_ids.tolist() != data.test_ids.tolist()
    assert replace(source, held_out=9).load().m == 9
    assert replace(source, labels=(1, 0)).load().class_names == ("dog", "cat")
    for held_out in (-1, 40, 1.5, float("nan"), 39):
        with pytest.raises(InvalidParameter, match="held_out is"):
            replace(source, held_out=held_out).load()


@pytest.mark.parametrize("test", ["test", "val"])
def test_a_parted_folder_is_taken_as_it_is(tmp_path, test):
    pets(tmp_path / "train")
    pets(tmp_path / test, cats=2, dogs=0)
    source = il.ImageFolder(folder=str(tmp_path), side=2)
    data = source.load()
    assert (data.n, data.m) == (10, 2)
    assert list(data.shown_ids("test")) == ["cat/0.png", "cat/1.png"]
    with pytest.raises(InvalidParameter, match=r"held_out is 0\.5, but .* has a part for testing already"):
        replace(source, held_out=0.5).load()
    write(tmp_path, {f"{test}/bird/1.png": encoded(plain(RED))})
    with pytest.raises(InvalidData, match=r"pictures for testing of bird, which .* has none of"):
        source.load()


def test_classes_may_be_called_train_and_test(tmp_path):
    write(tmp_path, {f"{name}/{number}.png": encoded(plain(RED)) for name in ("train", "test") for number in "12"})
    assert il.ImageFolder(folder=tmp_path, side=2, held_out=2).load().class_names == ("test", "train")


def test_names_in_other_letters_and_bytes_are_shown(tmp_path):
    folder = pets(tmp_path)
    (folder / "cat").rename(folder / "Kätzchen 猫")
    (folder / "dog").rename(folder / os.fsdecode(b"\xff"))
    data = il.ImageFolder(folder=folder, side=2).load()
    assert data.class_names == ("Kätzchen 猫", "�")


BAD = {
    "a page": b"<!DOCTYPE html>",
    "empty": b"",
    "cut off": encoded(noise(1, size=(64, 64)), form="JPEG")[:900],
    "cut off, lossless": encoded(noise(1, size=(64, 64)))[:-3000],
    "damaged": encoded(noise(1, size=(64, 64)))[:60] + bytes(200),
    "real numbers": encoded(Image.fromarray(numpy.ones((4, 4), dtype=numpy.float32)), form="TIFF"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_named_with_the_reason(tmp_path, case):
    write(pets(tmp_path), {"dog/bad.png": BAD[case]})
    with pytest.raises(
        InvalidData, match=r"1 of 11 pictures in .* cannot be read: dog/bad\.png \(.+\)\. Replace or delete it"
    ):
        il.ImageFolder(folder=tmp_path, side=2).load()


def test_all_bad_files_are_counted_and_eight_named(tmp_path):
    write(pets(tmp_path), {f"cat/bad{number:02d}.jpg": b"?" for number in range(11)})
    with pytest.raises(
        InvalidData, match=r"11 of 21 pictures.*cat/bad00\.jpg .*bad07\.jpg \([^)]*\); …\. Replace"
    ) as caught:
        il.ImageFolder(folder=tmp_path, side=2).load()
    assert "bad08" not in str(caught.value)


@pytest.mark.parametrize("pixels", [150, 90])
def test_a_picture_of_far_too_many_pixels_is_refused(tmp_path, monkeypatch, pixels):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)
    write(pets(tmp_path, cats=2, dogs=2), {"cat/vast.png": encoded(plain(RED, size=(40, 40)))})
    with pytest.raises(InvalidData, match=rf"cat/vast\.png \(more than {pixels} pixels\)"):
        il.ImageFolder(folder=tmp_path, side=2).load()


def test_more_pictures_than_memory_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_pictures, "available", lambda: 1000)
    with pytest.raises(InvalidData, match=r"has 10 pictures, which take .* GB at 64 pixels a side.*smaller `side`"):
        il.ImageFolder(folder=pets(tmp_path)).load()


def test_a_folder_that_is_laid_out_otherwise_is_refused_with_the_layout(tmp_path):
    source = il.ImageFolder(folder=tmp_path / "none")
    with pytest.raises(MissingData, match=r"There is no folder .*none\. Lay the pictures out as folder/cat/1\.jpg"):
        source.load()
    with pytest.raises(InvalidData, match=r"has 0 sub-folders \(none\), expected 2 or more"):
        replace(source, folder=write(tmp_path / "flat", {"1.png": encoded(plain(RED))})).load()
    folder = write(tmp_path / "deep", {"a/b/1.png": encoded(plain(RED)), "c/d/1.png": encoded(plain(RED))})
    with pytest.raises(InvalidData, match=r"sub-folders without pictures: a, c; expected files that end in \.bmp"):
        replace(source, folder=folder).load()
    with pytest.raises(InvalidData, match="one picture alone of dog, expected two or more"):
        replace(source, folder=pets(tmp_path / "one", dogs=1)).load()
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(MissingData, match=r"file cannot be read as a folder \(Not a directory\)"):
        replace(source, folder=tmp_path / "file").load()
    with pytest.raises(InvalidParameter, match="side is 0"):
        replace(source, folder=pets(tmp_path / "pets"), side=0).load()


def test_a_folder_that_must_not_be_read_is_named(tmp_path, monkeypatch):
    folder = pets(tmp_path)

    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(MissingData, match=r"cannot be read as a folder \(Permission denied\)"):
        il.ImageFolder(folder=folder).load()


def test_what_is_no_path_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(WrongType, match=r"folder of ImageFolder is 3, expected a path"):
        il.ImageFolder(folder=3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidParameter, match=r"ImageFolder\(folder='my/pets'\)"):
        il.ImageFolder("my/pets")


def changed(folder: Path, change: str) -> None:
    """Change a folder of pictures in one way."""
    if change == "pixels":
        (folder / "cat" / "3.png").write_bytes(encoded(noise(99)))
    elif change == "name":
        (folder / "cat" / "3.png").rename(folder / "cat" / "4b.png")
    elif change == "class":
        (folder / "cat" / "3.png").rename(folder / "dog" / "9.png")
    else:
        (folder / "cat" / "3.png").unlink()


@pytest.mark.parametrize("change", ["pixels", "name", "class", "deleted"])
def test_results_are_stored_by_what_the_pictures_are(tmp_path, change):
    source = il.ImageFolder(folder=pets(tmp_path), side=2)
    recipe = [il.RbfKernel(inner=source)]
    before, loaded = data_version(recipe, {}), source.load().content_hash()
    assert before
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / "cat" / "0.png").touch()
    assert data_version(recipe, {}) == before
    assert source.load().content_hash() == loaded
    changed(tmp_path, change)
    assert data_version(recipe, {}) != before
    assert source.load().content_hash() != loaded


def test_a_sweep_runs_again_after_one_picture_changed(tmp_path, monkeypatch):
    source = il.ImageFolder(folder=pets(tmp_path / "pets"), side=2, scaling="unit")
    trial = il.Trial(source, il.BinaryLogistic(weight_decay=0.1), il.Newton(), {"exact": il.Exact()})
    runs, run = [], il.Trial.run
    monkeypatch.setattr(il.Trial, "run", lambda self, **given: runs.append(1) or run(self, **given))
    first, again = (il.run_trials([trial], store=tmp_path / "store")[0] for _ in range(2))
    assert len(runs) == 1
    assert torch.equal(first.theta, again.theta)
    changed(tmp_path / "pets", "pixels")
    other = il.run_trials([trial], store=tmp_path / "store")[0]
    assert len(runs) == 2
    assert not torch.equal(first.theta, other.theta)
