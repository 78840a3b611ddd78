"""Every source keeps the contract, and each holds what is known of it."""

import gzip
import hashlib
import json
import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy
import pytest
import torch
from bodyfat_files import use_invented_men
from idx_files import IDX_SOURCES, cut_network, use_synthetic
from mail_archives import mails, packed, use_archive
from patient_files import use_patients
from picture_files import KINDS, use_pictures
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine

from influencelab import make, names
from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.source import Source
from influencelab.data.sources import _idx
from influencelab.data.sources.iris import Iris
from influencelab.data.sources.rbf_kernel import RbfKernel
from influencelab.errors import InvalidParameter, MissingData
from influencelab.recipe import describe, fingerprint

MIRROR = os.environ.get(FOLDER_VARIABLE, "")


@dataclass(frozen=True)
class Facts:
    """What is known of a source's files without reading them by the library."""

    train: int
    test: int
    train_counts: tuple[int, ...]
    first_labels: tuple[int, int]


FACTS = {
    ("mnist", "synthetic"): Facts(60, 20, (6,) * 10, (0, 0)),
    ("fashion_mnist", "synthetic"): Facts(60, 20, (6,) * 10, (0, 0)),
    ("mnist", "mirror"): Facts(60_000, 10_000, (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949), (5, 7)),
    ("fashion_mnist", "mirror"): Facts(60_000, 10_000, (6000,) * 10, (9, 9)),
}
AT_HAND = [case for case in FACTS if case[1] == "synthetic" or (MIRROR and (Path(MIRROR) / case[0]).is_dir())]


@pytest.fixture
def synthetic(tmp_path, monkeypatch):
    """Every source that is downloaded as small files, and no network."""
    for kind in IDX_SOURCES:
        use_synthetic(kind, tmp_path, monkeypatch)
    use_invented_men(tmp_path, monkeypatch)
    use_patients(tmp_path, monkeypatch)
    # As many as are held out, and some more.
    use_archive(packed(mails(ham=700, spam=500)), tmp_path, monkeypatch)
    cut_network(monkeypatch)
    return tmp_path


@pytest.fixture(params=AT_HAND, ids="-".join)
def files(request, tmp_path, monkeypatch):
    """An image source with its facts: always as small files, and as the real ones where they are at hand."""
    kind, place = request.param
    if place == "synthetic":
        use_synthetic(kind, tmp_path, monkeypatch)
    cut_network(monkeypatch)
    return kind, FACTS[request.param]


@pytest.fixture(params=names(Source))
def kind(request, tmp_path, monkeypatch):
    """The name of each source there is; those that are downloaded have small files."""
    request.getfixturevalue("synthetic")
    if request.param in KINDS:
        use_pictures(tmp_path, monkeypatch)
    return request.param


def test_loading_twice_gives_one_data_set(kind):
    first, second = (make(Source, kind).load() for _ in range(2))
    # Equal bits: the same code on the same files.
    assert first.content_hash() == second.content_hash()
    assert first.name.startswith(f"{kind}-")
    assert first.x_train.dtype == first.x_test.dtype == torch.float64
    assert first.classes != 1


def test_every_point_has_one_id(kind):
    data = make(Source, kind).load()
    assert len(data.train_ids.unique()) == data.n
    assert len(data.test_ids.unique()) == data.m


def test_a_subset_is_made_of_the_same_points(kind):
    whole = make(Source, kind).load()
    wanted = tuple(whole.test_ids[-2:].flip(0).tolist())
    part = make(Source, kind, train_size=8, test_size=3, test_ids=wanted).load()
    assert tuple(part.test_ids[:2].tolist()) == wanted
    assert (part.n, part.m, part.classes) == (8, 3, whole.classes)
    for side in ("train", "test"):
        row_of = {int(point): row for row, point in enumerate(getattr(whole, f"{side}_ids"))}
        rows = [row_of[int(point)] for point in getattr(part, f"{side}_ids")]
        # Equal bits: copies.
        assert torch.equal(getattr(part, f"x_{side}"), getattr(whole, f"x_{side}")[rows])
        assert torch.equal(getattr(part, f"y_{side}"), getattr(whole, f"y_{side}")[rows])


def test_unit_scaling_fills_zero_to_one(kind):
    data = make(Source, kind, scaling="unit").load()
    assert float(data.x_train.abs().max()) == 1.0


