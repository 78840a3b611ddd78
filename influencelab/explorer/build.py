"""Explorer data made from outcomes with their trials."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy
import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.arrays import parts
from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.errors import require
from influencelab.experiments.code_version import VERSIONS, recipe_version
from influencelab.experiments.comparison import array
from influencelab.experiments.damping_path import ExactAtShare
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import loss_changes, repeatability
from influencelab.experiments.store import Entry, Store, to_bytes
from influencelab.experiments.trial import Trial, trial_in
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.pairs_table import UNIT, DampingSteps, PairsTable, Points, Setting, places, readable
from influencelab.explorer.pictures import Changed, with_pictures
from influencelab.influence.curvature import Curvature
from influencelab.models import derivatives
from influencelab.recipe import fingerprint
from influencelab.runner.provenance import sources_hash
from influencelab.training.fit import Fit

__all__ = ["explorer_data"]

Key = tuple[Setting, ...]
# Dampings as shares of λ_max: seven decades, four to each.
SHARES = tuple(float(share) for share in numpy.logspace(-7, 0, 29))


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
    store: Path | None = None,
    images: Dataset | None = None,
    changed: Changed | None = None,
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
        store: the folder of a store, which remembers the details.
        images: a data set of pictures of the same ids, where points are features of pictures.
        changed: what training pictures were changed to: a perturbation of the `images`, or new pictures by id.

    Raises:
        MissingData: an outcome whose details are wanted keeps no fit.
    """
    require(outcomes, Mapping, what="outcomes", cure="Give what run_grid returned, and its trials.")
    points: dict[object, Points] = {}
    tables = []
    for key, outcome in outcomes.items():
        trial = trial_in(trials[key])
        shared = trial.source, 0 if outcome.facts["single"] else len(outcome.train_ids)
        if shared not in points:
            held = points_of(trial.source, outcome, features=features)
            again = held.name in {each.name for each in points.values()}
            points[shared] = replace(held, name=f"{held.name}, split {trial.source.seed}") if again else held
        made = table_of(outcome, points[shared], detailed=trial if key in details else None, store=store)
        settings = dict(zip(names, key, strict=True))
        tables.append(replace(made, settings=settings, **repeats(key, outcomes if names[-1] == "seed" else {})))
    named = {held.name: held for held in points.values()}
    found = ExplorerData(title=title, names=tuple(names), tables=tables, points=named, counts=counts)
    return with_pictures(found, images=images, changed=changed)


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
        class_names=data.class_names,
    )


def table_of(outcome: Outcome, points: Points, *, detailed: Trial | None, store: Path | None) -> PairsTable:
    """The pairs of one outcome that any of its selections takes in, test point by test point; no settings yet.

    The details of its fit are those of the trial in `detailed`, if there is one.
    """
    taken = numpy.any([array(each) for each in outcome.chosen.values()], axis=0)
    tests, rows = taken.T.nonzero()
    train = numpy.array(places(points.train_ids.tolist(), outcome.train_ids.tolist()), dtype=numpy.int64)[rows]
    test = numpy.array(places(points.test_ids.tolist(), outcome.test_ids.tolist()), dtype=numpy.int64)[tests]
    along = outcome.facts.get("damping_path", {})
    known = {name: values for name, values in outcome.predicted.items() if name not in along}
    units = {name: outcome.facts["estimates"][name]["unit"] for name in known}
    converged = outcome.converged or outcome.trusted
    return PairsTable(
        settings={},
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
        unscaled=tuple(name for name, unit in units.items() if unit == "none"),
        unit=next((unit for unit in units.values() if unit != "none"), UNIT),
        **(details_of(detailed, outcome, rows=rows, tests=tests, store=store) if detailed else {}),
    )


def repeats(key: Key, outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, float]]:
    """Repeatability and noise of each target of a network between seeds; nothing where seeds cannot be compared."""
    cell = [outcome for other, outcome in outcomes.items() if other[:-1] == key[:-1]]
    found: dict[str, dict[str, float]] = {"repeatability": {}, "noise": {}}
    if len(cell) < 2:
        return found
    first, even, selection = cell[0], len(cell) - len(cell) % 2, next(iter(cell[0].chosen))
    if not all(
        each.train_ids.equal(first.train_ids)
        and each.test_ids.equal(first.test_ids)
        and each.actual.keys() == first.actual.keys()
        and each.chosen[selection].all()
        for each in cell
    ):
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


def details_of(
    trial: Trial,
    outcome: Outcome,
    *,
    rows: Int[numpy.ndarray, " t"],
    tests: Int[numpy.ndarray, " t"],
    store: Path | None,
) -> dict[str, Any]:
    """Fields of a `PairsTable` from the fit that an outcome stores, computed now or by the same code before."""
    found, key = None, ""
    if store:
        data = trial.source.load().content_hash()
        known = hashlib.sha256(to_bytes(outcome.entry())).hexdigest()
        version = recipe_version(trial, memory=Store(store).folder / VERSIONS)
        key = fingerprint(("explorer", trial, known, data, SHARES, version, sources_hash()))
        if entry := Store(store).find(key):
            found = {name: array(values) for name, values in entry.arrays.items()}
    if found is None:
        found = fit_details(trial, outcome, rows=rows, tests=tests)
        if store:
            with suppress(OSError):
                Store(store).keep(key, Entry({name: torch.from_numpy(each) for name, each in found.items()}, {}))
    path = found.pop("dampings"), numpy.arange(len(rows)), found.pop("predicted")
    return {"damping_steps": DampingSteps(numpy.array(SHARES), *path)} | found


def fit_details(
    trial: Trial, outcome: Outcome, *, rows: Int[numpy.ndarray, " t"], tests: Int[numpy.ndarray, " t"]
) -> dict[str, numpy.ndarray]:
    """What is found of a fit, by name; nothing is trained.

    These are the damping path (`dampings`, `predicted`) of the pairs at the outcome's `rows` and `tests`, the test
    losses, and, where single points are removed, the training losses and self-influence at the least of the dampings.
    """
    fitted = trial.fit_of(outcome)
    data, removals = fitted.data, trial.removals_of(outcome, fitted.data)
    dampings, predicted = [], []
    for share in SHARES:
        estimate = ExactAtShare(allow_unconverged=True, share=share).estimate(fitted)
        dampings.append(estimate.damping)
        predicted.append(array(estimate.predict(removals))[rows, tests].astype(numpy.float32))
    values = {"test_loss": fitted.measures()}
    if outcome.facts["single"]:
        values["train_loss"] = fitted.task.losses(fitted.theta, data.x_train, data.y_train)
        values["self_influence"] = self_influence(fitted, damping=dampings[0])
    path = {"dampings": numpy.array(dampings), "predicted": numpy.stack(predicted)}
    return path | {name: array(each).astype(numpy.float32) for name, each in values.items()}


def self_influence(fitted: Fit, *, damping: float) -> Float[Tensor, " n"]:
    """wᵢ ∇ℓᵢᵀ (H + damping I)⁻¹ ∇ℓᵢ: how much of its own loss a point holds down by being there."""
    curvature = Curvature(fitted, damping=damping)
    curvature.spectrum()
    gradients = derivatives.point_gradients(fitted.task, fitted.data, fitted.theta)
    return fitted.weights * (gradients * curvature.inverse_products(gradients.T).T).sum(1)
