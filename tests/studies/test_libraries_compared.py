"""Scores of other libraries: kept as they were returned, read in nats, and held against a truth that they know not."""

import json
from dataclasses import replace

import numpy
import pytest
import torch

import influencelab as il
from influencelab.errors import MissingData
from influencelab.experiments.imported import LIBRARIES
from influencelab.experiments.tables import measurements
from influencelab.statistics.measurements import find, joined
from influencelab.studies.libraries_compared import analysis
from influencelab.studies.libraries_compared.claims import (
    CLAIMS,
    FACTORS,
    FINDINGS,
    OTHER,
    READ,
    REFITS,
    RETURNED,
    WHOLE,
)
from influencelab.studies.libraries_compared.problems import PROBLEMS, arrays

QUICK = il.Bootstrap(resamples=40)
CALLS = {one.call: one for one in analysis.kept()}


@pytest.fixture(scope="module")
def truths():
    """Some points of each problem removed."""
    fits = {name: make() for name, make in PROBLEMS.items()}
    return {
        name: il.SecondOrder().retrain(fit, il.leave_one_out(fit.data.n, rows=range(24))) for name, fit in fits.items()
    }


def test_every_call_is_kept_with_its_version_and_cost_in_little_room():
    assert {call: one.data for call, one in CALLS.items()} == WHOLE | REFITS | OTHER | FACTORS
    files = list(analysis.FOLDER.iterdir())
    assert sum(path.stat().st_size for path in files) <= 300_000
    for one in CALLS.values():
        assert one.library in LIBRARIES
        assert one.version[0].isdigit()
        assert one.seconds > 0
        assert one.megabytes > 0
        assert sorted(one.scores.shape) == [10, 300]
    record = json.loads((analysis.FOLDER / "record.json").read_text(encoding="utf-8"))
    assert "/" not in json.dumps(record["machine"])


def test_missing_scores_are_refused_with_the_script_that_makes_them(tmp_path):
    with pytest.raises(MissingData, match=r"holds no scores\. Make them: python tests/.*keep_scores\.py"):
        analysis.kept(tmp_path)


def by_hand(given):
    """Influence of the arrays that a library is given, by NumPy alone, in nats (n m)."""
    x, y, x_test, y_test = (given[name] for name in ("x", "y", "x_test", "y_test"))
    classes = len(given["theta"])

    def residual(z, labels):
        chances = numpy.exp(z - z.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        return chances, chances - numpy.eye(classes)[labels]

    (chances, push), (_, pull) = residual(x @ given["theta"].T, y), residual(x_test @ given["theta"].T, y_test)
    bends = chances[:, :, None] * (numpy.eye(classes) - chances[:, None, :])
    curvature = numpy.einsum("nce,nd,nf->cdef", bends, x, x, optimize=True).reshape(push.shape[1] * x.shape[1], -1)
    curvature = curvature / len(x) + float(given["decay"]) * numpy.eye(len(curvature))
    rows, columns = (
        (each[:, :, None] * part[:, None]).reshape(len(part), -1) for each, part in ((push, x), (pull, x_test))
    )
    return rows @ numpy.linalg.solve(curvature, columns.T) / len(x)


@pytest.mark.parametrize("call", ["pydvl", "dattri", "captum"])
def test_scores_in_nats_are_those_of_plain_algebra_on_the_arrays_that_were_given(call, truths):
    fitted = truths["digits"].fit
    wanted = by_hand(arrays(fitted))
    found = analysis.read(CALLS[call], fitted).values.numpy()
    assert numpy.linalg.norm(found - wanted) <= 1e-4 * numpy.linalg.norm(wanted)


def test_scores_as_returned_are_turned_and_not_scaled(truths):
    for one in CALLS.values():
        fitted = truths[one.data].fit
        returned, read = analysis.as_returned(one, fitted).values, analysis.read(one, fitted).values
        factor = fitted.data.n if LIBRARIES[one.library].summed else 1
        assert torch.allclose(returned, factor * read, rtol=1e-6, atol=1e-12)
        assert returned.shape == (300, 10)


def test_a_library_that_turns_its_sign_is_not_taken_for_right(truths):
    turned = replace(CALLS["pyinfluence"], scores=-CALLS["pyinfluence"].scores)
    table = analysis.slopes([turned], truths, bootstrap=QUICK)
    assert max(table["value"].tolist()) < 0
    (distance,) = analysis.costs([turned], truths).query("statistic == 'distance_from_exact'")["value"]
    assert distance > 1.5


@pytest.mark.slow
def test_claims_tables_and_findings_select_the_numbers_of_every_call(truths):
    calls = list(CALLS.values())
    parts = analysis.agreements(calls, truths, bootstrap=QUICK)
    slopes = analysis.slopes(calls, truths, bootstrap=QUICK)
    found = joined([measurements(parts), slopes, analysis.costs(calls, truths)])
    assert all(cell.number(found) for claim in CLAIMS for cell in claim.cells)
    factors = find(found, {"estimator": "kronfluence, every class", "statistic": "distance_from_ekfac"})
    assert factors
    assert factors.value < 1e-4
    (sentence,) = FINDINGS
    assert len(sentence.quotes) == 8
    for one in calls:
        own = [find(slopes, {"estimator": one.call, "scale": scale}) for scale in (READ, RETURNED)]
        read, returned = (number.value for number in own if number)
        assert read / returned == pytest.approx(300 if LIBRARIES[one.library].summed else 1, rel=1e-4)
