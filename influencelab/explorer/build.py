"""Explorer data made from outcomes with their trials, or from one comparison."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy

from influencelab.data.arrays import parts
from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.experiments.comparison import array
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import loss_changes, repeatability
from influencelab.experiments.trial import Trial, trial_in
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.fit_details import fit_details
from influencelab.explorer.pairs_table import PairsTable, Setting
from influencelab.explorer.point_display import Points, places
from influencelab.statistics.comparison import Comparison

__all__ = ["explorer_data"]

Key = tuple[Setting, ...]
# Features of more numbers than this are not shown as a table.
READABLE = 30


@runtime_checkable
class Derived(Protocol):
    """A source whose features are computed from those of another one, such as a kernel's."""

    @property
    def inner(self) -> Source:
        """The source that its points come from."""
        ...


def explorer_data(
    outcomes: Mapping[Key, Outcome],
    trials: Mapping[Key, Any],
    *,
    names: Sequence[str],
    title: str = "",
    details: Collection[Key] = (),
    features: Sequence[str] = (),
    counts: str = "trusted",
) -> ExplorerData:
    """The pairs and points of these outcomes, as an explorer shows them.

    Args:
        outcomes: by key, such as `("warm", 4, 0.005, 0)`.
        trials: the recipe of each outcome, which knows the data.
        names: what each part of a key is, such as `("arm", "layers", "weight decay", "seed")`; a seed comes last.
        title: of the run.
        details: keys whose stored fits are also asked for losses, self-influence and predictions at every damping.
        features: names of the features with their units, where points are tables.
        counts: whether models in the fit's own basin count at first (`trusted`), or all that converged (`converged`).

    Raises:
        MissingData: an outcome whose details are wanted keeps no fit.
    """
    points: dict[object, Points] = {}
    tables = []
    for key, outcome in outcomes.items():
        trial = trial_in(trials[key])
        shared = trial.source, 0 if outcome.facts["single"] else len(outcome.train_ids)
        if shared not in points:
            held, taken = points_of(trial.source, outcome, features=features), {each.name for each in points.values()}
            points[shared] = (
                replace(held, name=f"{held.name}, split {trial.source.seed}") if held.name in taken else held
            )
        settings = dict(zip(names, key, strict=True))
        tables.append(
            table_of(
                outcome,
                points[shared],
                settings=settings,
                detailed=trial if key in details else None,
                **repeats(key, outcomes if names[-1] == "seed" else {}),
            )
        )
    named = {held.name: held for held in points.values()}
    return ExplorerData(title=title, names=tuple(names), tables=tables, points=named, counts=counts)


def points_of(source: Source, outcome: Outcome, *, features: Sequence[str] = ()) -> Points:
    """The points of a trial, as they were before scaling; groups are named by their numbers."""
    data = source.load()
    # Of a kernel matrix, the points that it was computed from are shown.
    raw = parts((source.inner if isinstance(source, Derived) else source).arrays())
    shape, grouped = raw[1].x.shape[1:], not outcome.facts["single"]
    shown = readable(shape) and not grouped
    train_ids = array(outcome.train_ids if grouped else data.train_ids)
    train, test = (
        part.x[places(part.ids.tolist(), ids.tolist())] if shown else None
        for part, ids in zip(raw, (train_ids, data.test_ids), strict=True)
    )
    return Points(
        name=f"{len(train_ids)} groups of {data.name}" if grouped else data.name,
        train_ids=train_ids,
        test_ids=array(data.test_ids),
        train_labels=numpy.full(len(train_ids), numpy.nan) if grouped else array(data.y_train).astype(float),
        test_labels=array(data.y_test).astype(float),
        classes=data.classes,
        train=train,
        test=test,
        features=tuple(features) if len(shape) == 1 and len(features) == shape[0] else (),
        grouped=grouped,
    )