def test_every_setting_is_part_of_the_recipe_and_explained(kind):
    source = make(Source, kind)
    assert json.loads(json.dumps(describe(source)))["kind"] == type(source).__name__
    for field in fields(source):
        assert f"{field.name}:" in f"{type(source).__doc__} {Source.__doc__}"
        if isinstance(field.default, int):
            changed = replace(source, **{field.name: field.default + 1})
            assert fingerprint(changed) != fingerprint(source)
    with pytest.raises(InvalidParameter, match=r"has no setting 'sede'. It has: .*seed"):
        make(Source, kind, sede=1)


COPIES = {"iris": load_iris, "digits": load_digits, "breast_cancer": load_breast_cancer, "wine": load_wine}


@pytest.mark.parametrize(
    ("kind", "sizes", "shape"),
    [
        ("iris", (130, 20), (4,)),
        ("digits", (1500, 297), (8, 8)),
        ("breast_cancer", (400, 169), (30,)),
        ("wine", (120, 58), (13,)),
    ],
)
def test_scikit_learns_points_are_dealt_once_each(kind, sizes, shape):
    x, y = COPIES[kind](return_X_y=True)
    data = make(Source, kind).load()
    assert (data.n, data.m) == sizes
    assert data.x_train.shape[1:] == shape
    ids = torch.cat([data.train_ids, data.test_ids]).numpy()
    assert sorted(ids) == list(range(len(x)))
    assert numpy.array_equal(torch.cat([data.x_train, data.x_test]).flatten(1).numpy(), x[ids])
    assert numpy.array_equal(torch.cat([data.y_train, data.y_test]).numpy(), y[ids])


@pytest.mark.parametrize("kind", COPIES)
def test_held_out_and_seed_decide_the_split(kind):
    held = [make(Source, kind, held_out=30, seed=seed).load() for seed in (0, 0, 1)]
    assert [data.m for data in held] == [30, 30, 30]
    assert torch.equal(held[0].test_ids, held[1].test_ids)
    assert not torch.equal(held[0].test_ids, held[2].test_ids)
    with pytest.raises(InvalidParameter, match="held_out is 0"):
        make(Source, kind, held_out=0).load()


@pytest.mark.parametrize("gamma", [0.0, 0.3])
def test_products_of_kernel_features_are_the_kernel_of_every_pair_with_a_training_point(gamma):
    inner = Iris(scaling="standard", train_size=30)
    plain, data = inner.load(), RbfKernel(inner=inner, gamma=gamma).load()
    width = gamma or 1 / (4 * float(plain.x_train.var(correction=0)))
    for features, points in ((data.x_train, plain.x_train), (data.x_test, plain.x_test)):
        squares = (points[:, None] - plain.x_train[None]).square().sum(-1)
        assert torch.allclose(features @ data.x_train.T, torch.exp(-width * squares), atol=1e-6)
    assert data.x_train.shape[1] <= 30
    assert torch.equal(data.train_ids, plain.train_ids)
    assert torch.equal(data.y_test, plain.y_test)
    with pytest.raises(InvalidParameter, match="gamma is -1"):
        RbfKernel(inner=inner, gamma=-1.0).load()


@pytest.mark.slow
def test_image_files_hold_what_is_known_of_them(files):
    kind, facts = files
    data = make(Source, kind).load()
    assert data.x_train.shape == (facts.train, 28, 28)
    assert data.x_test.shape == (facts.test, 28, 28)
    assert tuple(torch.bincount(data.y_train).tolist()) == facts.train_counts
    assert (int(data.y_train[0]), int(data.y_test[0])) == facts.first_labels
    assert (float(data.x_train.min()), float(data.x_train.max())) == (0.0, 255.0)


@pytest.mark.slow
def test_skip_first_leaves_out_the_first_and_keeps_the_ids(files):
    kind, facts = files
    skipped = facts.train // 12
    whole = make(Source, kind).load()
    rest = make(Source, kind, skip_first=skipped).load()
    assert rest.n == facts.train - skipped
    assert rest.train_ids.tolist() == list(range(skipped, facts.train))
    assert torch.equal(rest.x_train, whole.x_train[skipped:])
    assert torch.equal(rest.y_train, whole.y_train[skipped:])
    assert rest.test_ids.tolist() == list(range(facts.test))


@pytest.mark.usefixtures("synthetic")
@pytest.mark.parametrize("skip_first", [-1, 60])
def test_skip_first_must_leave_a_training_image(skip_first):
    with pytest.raises(InvalidParameter, match=f"skip_first is {skip_first}, expected 0 … 59"):
        make(Source, "mnist", skip_first=skip_first).load()


