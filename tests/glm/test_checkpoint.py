"""Work that was interrupted goes on from what is kept, to the same bits; half-written files count for nothing."""

from dataclasses import dataclass

import jaxtyping
import numpy
import pytest
from regressions import CLASSES, N, X

import influencelab as il
from influencelab.errors import InvalidData, Unavailable, WrongType
from influencelab.glm.checkpoint import Checkpoint
from influencelab.glm.rows import Rows
from influencelab.glm.table import Table

CHUNK = 20
WIDE = numpy.c_[X, numpy.random.default_rng(1).normal(size=(N, 8))]


class Interrupted(Exception):
    """What the test throws."""


@dataclass(frozen=True)
class Counting(Table):
    """Chunks of rows; what is done with them is counted by `progress`."""

    def chunks(self):
        """Some rows at a time."""
        for first in range(0, N, CHUNK):
            some = slice(first, first + CHUNK)
            yield Rows(first, WIDE[some], CLASSES[some], numpy.ones(CHUNK), numpy.zeros(CHUNK))

    @property
    def columns(self):
        """None."""
        return ()


class Stopping:
    """Progress that counts finished chunks, and ends the work after some of them."""

    def __init__(self, after=10**9):
        self.chunks, self.after = 0, after

    def __call__(self, *_):
        """One more is done."""
        self.chunks += 1
        if self.chunks > self.after:
            raise Interrupted


def calls(kept, progress):
    """Everything that is kept, in one piece of work."""
    how = {"kept": kept, "progress": progress}
    fitted = il.regress(Counting(), **how)
    sketched = il.sketched_influence(fitted, il.SparseSignProjection(k=6), sketches=2, **how)
    exact = il.row_influence(fitted, **how)
    return fitted.coefficients, sketched.leverages, exact.leverage, exact.pearson


def test_every_place_of_interruption_goes_on_to_the_same_bits(tmp_path):
    undisturbed = Stopping()
    wanted = calls(Checkpoint(), undisturbed)
    chunks = N // CHUNK
    for number, after in enumerate(range(chunks + 3, undisturbed.chunks, 2 * chunks + 7)):
        kept, before = Checkpoint(tmp_path / str(number)), Stopping(after)
        with pytest.raises(Interrupted):
            calls(kept, before)
        again = Stopping()
        found = calls(kept, again)
        # Equal bits are the promise: the same arithmetic on the same chunks, added up in the same order.
        assert all((one == other).all() for one, other in zip(found, wanted, strict=True))
        # A step of the fit is begun anew, after a look at the rows; a pass of exact curvature too.
        assert again.chunks <= undisturbed.chunks - after + 4 * chunks
        finished = Stopping()
        calls(kept, finished)
        assert finished.chunks == 0


def test_a_file_that_is_not_whole_counts_for_nothing(tmp_path):
    kept = Checkpoint(tmp_path / "kept")
    assert kept.load("step") is None
    kept.keep("step", coefficients=numpy.arange(3.0))
    assert kept.load("step")["coefficients"].tolist() == [0, 1, 2]
    path = tmp_path / "kept" / "step.npz"
    path.write_bytes(path.read_bytes()[:-30])
    assert kept.load("step") is None
    assert [each.name for each in path.parent.iterdir()] == ["step.npz"]


@pytest.mark.parametrize(
    ("error", "left"), [(InvalidData("no"), False), (Unavailable("gone"), True), (Interrupted(), True), (None, False)]
)
def test_what_is_kept_is_left_where_work_can_go_on(tmp_path, error, left):
    kept = Checkpoint(tmp_path / "kept")
    try:
        with kept.until_done():
            kept.keep("step", coefficients=numpy.zeros(1))
            if error:
                raise error
    except type(error):
        pass
    assert kept.folder.exists() == left


@pytest.mark.parametrize("wrong", [{"scheduler": 8786}, {"kept": "parts"}])
def test_wrong_places_of_work_are_refused(monkeypatch, wrong):
    fitted = il.regress(WIDE, CLASSES)
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    for call in (
        lambda: il.regress(WIDE, CLASSES, **wrong),
        lambda: il.row_influence(fitted, **wrong),
        lambda: il.glm_influence(fitted, projection=il.SparseSignProjection(k=3), **wrong),
    ):
        with pytest.raises(WrongType, match=f"{next(iter(wrong))} is .*(Make one|Give its address)"):
            call()
