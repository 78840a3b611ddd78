"""The same scores from memory, from chunks in any order, and from a cluster of which a worker dies."""

import multiprocessing
import os
import signal
from collections.abc import Iterator

import dask
import jaxtyping
import numpy
import pytest
import scipy.sparse
from distributed import CancelledError, KilledWorker, LocalCluster, utils

import influencelab as il
from influencelab.errors import InvalidData, Unavailable
from influencelab.runner.cluster import done_there, sent

N, P, CHUNK = 600, 30, 40
RNG = numpy.random.default_rng(0)
X = scipy.sparse.csr_array(scipy.sparse.random(N, P, 0.3, format="csr", random_state=1, data_rvs=RNG.standard_normal))
Y = (RNG.uniform(size=N) < 1 / (1 + numpy.exp(-(X @ RNG.normal(size=P))))).astype(float)


def scores(given, **how):
    """Coefficients, exact and sketched leverage and residuals of every row."""
    fitted = il.regress(*given, weight_decay=0.01, **how)
    exact = il.row_influence(fitted, **how)
    sketched = il.sketched_influence(fitted, il.SparseSignProjection(k=10), sketches=2, **how)
    return fitted.coefficients, exact.leverage, exact.pearson, sketched.leverages, sketched.cook()


@pytest.fixture(scope="module")
def wanted():
    """All rows at once, from memory."""
    return scores((X, Y))


@pytest.mark.parametrize("order", ["as it is", "reversed", "shuffled"])
def test_chunks_in_any_order_give_the_scores_of_memory(wanted, monkeypatch, order):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    firsts = numpy.arange(0, N, CHUNK)
    firsts = {"as it is": firsts, "reversed": firsts[::-1], "shuffled": RNG.permutation(firsts)}[order]
    places = numpy.concatenate([numpy.arange(first, first + CHUNK) for first in firsts])

    def pieces():
        for first in firsts.tolist():
            yield X[first : first + CHUNK], Y[first : first + CHUNK]

    found = scores((il.IteratedTable(pieces),), workers=2)
    assert found[0] == pytest.approx(wanted[0], rel=1e-9)
    for ours, theirs in zip(found[1:], wanted[1:], strict=True):
        assert ours == pytest.approx(theirs[..., places], rel=1e-10, abs=1e-13)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalCluster]:
    """Three worker processes, forked from one in which everything is imported."""
    monkeypatch.setattr(utils, "_forkserver_preload_set", True)
    multiprocessing.set_forkserver_preload(["distributed.nanny", "influencelab.glm.choice"])
    with (
        dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"}),
        LocalCluster(n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None) as local,
    ):
        yield local


@pytest.mark.slow
def test_a_cluster_gives_the_bits_of_threads_with_one_worker_killed_midway(wanted, cluster):
    table = il.ArrayTable(X, Y, rows=CHUNK)
    passes = []

    def kill(done, *_):
        passes.append(done)
        # In the middle of the fit, while all workers are at chunks.
        if len(passes) == 3 * N // CHUNK + 4:
            os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)

    found = scores((table,), scheduler=cluster.scheduler_address, progress=kill)
    assert len(passes) > 6 * N // CHUNK
    # Equal bits are the promise: the same arithmetic of one thread on the same chunks, added up in the same order.
    assert all((one == other).all() for one, other in zip(found, scores((table,), workers=2), strict=True))
    for ours, theirs in zip(found[1:], wanted[1:], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-10, abs=1e-13)
    gap = X.toarray()
    gap[517, 3] = numpy.nan
    with pytest.raises(InvalidData, match="row 517 has nan in column 3"):
        il.regress(il.ArrayTable(gap, Y, rows=CHUNK), scheduler=cluster.scheduler_address)


@pytest.mark.parametrize(
    ("error", "said"),
    [(KilledWorker("rows", None, 3), "with more memory"), (CancelledError("lost"), "Start them again")],
)
def test_a_cluster_that_is_lost_is_said(error, said):
    class Lost:
        def scatter(self, work, **_):
            return work

        def nthreads(self):
            return {}

    with pytest.raises(Unavailable, match=said), sent(len, Lost()):
        raise error


def test_a_worker_with_other_code_is_refused():
    with pytest.raises(Unavailable, match="runs another version"):
        done_there(len, [], code="another")