@pytest.mark.parametrize("kind", IDX_SOURCES)
@pytest.mark.parametrize("name", _idx.NAMES)
def test_a_damaged_file_is_refused_and_left_alone(synthetic, kind, name):
    path = synthetic / kind / name
    damaged = path.read_bytes()[:-1] + b"?"
    for copy in synthetic.rglob(name):  # the small files of both sources are the same, and either would do
        copy.write_bytes(damaged)
    with pytest.raises(MissingData) as caught:
        make(Source, kind).load()
    message = str(caught.value)
    for part in (name, IDX_SOURCES[kind].HOME, FOLDER_VARIABLE, hashlib.md5(damaged).hexdigest(), "Delete it"):
        assert part in message
    assert path.read_bytes() == damaged


def plain(name: str) -> str:
    """The name without its ending."""
    return name.removesuffix(".gz")


# Where others put the four files, and whether they unpack them.
LAYOUTS = {
    "unpacked": (lambda kind, name: f"{kind}/{plain(name)}", gzip.decompress),
    "unpacked, with dots": (lambda kind, name: f"{kind}/{plain(name).replace('-idx', '.idx')}", gzip.decompress),
    "unpacked into folders": (lambda kind, name: f"{kind}/{plain(name)}/{plain(name)}", gzip.decompress),
    "torchvision": (lambda kind, name: f"{TORCHVISION[kind]}/raw/{name}", bytes),
    "torchvision, unpacked": (lambda kind, name: f"{TORCHVISION[kind]}/raw/{plain(name)}", gzip.decompress),
    "torchvision, below a folder": (lambda kind, name: f"data/{TORCHVISION[kind]}/raw/{name}", bytes),
    "torchvision, unpacked into folders": (
        lambda kind, name: f"{TORCHVISION[kind]}/raw/{plain(name)}/{plain(name)}",
        gzip.decompress,
    ),
    "capital letters": (lambda kind, name: f"{kind.upper()}/{name.upper()}", bytes),
    "an ending of another program's": (lambda kind, name: f"{kind}/{plain(name)}.idx", gzip.decompress),
    "loose": (lambda _, name: name, bytes),
    "packed anew": (lambda kind, name: f"{kind}/{name}", lambda content: gzip.compress(gzip.decompress(content), 1)),
}
TORCHVISION = {"mnist": "MNIST", "fashion_mnist": "FashionMNIST"}


@pytest.mark.parametrize("kind", IDX_SOURCES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_files_are_found_as_others_lay_them_out(synthetic, tmp_path, monkeypatch, kind, layout):
    place, change = LAYOUTS[layout]
    expected = make(Source, kind).load().content_hash()
    root = tmp_path / "others ü"
    for name in _idx.NAMES:
        path = root / place(kind, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change((synthetic / kind / name).read_bytes()))
    monkeypatch.setenv(FOLDER_VARIABLE, str(root))
    asked = cut_network(monkeypatch)
    assert make(Source, kind).load().content_hash() == expected
    assert asked == []


def test_what_lies_there_but_is_another_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / "MNIST" / "raw" / "train-images.idx3-ubyte").write_bytes(b"<html>")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    cut_network(monkeypatch)
    with pytest.raises(MissingData, match=r"there lies in .*: MNIST/raw/train-images\.idx3-ubyte; its content is not"):
        make(Source, "mnist").load()


@pytest.mark.parametrize("kind", IDX_SOURCES)
def test_without_network_the_error_says_what_to_do(tmp_path, monkeypatch, kind):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    asked = cut_network(monkeypatch)
    with pytest.raises(MissingData) as caught:
        make(Source, kind).load()
    module = IDX_SOURCES[kind]
    assert asked == [f"{mirror}{_idx.NAMES[0]}" for mirror in module.MIRRORS]
    for part in (_idx.NAMES[0], module.HOME, FOLDER_VARIABLE, f"{kind}/{_idx.NAMES[0]}", "ConnectionError"):
        assert part in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_at_hand_are_used_in_place(synthetic):
    folder = synthetic / "mnist"
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    folder.chmod(0o555)
    assert make(Source, "mnist").load().n == 60
    folder.chmod(0o755)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before


def test_named_flowers_are_the_test_set_of_iris():
    data = Iris(flowers=(83, 7)).load()
    assert data.test_ids.tolist() == [83, 7]
    assert data.n == 148
    assert not {83, 7} & set(data.train_ids.tolist())
    x, y = load_iris(return_X_y=True)
    assert data.x_test.tolist() == x[[83, 7]].tolist()
    assert data.y_train.tolist() == numpy.delete(y, [7, 83]).tolist()


@pytest.mark.parametrize("flowers", [(150,), (-1,), tuple(range(150))])
def test_flowers_that_are_not_there_are_refused(flowers):
    with pytest.raises(InvalidParameter, match="expected some of the rows 0 … 149"):
        Iris(flowers=flowers).load()
