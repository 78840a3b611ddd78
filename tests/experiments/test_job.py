"""Where a trial is done: workers that die are replaced, and a device that is not here is refused."""

from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import pytest
import torch
from gated_sweep import Fatal, trials
from journal import journal

from influencelab.errors import NotSolved, Unavailable
from influencelab.experiments import job
from influencelab.experiments.store import Store
from influencelab.experiments.sweep import run_trials
from influencelab.influence.estimators.lissa import Lissa

TWO = [gated.trial for gated in trials(2)]
TRIAL = TWO[0]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_trial_of_a_worker_that_dies_is_done_by_another(tmp_path):
    marks = tmp_path / "marks"
    marks.mkdir()
    fatal = Fatal(TRIAL, str(marks), deaths=1)
    found = run_trials([*TWO, fatal], store=Store(tmp_path / "store"), workers=2)
    assert len(list(marks.iterdir())) == 1
    # Equal bits are the promise: one trial, done by one thread each time.
    assert torch.equal(found[0].actual["warm"], found[2].actual["warm"])
    finished = [note.key for note in journal(Store(tmp_path / "store")) if note.event == "finished"]
    assert len(finished) == len(set(finished)) == 3


@pytest.mark.exhaustive
@pytest.mark.slow
def test_a_trial_that_kills_every_worker_is_given_up_and_the_rest_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(job, "DEATHS", 1)  # each costs two workers that begin anew
    marks, folder = tmp_path / "marks", tmp_path / "store"
    marks.mkdir()
    fatal = Fatal(TRIAL, str(marks), deaths=99, beside=str(folder), others=2)
    with pytest.raises(Unavailable, match="Worker processes were killed 2 times"):
        run_trials([fatal, *TWO], store=Store(folder), workers=2)
    assert len(list(marks.iterdir())) == 2
    assert len(list(folder.rglob("*.entry"))) == 2


@pytest.mark.parametrize("deaths", [job.DEATHS, job.DEATHS + 1])
def test_what_dies_with_its_workers_is_done_by_others_a_few_times(tmp_path, monkeypatch, deaths):
    """As when every pool of processes breaks after its first trial; pools that break in earnest take longest."""
    pools = []

    def pool(*, n_jobs, **_):
        def work(calls):
            pools.append([called for called, *_ in calls])
            for number, (call, given, _) in enumerate(calls):
                if number == 1 and len(pools) <= deaths:
                    raise BrokenProcessPool
                yield call(*given)

        assert n_jobs == 2
        return work

    monkeypatch.setattr(job, "PARALLEL", pool)
    many = [gated.trial for gated in trials(deaths + 2)]
    store = Store(tmp_path)
    if deaths > job.DEATHS:
        with pytest.raises(Unavailable, match=rf"Worker processes were killed {deaths} times"):
            run_trials(many, store=store, workers=2)
    else:
        assert len(run_trials(many, store=store, workers=2)) == len(many)
    # Each pool was given what the ones before it had left.
    assert [len(calls) for calls in pools] == [len(many) - place for place in range(job.DEATHS + 1)]
    notes = [note.key for note in journal(store) if note.event == "finished"]
    assert len(notes) == len(set(notes)) == (len(many) if deaths <= job.DEATHS else deaths)


@pytest.mark.parametrize("device", ["cuda:99", "gpu", ""])
def test_a_device_that_is_not_here_is_refused_before_anything_runs(tmp_path, device):
    with pytest.raises(Unavailable, match=rf"Device '{device}' cannot be used: .*There are here: cpu"):
        run_trials([TRIAL], store=Store(tmp_path), device=device)
    assert journal(Store(tmp_path)) == []
    with pytest.raises(Unavailable, match="cannot be used"):
        TRIAL.run(device=device)


def test_cuda_gives_the_same_numbers_or_is_refused_where_there_is_none(tmp_path):
    if not torch.cuda.is_available():
        with pytest.raises(Unavailable, match="Device 'cuda' cannot be used"):
            run_trials([TRIAL], store=Store(tmp_path), device="cuda")
        return
    there, here = (run_trials([TRIAL], store=Store(tmp_path), device=device)[0] for device in ("cuda", "cpu"))
    assert torch.allclose(there.actual["warm"], here.actual["warm"], rtol=1e-6, atol=1e-10)


def test_a_solve_that_did_not_end_is_a_fact_of_its_trial(tmp_path, recwarn):
    (found,) = run_trials([replace(TRIAL, estimators={"lissa": Lissa(depth=3)})], store=Store(tmp_path))
    (said,) = found.facts["warnings"]
    assert said.startswith("LiSSA took all of its 3 steps")
    assert not [each for each in recwarn if issubclass(each.category, NotSolved)]
