"""Many trials: each is done once, kept as it finishes, and found again only if nothing it rests on has changed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from gated_sweep import Gated
from journal import journal

from influencelab.data.sources.iris import Iris
from influencelab.errors import InvalidParameter, MissingData
from influencelab.experiments import sweep
from influencelab.experiments.code_version import VERSIONS, recipe_version
from influencelab.experiments.grid import vary
from influencelab.experiments.job import run_serial
from influencelab.experiments.selections.random_points import RandomPoints
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_trials
from influencelab.experiments.trial import Trial
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.random import Random
from influencelab.models.tasks.logistic import Logistic
from influencelab.recipe import fingerprint, unheard
from influencelab.training.trainers.newton import Newton

TRIAL = Trial(
    source=Iris(scaling="standard", train_size=25, test_size=3),
    task=Logistic(weight_decay=0.05),
    trainer=Newton(),
    estimators={"exact": Exact(), "random": Random()},
    selections=(RandomPoints(count=4),),
)
TWO = vary(TRIAL, "task.weight_decay", [0.05, 0.1])


@pytest.fixture
def runs(monkeypatch):
    """The trials that were really run."""
    seen, original = [], Trial.run

    def counted(self, **keywords):
        seen.append(self)
        return original(self, **keywords)

    monkeypatch.setattr(Trial, "run", counted)
    return seen


def same(one, two) -> bool:
    first, second = one.entry(), two.entry()
    # Equal bits are the promise: what the store has is what it was given.
    equal = all(torch.equal(first.arrays[name], second.arrays[name]) for name in first.arrays | second.arrays)
    return equal and first.facts == second.facts


def entries(folder) -> list[Path]:
    return sorted(folder.rglob("*.entry"))


def leftovers(folder) -> list[Path]:
    """Files that are neither finished work nor the journal nor what is remembered of the code."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".entry"]
    return [path for path in files if path.name not in ("journal", VERSIONS)]


def test_what_is_in_the_store_is_not_run_again_and_comes_back_bit_for_bit(tmp_path, runs):
    first = run_trials(TWO, store=Store(tmp_path))
    assert len(runs) == 2
    again = run_trials(TWO[::-1], store=Store(tmp_path))
    assert len(runs) == 2
    assert all(same(one, two) for one, two in zip(first, again[::-1], strict=True))
    fresh = TWO[0].run()
    # Equal bits, here and below: the same trial in the same process.
    assert torch.equal(first[0].actual["warm"], fresh.actual["warm"])
    assert not torch.equal(first[0].actual["warm"], first[1].actual["warm"])


def test_a_trial_named_twice_is_run_once(tmp_path, runs):
    found = run_trials([TRIAL, TRIAL, replace(TRIAL)], store=Store(tmp_path))
    assert len(runs) == 1
    assert len(found) == 3
    assert same(found[0], found[2])


def test_a_changed_setting_runs_only_what_it_touches(tmp_path, runs):
    run_trials(TWO, store=Store(tmp_path))
    run_trials([*TWO, replace(TRIAL, seed=5)], store=Store(tmp_path))
    assert [trial.seed for trial in runs] == [0, 0, 5]


def test_a_damaged_entry_is_named_and_made_again(tmp_path, runs):
    first = run_trials([TRIAL], store=Store(tmp_path))
    (path,) = entries(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    with pytest.warns(UserWarning, match=path.name):
        again = run_trials([TRIAL], store=Store(tmp_path))
    assert len(runs) == 2
    assert torch.equal(first[0].actual["warm"], again[0].actual["warm"])


@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError])
def test_an_interruption_keeps_what_was_finished_and_no_half_of_the_rest(tmp_path, monkeypatch, stop):
    original = Store.keep

    def second_fails(self, key, entry):
        if entries(tmp_path):
            raise stop("stopped here")
        return original(self, key, entry)

    monkeypatch.setattr(Store, "keep", second_fails)
    with pytest.raises(stop):
        run_trials(TWO, store=Store(tmp_path))
    assert len(entries(tmp_path)) == 1
    assert leftovers(tmp_path) == []
    monkeypatch.undo()
    assert len(run_trials(TWO, store=Store(tmp_path))) == 2
    assert len(entries(tmp_path)) == 2
    events = [note.event for note in journal(Store(tmp_path))]
    assert events == ["begun", "finished", "begun", "begun", "finished"]


