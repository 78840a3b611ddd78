"""Finished work on disk: whole or not at all, checked when read."""

import warnings

import pytest
import torch

from influencelab.store import Entry, Store

KEY = "ab" * 32
ENTRY = Entry(
    arrays={
        "values": torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64),
        "flags": torch.tensor([True, False]),
        "ids": torch.arange(5)[::2],
        "nothing": torch.empty(0, 3),
    },
    facts={"n": 3, "loss": 0.1, "name": "digits ≥ 0", "inside": {"seconds": 1e-300}, "list": [1, 2.5, None]},
)


def assert_same(found: Entry, wanted: Entry) -> None:
    assert found.facts == wanted.facts
    assert set(found.arrays) == set(wanted.arrays)
    for name, tensor in wanted.arrays.items():
        assert found.arrays[name].dtype == tensor.dtype
        assert torch.equal(found.arrays[name], tensor)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_what_is_kept_is_found_bit_for_bit(tmp_path):
    store = Store(tmp_path / "new" / "folder")
    assert store.find(KEY) is None
    path = store.keep(KEY, ENTRY)
    assert path == store.path(KEY)
    assert_same(store.find(KEY), ENTRY)
    assert store.find("cd" * 32) is None


def test_numbers_that_are_not_finite_survive(tmp_path):
    store = Store(tmp_path)
    store.keep(KEY, Entry(arrays={"a": torch.tensor([float("nan"), float("inf")])}, facts={"accuracy": float("nan")}))
    found = store.find(KEY)
    assert found.arrays["a"].isnan().tolist() == [True, False]
    assert found.facts["accuracy"] != found.facts["accuracy"]


def test_the_same_work_gives_the_same_file_and_later_work_replaces_it(tmp_path):
    store = Store(tmp_path)
    first = store.keep(KEY, ENTRY).read_bytes()
    assert store.keep(KEY, ENTRY).read_bytes() == first
    store.keep(KEY, Entry(arrays={}, facts={"n": 4}))
    assert store.find(KEY).facts == {"n": 4}
    assert files(tmp_path) == [f"{KEY}.entry"]


@pytest.mark.parametrize("damage", ["cut", "byte", "empty", "short", "digest", "text"])
def test_a_damaged_entry_is_named_and_counts_as_none(tmp_path, damage):
    store = Store(tmp_path)
    path = store.keep(KEY, ENTRY)
    content = bytearray(path.read_bytes())
    content[-20] ^= damage == "byte"
    content[3] ^= damage == "digest"
    size = {"cut": len(content) - 1, "empty": 0, "short": 10}.get(damage, len(content))
    path.write_bytes(b"not an entry at all" if damage == "text" else bytes(content[:size]))
    with pytest.warns(UserWarning, match=KEY):
        assert store.find(KEY) is None
    store.keep(KEY, ENTRY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(store.find(KEY), ENTRY)


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError, MemoryError])
@pytest.mark.parametrize("where", ["os.fsync", "os.replace"])
def test_an_interruption_leaves_the_old_entry_or_none_and_nothing_half_written(tmp_path, monkeypatch, stop, where):
    store = Store(tmp_path)
    if where == "os.replace":
        store.keep(KEY, Entry(arrays={}, facts={"n": 1}))

    def interrupted(*_):
        raise stop("stopped here")

    monkeypatch.setattr(where, interrupted)
    with pytest.raises(stop):
        store.keep(KEY, ENTRY)
    monkeypatch.undo()
    found = store.find(KEY)
    assert found is None if where == "os.fsync" else found.facts == {"n": 1}
    assert files(tmp_path) == ([] if where == "os.fsync" else [f"{KEY}.entry"])


def test_facts_that_are_no_json_are_refused_before_anything_is_written(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(TypeError):
        store.keep(KEY, Entry(arrays={}, facts={"when": object()}))
    assert files(tmp_path) == []
