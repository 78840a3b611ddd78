"""Scores as other libraries returned them, as estimates of ours, beside retraining and beside our own influence."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
import pandas

from influencelab.errors import MissingData
from influencelab.experiments.comparison import compare
from influencelab.experiments.imported import LIBRARIES, import_scores
from influencelab.experiments.tables import Agreement
from influencelab.influence.estimator import Estimate
from influencelab.influence.estimators.ekfac import EKFAC
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainer import Retrained
from influencelab.statistics.agreement import statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.libraries_compared.claims import READ, RETURNED
from influencelab.training.fit import Fit

FOLDER = Path(__file__).parent / "scores"
# What scores are held against beside retraining: all of the curvature, and for Kronecker factors ours too.
OURS = (("exact", Exact()), ("ekfac", EKFAC()))


@dataclass(frozen=True, eq=False)
class Kept:
    """Scores of one call of a library on one problem, and what the call cost.

    Attributes:
        data: the problem.
        call: the library, and what of it was called.
        library: its name, as `import_scores` knows it.
        version: of it.
        scores: as it returned them, in single precision.
        seconds: of one processor that the call took on the machine of record.
        megabytes: the most memory that its process held.
    """

    data: str
    call: str
    library: str
    version: str
    scores: numpy.ndarray
    seconds: float
    megabytes: float


def kept(folder: Path = FOLDER) -> list[Kept]:
    """Every call whose scores are kept.

    Raises:
        MissingData: the files are not there.
    """
    if not (folder / "record.json").is_file():
        raise MissingData(f"{folder} holds no scores. Make them: python tests/benchmarks/peers/keep_scores.py.")
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    with numpy.load(folder / "scores.npz") as arrays:
        return [Kept(**{**each, "scores": arrays[f"{each['data']}/{each['call']}"]}) for each in record["calls"]]


def read(one: Kept, fitted: Fit) -> Estimate:
    """Its scores in our sign and unit."""
    return import_scores(one.scores, fitted, library=one.library)


def as_returned(one: Kept, fitted: Fit) -> Estimate:
    """The same in the library's own scale: a row a training point, and nothing else of it changed."""
    turned = one.scores.T if LIBRARIES[one.library].by_test else one.scores
    estimate = read(one, fitted)
    return replace(estimate, values=estimate.values.new_tensor(numpy.ascontiguousarray(turned)))


def agreements(
    calls: Sequence[Kept], truths: Mapping[str, Retrained], *, bootstrap: Bootstrap | None = None
) -> list[Agreement]:
    """Every call's scores in nats beside retraining."""
    found = []
    for one in calls:
        comparison = compare(read(one, truths[one.data].fit), truths[one.data])
        settings = {"data": one.data, "estimator": one.call, "target": "second_order", "selection": "everything"}
        found.append(Agreement(settings, comparison, comparison.statistics(bootstrap)))
    return found


def slopes(
    calls: Sequence[Kept], truths: Mapping[str, Retrained], *, bootstrap: Bootstrap | None = None
) -> pandas.DataFrame:
    """How many times as large as its scores say the changes are, for each call as returned and in nats."""
    rows = []
    for one in calls:
        truth = truths[one.data]
        for scale, estimate in ((RETURNED, as_returned), (READ, read)):
            number = statistic(compare(estimate(one, truth.fit), truth), "slope", bootstrap=bootstrap).median
            rows.append(row(number, data=one.data, estimator=one.call, scale=scale, statistic="slope_of_scale"))
    return tidy(rows)


def costs(calls: Sequence[Kept], truths: Mapping[str, Retrained]) -> pandas.DataFrame:
    """Seconds and memory of each call, and how far its scores are from our own, as a share of the size of ours."""
    rows = []
    for one in calls:
        fitted = truths[one.data].fit
        shared: dict[str, Any] = {"data": one.data, "estimator": one.call}
        once = "one call on the machine of record"
        rows.append(row(Measurement(one.seconds, note=once, unit="s"), **shared, statistic="seconds"))
        rows.append(row(Measurement(one.megabytes, note=once, unit="MB"), **shared, statistic="megabytes"))
        for name, ours in OURS[: 2 if one.library == "kronfluence" else 1]:
            share = distance(read(one, fitted), ours.estimate(fitted))
            rows.append(row(share, **shared, statistic=f"distance_from_{name}"))
    return tidy(rows)


def distance(theirs: Estimate, ours: Estimate) -> Measurement:
    """The size of their difference as a share of the size of ours."""
    gap = float((theirs.values - ours.values).norm() / ours.values.norm())
    return Measurement(gap, n=ours.values.numel(), note="‖theirs − ours‖ / ‖ours‖ over all pairs; no interval")


def cost_table(calls: Sequence[Kept]) -> pandas.DataFrame:
    """Every call with its version and what it cost, a row each."""
    return pandas.DataFrame(
        [
            {
                "problem": one.data,
                "call": one.call,
                "version": one.version,
                "seconds": round(one.seconds, 3),
                "memory (MB)": round(one.megabytes),
            }
            for one in calls
        ]
    )
