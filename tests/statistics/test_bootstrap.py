"""Axes are drawn apart, together or with another one, and a mean is that of the rows and columns really repeated."""

import numpy
import pytest

from influencelab.statistics.bootstrap import Bootstrap, unit_weights

WAY = Bootstrap(resamples=50, seed=4)
AXES = {"seeds": 6, "tests": 5}


def test_crossed_axes_are_drawn_whole_by_streams_of_their_own():
    drawn = WAY.draw(AXES)
    streams = [numpy.random.default_rng(each) for each in numpy.random.SeedSequence(4).spawn(3)]
    for axis, k, stream in (("seeds", 6, streams[0]), ("tests", 5, streams[1])):
        assert numpy.array_equal(drawn[axis], stream.multinomial(k, [1 / k] * k, size=50))
        assert (drawn[axis].sum(1) == k).all()
    later = WAY.draw({"tests": 5}, stream=2)["tests"]
    assert numpy.array_equal(later, streams[2].multinomial(5, [0.2] * 5, size=50))


def test_nested_units_come_with_the_other_axis_and_shared_axes_are_drawn_once():
    nested = WAY.draw(AXES, nested=("tests",))
    assert (nested["tests"] == 1).all()
    assert numpy.array_equal(nested["seeds"], WAY.draw(AXES)["seeds"])
    ours, theirs = WAY.draw(AXES), WAY.draw(AXES, stream=2)
    joint = theirs.sharing(ours, ["tests"])
    assert numpy.array_equal(joint["tests"], ours["tests"])
    assert numpy.array_equal(joint["seeds"], theirs["seeds"])
    assert not numpy.array_equal(ours["tests"], theirs["tests"])


def test_chunks_are_the_draw_in_parts(monkeypatch):
    monkeypatch.setattr("influencelab.statistics.bootstrap.CHUNK", 6 * 7)
    parts = list(WAY.chunks(6))
    assert [len(part) for part in parts] == [7] * 7 + [1]
    assert numpy.array_equal(numpy.concatenate(parts), WAY.draw(AXES)["seeds"])


def test_a_mean_is_that_of_repeated_rows_and_columns_of_what_is_known():
    values = numpy.random.default_rng(0).normal(size=(6, 5))
    values[2, 3] = numpy.nan
    drawn = WAY.draw(AXES)
    wanted = [
        numpy.nanmean(values[numpy.ix_(numpy.repeat(range(6), s), numpy.repeat(range(5), t))])
        for s, t in zip(drawn["seeds"].astype(int), drawn["tests"].astype(int), strict=True)
    ]
    assert drawn.mean(values) == pytest.approx(wanted)
    assert unit_weights(AXES).mean(values) == pytest.approx(numpy.nanmean(values))
    assert numpy.isnan(drawn.mean(numpy.full((6, 5), numpy.nan))).all()
