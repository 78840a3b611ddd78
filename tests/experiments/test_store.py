"""Finished work on disk: whole or not at all, checked when read."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from journal import Note, journal

from influencelab.experiments.store import Entry, Store, from_bytes, to_bytes
from influencelab.runner.owner import owner

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
    assert store.find(KEY) is not None
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


def test_an_entry_travels_as_the_bytes_of_its_file(tmp_path):
    assert Store(tmp_path).keep(KEY, ENTRY).read_bytes() == to_bytes(ENTRY)
    assert_same(from_bytes(to_bytes(ENTRY)), ENTRY)
    Store(tmp_path / "other").put(KEY, to_bytes(ENTRY))
    assert_same(Store(tmp_path / "other").find(KEY), ENTRY)


# Turns: one does the work at a time.
def test_one_has_the_turn_and_leaves_nothing_behind(tmp_path):
    store = Store(tmp_path)
    with store.lock(KEY) as first, store.lock(KEY) as second, store.lock("cd" * 32) as elsewhere:
        assert (first, second, elsewhere) == (True, False, True)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(taken, store).result() is False
    assert taken(store)
    assert files(tmp_path) == []


def taken(store: Store) -> bool:
    with store.lock(KEY) as ours:
        return ours


def test_a_turn_ends_with_an_error(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(OSError, match="full"), store.lock(KEY):
        raise OSError("the disk is full")
    assert taken(store)


@pytest.mark.slow
def test_many_at_once_never_have_the_same_turn(tmp_path):
    """Each who has it adds one to a number that others could see half changed."""
    store, counter = Store(tmp_path), tmp_path / "counter"
    counter.write_text("0")

    def add_one() -> None:
        done = False
        while not done:
            with store.lock(KEY) as ours:
                if ours:
                    seen = int(counter.read_text())
                    time.sleep(0.001)
                    counter.write_text(str(seen + 1))
                    done = True

    with ThreadPoolExecutor(8) as pool:
        for each in [pool.submit(add_one) for _ in range(80)]:
            each.result()
    assert counter.read_text() == "80"
    assert files(tmp_path) == ["counter"]


HOLD = """
import os, sys, time
from pathlib import Path
from influencelab.experiments.store import Store
from influencelab.runner.owner import owner
store, key = Store(Path(sys.argv[1])), sys.argv[2]
with store.lock(key) as ours:
    (store.folder / key[:2] / f".{key}.{owner(os.getpid())}.half").write_text("half an entry")
    print(ours, flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_the_turn_of_a_killed_process_is_free_and_what_it_was_writing_is_swept_away(tmp_path):
    store = Store(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path, KEY], stdout=subprocess.PIPE, env=environment)
    assert holder.stdout.readline() == b"True\n"
    assert not taken(store)
    writing = f".{KEY}.{owner(holder.pid)}.half"
    # As of a machine that holds what it takes for the same lock, where a lock is one machine's.
    elsewhere = f".{KEY}.{'0' * 12}.{holder.pid}.1.half"
    (tmp_path / KEY[:2] / elsewhere).touch()
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert files(tmp_path) == sorted([elsewhere, writing, f"{KEY}.lock"])
    assert taken(store)
    assert files(tmp_path) == [elsewhere]


def test_where_no_locks_are_kept_everybody_has_a_turn(tmp_path, monkeypatch):
    store = Store(tmp_path)

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with store.lock(KEY) as first, store.lock(KEY) as second:
        assert first
        assert second
        store.keep(KEY, ENTRY)
    assert_same(store.find(KEY), ENTRY)


def test_another_failure_of_a_lock_is_no_turn(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="broken disk"), Store(tmp_path).lock(KEY):
        pass


def test_the_journal_keeps_every_line_whole_and_skips_one_cut_short(tmp_path):
    store = Store(tmp_path / "new")
    assert journal(store) == []
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: store.note("begun", str(number)), range(300)))
    assert sorted(int(note.key) for note in journal(store)) == list(range(300))
    with (store.folder / "journal").open("a") as file:
        file.write("finished 1")
    assert len(journal(store)) == 300
    (store.folder / "journal").unlink()
    store.note("finished", KEY, seconds=1.25)
    assert journal(store) == [Note("finished", KEY, os.getpid(), 1.25)]