def table_of(
    outcome: Outcome,
    points: Points,
    *,
    settings: Mapping[str, Setting],
    detailed: Trial | None,
    repeatability: Mapping[str, float],
    noise: Mapping[str, float],
) -> PairsTable:
    """The pairs of one outcome that any of its selections takes in, test point by test point.

    The details of its fit are those of the trial in `detailed`, if there is one.
    """
    taken = numpy.any([array(each) for each in outcome.chosen.values()], axis=0)
    tests, rows = taken.T.nonzero()
    train = numpy.array(places(points.train_ids.tolist(), outcome.train_ids.tolist()), dtype=numpy.int64)[rows]
    test = numpy.array(places(points.test_ids.tolist(), outcome.test_ids.tolist()), dtype=numpy.int64)[tests]
    along = outcome.facts.get("damping_path", {})
    known = {name: values for name, values in outcome.predicted.items() if name not in along}
    converged = outcome.converged or outcome.trusted
    return PairsTable(
        settings=settings,
        points=points.name,
        train=train,
        test=test,
        predicted={name: array(values)[rows, tests].astype(numpy.float32) for name, values in known.items()},
        actual={
            name: numpy.where(array(converged[name])[rows], array(values)[rows, tests], numpy.nan).astype(numpy.float32)
            for name, values in outcome.actual.items()
        },
        moved={name: (array(converged[name]) & ~array(outcome.trusted[name]))[rows] for name in outcome.actual},
        removed={name: array(values)[rows, tests] for name, values in outcome.chosen.items()},
        unscaled=tuple(name for name in known if outcome.facts["estimates"][name]["unit"] == "none"),
        repeatability=repeatability,
        noise=noise,
        **(fit_details(detailed, outcome, rows=rows, tests=tests) if detailed else {}),
    )


def repeats(key: Key, outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, float]]:
    """Repeatability and noise of each target of a network between seeds; nothing where seeds cannot be compared."""
    cell = [outcome for other, outcome in outcomes.items() if other[:-1] == key[:-1]]
    found: dict[str, dict[str, float]] = {"repeatability": {}, "noise": {}}
    if len(cell) < 2:
        return found
    first, even = cell[0], len(cell) - len(cell) % 2
    alike = all(
        each.train_ids.equal(first.train_ids)
        and each.test_ids.equal(first.test_ids)
        and each.actual.keys() == first.actual.keys()
        for each in cell
    )
    selection = next(iter(first.chosen))
    if not alike or not all(each.chosen[selection].all() for each in cell):
        return found
    for target in first.actual:
        values = repeatability(cell[:even:2], cell[1:even:2], target=target, selection=selection).values
        changes = loss_changes(cell, target, selection=selection)
        twice = (~numpy.isnan(changes)).sum(0) > 1
        if twice.any():
            deviations = numpy.nanstd(changes[:, twice], axis=0, ddof=1)
            found["noise"][target] = float(numpy.sqrt(numpy.mean(deviations**2)))
        if not numpy.isnan(values).all():
            found["repeatability"][target] = float(numpy.nanmean(values))
    return found


def from_comparison(comparison: Comparison, data: Dataset | None = None) -> ExplorerData:
    """One comparison as explorer data; pairs outside its mask are shown as not converged.

    Without its data set points have ids and labels only.
    """
    shown = numpy.broadcast_to(comparison.mask.any(0), comparison.mask.shape)
    tests, rows = shown.T.nonzero()
    actual = numpy.where(comparison.mask, comparison.actual, numpy.nan)
    points = points_in(comparison, data)
    table = PairsTable(
        settings={},
        points=points.name,
        train=rows,
        test=tests,
        predicted={comparison.estimator: comparison.predicted[rows, tests].astype(numpy.float32)},
        actual={"retrained": actual[rows, tests].astype(numpy.float32)},
        moved={"retrained": numpy.zeros(len(rows), dtype=bool)},
        removed={"all pairs": numpy.ones(len(rows), dtype=bool)},
        unscaled=(comparison.estimator,) if comparison.unit == "none" else (),
    )
    return ExplorerData(title="comparison", names=(), tables=[table], points={points.name: points})


def points_in(comparison: Comparison, data: Dataset | None) -> Points:
    """The points of a comparison, with their features where the data set is given."""
    train_ids, test_ids = comparison.train_ids, comparison.test_ids
    known = comparison.train_labels.astype(float)
    alone = Points(
        name="data" if data is None else data.name,
        train_ids=train_ids,
        test_ids=test_ids,
        train_labels=known if comparison.classes else numpy.full(len(train_ids), numpy.nan),
        test_labels=comparison.test_labels.astype(float),
        classes=comparison.classes,
    )
    if data is None or not readable(data.x_test.shape[1:]):
        return alone
    train = places(data.train_ids.tolist(), train_ids.tolist())
    test = places(data.test_ids.tolist(), test_ids.tolist())
    return replace(alone, train=array(data.x_train)[train], test=array(data.x_test)[test])


def readable(shape: Sequence[int]) -> bool:
    """Whether points of this shape can be shown: as pictures, or as a short table."""
    return len(shape) > 1 or (len(shape) == 1 and shape[0] <= READABLE)