def test_an_outcome_that_vanishes_is_an_error_and_not_a_shorter_list(tmp_path, monkeypatch):
    monkeypatch.setattr(Store, "keep", lambda *_: None)
    with pytest.raises(MissingData, match="removed or damaged while the sweep ran"):
        run_trials([TRIAL], store=Store(tmp_path))


def test_progress_counts_what_was_known_and_ends_at_the_total(tmp_path):
    run_trials(TWO[:1], store=Store(tmp_path))
    said = []
    run_trials(TWO, store=Store(tmp_path), progress=lambda done, total, what: said.append((done, total, what)))
    done = [each[0] for each in said]
    assert done[0] == 1
    assert done == sorted(done)
    assert said[-1] == (pytest.approx(2), 2, "trials")


def test_a_wrapped_trial_is_a_recipe_of_its_own(tmp_path, runs):
    run_trials([TRIAL, Gated(TRIAL, number=0), Gated(TRIAL, number=1)], store=Store(tmp_path))
    assert len(runs) == 3
    assert len(entries(tmp_path)) == 3


@pytest.mark.exhaustive
@pytest.mark.slow
def test_workers_give_the_same_outcomes(tmp_path):
    said = []
    alone = run_trials(TWO, store=Store(tmp_path / "alone"))
    together = run_trials(
        TWO, store=Store(tmp_path / "together"), workers=2, progress=lambda done, *_: said.append(done)
    )
    for one, two in zip(alone, together, strict=True):
        assert torch.allclose(one.actual["warm"], two.actual["warm"], rtol=1e-9, atol=1e-14)
        assert torch.equal(one.train_ids, two.train_ids)
    assert said == [0, 1, 2]


def test_fewer_workers_than_none_are_refused(tmp_path):
    with pytest.raises(InvalidParameter, match="workers is -1, expected 1 or more"):
        run_trials([TRIAL], store=Store(tmp_path), workers=-1)


@pytest.mark.parametrize(("workers", "cores", "wanted"), [(0, 3, 3), (2, 3, 2), (0, 1, None), (1, 3, None)])
def test_no_number_of_workers_means_one_a_core(tmp_path, monkeypatch, workers, cores, wanted):
    asked = []

    def one_after_the_other(jobs, *, workers):
        asked.append(workers)
        return run_serial(jobs, progress=lambda key: unheard)

    monkeypatch.setattr(sweep, "run_processes", one_after_the_other)
    monkeypatch.setattr(sweep.joblib, "cpu_count", lambda: cores)
    run_trials([TRIAL], store=Store(tmp_path), workers=workers)
    assert asked == ([] if wanted is None else [wanted])


@pytest.mark.parametrize("other", ["finishes", "gives up"])
def test_a_trial_that_somebody_else_is_at_is_waited_for(tmp_path, runs, monkeypatch, other):
    monkeypatch.setattr(sweep, "POLL", 0.05)
    store, begun, done = Store(tmp_path), threading.Event(), threading.Event()
    key = fingerprint((TWO[0], recipe_version(TWO[0]), "cpu"))
    entry = TWO[0].run().entry()
    runs.clear()

    def somebody_else():
        with store.lock(key) as ours:
            assert ours
            begun.set()
            assert done.wait(60)
            if other == "finishes":
                store.keep(key, entry)

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(somebody_else)
        assert begun.wait(60)
        # The second trial is done meanwhile; only then does the other one go on.
        found = run_trials(TWO, store=store, progress=lambda so_far, *_: done.set() if so_far >= 1 else None)
        working.result()
    assert runs == (TWO[1:] if other == "finishes" else TWO[::-1])
    assert torch.equal(found[0].actual["warm"], entry.arrays["actual/warm"])
    assert leftovers(tmp_path) == []


def test_another_version_of_the_code_runs_everything_again(tmp_path, runs, monkeypatch):
    run_trials([TRIAL], store=Store(tmp_path))
    monkeypatch.setattr(sweep, "recipe_version", lambda *_, **__: "another")
    run_trials([TRIAL], store=Store(tmp_path))
    assert len(runs) == 2
