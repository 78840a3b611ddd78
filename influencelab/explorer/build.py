"""Explorations made from what studies and people have at hand: outcomes with their trials, or one comparison."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy
import torch

from influencelab.data.arrays import parts
from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.experiments.code_version import code_version, kinds_in
from influencelab.experiments.comparison import array
from influencelab.experiments.replication import loss_changes, repeatability
from influencelab.experiments.store import Entry, Store
from influencelab.experiments.trial import Outcome, Trial
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.fit_details import FitDetails, fit_details
from influencelab.explorer.pairs_table import DampingSteps, PairsTable, Setting
from influencelab.explorer.point_display import Points
from influencelab.recipe import fingerprint
from influencelab.statistics.comparison import Comparison

__all__ = ["explorer_data"]

Key = tuple[Setting, ...]
# Features of more numbers than this are no table that a person reads.
READABLE = 30


def explorer_data(
    outcomes: Mapping[Key, Outcome],
    trials: Mapping[Key, Any],
    *,
    names: Sequence[str],
    title: str = "",
    portraits: Collection[Key] = (),
    features: Sequence[str] = (),
    counts: str = "trusted",
    store: Store | Path | None = None,
) -> ExplorerData:
    """Everything that can be looked at in these outcomes.

    Args:
        outcomes: by key, such as `("warm", 4, 0.005, 0)`.
        trials: the recipe of each outcome, which knows the data.
        names: what each part of a key is, such as `("arm", "layers", "weight decay", "seed")`; a seed comes last.
        title: of the run.
        portraits: keys whose models are fitted again for losses, self-influence and predictions at every damping.
        features: names of the features with their units, where points are tables.
        counts: whether models in the fit's own basin count at first (`trusted`), or all that converged (`converged`).
        store: where portraits are kept, so that the same ones are not made again; they are made anew unless given.
    """
    points: dict[object, Points] = {}
    sheets = []
    for key, outcome in outcomes.items():
        trial = getattr(trials[key], "trial", trials[key])
        shared = trial.source, 0 if outcome.facts["single"] else len(outcome.train_ids)
        if shared not in points:
            held, taken = points_of(trial.source, outcome, features=features), {each.name for each in points.values()}
            points[shared] = (
                replace(held, name=f"{held.name}, split {trial.source.seed}") if held.name in taken else held
            )
        seen = (
            cached_fit_details(trial, outcome, store=None if store is None else Store.at(store))
            if key in portraits
            else None
        )
        settings = dict(zip(names, key, strict=True))
        sheets.append(
            sheet_of(
                outcome,
                points[shared],
                settings=settings,
                seen=seen,
                **repeats(key, outcomes if names[-1] == "seed" else {}),
            )
        )
    named = {held.name: held for held in points.values()}
    return ExplorerData(title=title, names=tuple(names), sheets=sheets, points=named, counts=counts)


def cached_fit_details(trial: Trial, outcome: Outcome, *, store: Store | None) -> FitDetails:
    """The portrait of a trial: the one in the store, or a new one that is kept there."""
    if store is None:
        return fit_details(trial, outcome)
    version = code_version(*sorted({FitDetails.__module__, *(kind.__module__ for kind in kinds_in(trial))}))
    key = fingerprint(("portrait", trial, outcome.train_ids.tolist(), version))
    entry = store.find(key)
    if entry is None:
        new = fit_details(trial, outcome)
        entry = Entry(
            {field.name: torch.from_numpy(getattr(new, field.name)) for field in fields(FitDetails)}, facts={}
        )
        store.keep(key, entry)
    return FitDetails(**{name: array(tensor) for name, tensor in entry.arrays.items()})


def points_of(source: Source, outcome: Outcome, *, features: Sequence[str] = ()) -> Points:
    """The points of a trial, as they were before scaling; groups are named by their numbers."""
    data = source.load()
    # What a kernel is taken of is looked at, not the kernel.
    looked_at = getattr(source, "inner", source)
    train_raw, test_raw = (dict(zip(part.ids.tolist(), part.x, strict=True)) for part in parts(looked_at.arrays()))
    shape, grouped = next(iter(test_raw.values())).shape, not outcome.facts["single"]
    shown = readable(shape) and not grouped
    train_ids = array(outcome.train_ids if grouped else data.train_ids)
    return Points(
        name=f"{len(train_ids)} groups of {data.name}" if grouped else data.name,
        train_ids=train_ids,
        test_ids=array(data.test_ids),
        train_labels=numpy.full(len(train_ids), numpy.nan) if grouped else array(data.y_train).astype(float),
        test_labels=array(data.y_test).astype(float),
        classes=data.classes,
        train=numpy.stack([train_raw[each] for each in train_ids.tolist()]) if shown else None,
        test=numpy.stack([test_raw[each] for each in data.test_ids.tolist()]) if shown else None,
        features=tuple(features) if len(shape) == 1 and len(features) == shape[0] else (),
        grouped=grouped,
    )


def sheet_of(
    outcome: Outcome,
    points: Points,
    *,
    settings: Mapping[str, Setting],
    seen: FitDetails | None,
    repeatability: Mapping[str, float],
    noise: Mapping[str, float],
) -> PairsTable:
    """The pairs of one outcome that any of its selections looks at, test point by test point."""
    looked = numpy.any([array(each) for each in outcome.chosen.values()], axis=0)
    tests, rows = looked.T.nonzero()
    train_place, test_place = place_of(points.train_ids), place_of(points.test_ids)
    train = numpy.array([train_place[each] for each in outcome.train_ids.tolist()], dtype=numpy.int64)[rows]
    test = numpy.array([test_place[each] for each in outcome.test_ids.tolist()], dtype=numpy.int64)[tests]
    along = outcome.facts.get("damping_path", {})
    known = {name: values for name, values in outcome.predicted.items() if name not in along}
    converged = outcome.converged or outcome.trusted
    portrayed: dict[str, Any] = {}
    if seen is not None:
        portrayed = {
            "path": DampingSteps(seen.shares, seen.dampings, numpy.arange(len(rows)), seen.predicted[:, rows, tests]),
            "test_loss": seen.test_loss.astype(numpy.float32),
        }
        if not points.grouped:
            portrayed["train_loss"] = seen.train_loss.astype(numpy.float32)
            portrayed["self_influence"] = seen.self_influence.astype(numpy.float32)
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
        **portrayed,
    )


def place_of(ids: numpy.ndarray) -> dict[int, int]:
    """Where each id stands."""
    return {identity: place for place, identity in enumerate(ids.tolist())}


def repeats(key: Key, outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, float]]:
    """How far each target of a network repeats between seeds, and how much it varies; nothing where it cannot be."""
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


def compared(comparison: Comparison, data: Dataset | None = None) -> ExplorerData:
    """One comparison as an exploration; pairs whose truth does not count are shown as not converged.

    Args:
        data: what it was made on, so that points can be shown; without it they have ids and labels only.
    """
    shown = numpy.broadcast_to(comparison.mask.any(0), comparison.mask.shape)
    tests, rows = shown.T.nonzero()
    actual = numpy.where(comparison.mask, comparison.actual, numpy.nan)
    points = points_in(comparison, data)
    sheet = PairsTable(
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
    return ExplorerData(title="comparison", names=(), sheets=[sheet], points={points.name: points})


def points_in(comparison: Comparison, data: Dataset | None) -> Points:
    """The points that a comparison speaks of, with what the data set says of them."""
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
    places = place_of(array(data.train_ids)), place_of(array(data.test_ids))
    train, test = (
        [place[each] for each in ids.tolist()] for place, ids in zip(places, (train_ids, test_ids), strict=True)
    )
    return replace(alone, train=array(data.x_train)[train], test=array(data.x_test)[test])


def readable(shape: Sequence[int]) -> bool:
    """Whether a person can look at points of this shape: as pictures, or as a short table."""
    return len(shape) > 1 or (len(shape) == 1 and shape[0] <= READABLE)
