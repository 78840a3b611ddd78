"""What of an exploration is looked at: the nearest combination of settings that exists, its pairs, and how they agree.

The same rules as in `choices.js` and `grid.js`: without a browser the numbers have to be had too.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy
import pandas
from scipy.stats import rankdata

from influencelab.errors import InvalidParameter, unknown
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.pairs_table import ANY_DAMPING, PairsTable
from influencelab.recipe import Recipe
from influencelab.statistics.reliability import fisher_interval

ALL = "all"
# Settings whose values may be looked at all at once.
POOLED = ("seed", "network")
COLOURS = ("class", "seed", "|influence|", "one colour")
AXES = ("linear", "symlog")
# Test points with fewer pairs have no correlation worth a mean.
FEWEST = 3


@dataclass(frozen=True, eq=False)
class View(Recipe):
    """One choice of settings, with the pairs that it looks at.

    Attributes:
        exploration: of which it is a view.
        settings: every setting's value.
        sheets: the networks that are looked at, each with the number of its first pair.
        choices: every setting's values that exist together with the settings before it.
    """

    exploration: ExplorerData
    settings: dict[str, Any]
    sheets: list[tuple[int, PairsTable]]
    choices: dict[str, list[Any]]

    @property
    def unscaled(self) -> bool:
        """Whether the predictions only rank."""
        return bool(self.sheets) and self.settings["estimator"] in self.sheets[0][1].unscaled

    @cached_property
    def columns(self) -> dict[str, numpy.ndarray]:
        """A value for each pair, those without a truth too: its number, points, labels, and what is known of it."""
        parts = [part_of(first, sheet, self) for first, sheet in self.sheets]
        names = [name for name in parts[0] if all(name in part for part in parts)] if parts else NO_PAIR
        return {name: numpy.concatenate([part[name] for part in parts] or [numpy.zeros(0)]) for name in names}

    def table(self) -> pandas.DataFrame:
        """The same with a row for each pair."""
        return pandas.DataFrame(self.columns)

    def statistics(self, selected: Sequence[int] = ()) -> dict[str, Any]:
        """How well the shown pairs agree, and those of them that are selected, as the browser computes it too."""
        columns = self.columns
        shown = numpy.isfinite(columns["actual"])
        picked = shown & numpy.isin(columns["row"], numpy.asarray(selected, dtype=numpy.int64))
        repeats = self.sheets[0][1].repeatability.get(self.settings["target"]) if self.sheets else None
        return {
            "shown": summary(columns, shown),
            "selected": summary(columns, picked),
            "repeatability": repeats,
            "ceiling": math.sqrt(repeats) if repeats is not None and repeats > 0 else None,
            "not_converged": int((~shown).sum()),
            "damping": self.damping,
        }

    @property
    def damping(self) -> float | None:
        """What is added to every eigenvalue, where the damping was chosen."""
        path, share = self.sheets[0][1].path if self.sheets else None, self.settings.get("damping")
        return None if path is None or share is None else float(path.dampings[nearest(path.shares, share)])


NO_PAIR = ("row", "test_id", "test_label", "train_id", "train_label", "predicted", "actual")


def view(exploration: ExplorerData, wanted: Mapping[str, Any]) -> View:
    """The view of the nearest combination that exists: what is wanted counts in the order of the settings."""
    settings: dict[str, Any] = {}
    choices: dict[str, list[Any]] = {}
    firsts = numpy.cumsum([0, *(len(sheet.train) for sheet in exploration.sheets)])
    sheets = list(zip(map(int, firsts), exploration.sheets, strict=False))

    def choose(name: str, here: list[Any]) -> Any:
        choices[name] = here
        settings[name] = wanted[name] if wanted.get(name) in here else here[0]
        return settings[name]

    for name in exploration.names if sheets else ():
        here = distinct(sheet.settings[name] for _, sheet in sheets)
        pooled = name in POOLED and len(here) > 1
        value = choose(name, [*here, ALL] if pooled else here)
        if not (pooled and value == ALL):
            sheets = [each for each in sheets if each[1].settings[name] == value]
    if sheets:
        finish(exploration, sheets, choose, settings, wanted)
        if settings["damping"] is not None and (path := sheets[0][1].path):
            choices["damping"] = [float(share) for share in path.shares]
    return View(exploration, settings, sheets, choices)


def finish(
    exploration: ExplorerData, sheets: list[tuple[int, PairsTable]], choose: Any, settings: dict, wanted: Mapping
) -> None:
    """The settings that every network has: which pairs, which truth, who predicts, and how it looks."""
    first = sheets[0][1]
    choose("removed", list(first.removed))
    choose("target", list(first.actual))
    choose("estimator", first.estimators)
    settings["damping"] = None
    if settings["estimator"] == ANY_DAMPING and first.path:
        share = wanted.get("damping")
        step = nearest(first.path.shares, share) if isinstance(share, int | float) and share > 0 else 0
        settings["damping"] = float(first.path.shares[step])
    tests: set[int] = set()
    for _, sheet in sheets:
        points = exploration.points[sheet.points]
        tests |= set(points.test_ids[sheet.test[sheet.removed[settings["removed"]]]].tolist())
    choose("test point", [ALL, *sorted(tests)])
    order = ["converged", "trusted"] if exploration.counts == "converged" else ["trusted", "converged"]
    moved = any(sheet.moved[settings["target"]].any() for _, sheet in sheets)
    choose("models", order if moved else ["trusted"])
    choose("colour", list(COLOURS))
    choose("axes", list(AXES))


def strict(exploration: ExplorerData, wanted: Mapping[str, Any]) -> View:
    """The view of exactly these settings; those not named are chosen.

    Raises:
        UnknownName: no such setting.
        InvalidParameter: a value that does not exist together with the others.
    """
    found = view(exploration, wanted)
    for name, value in wanted.items():
        if name not in found.settings:
            raise unknown("setting", name, found.settings)
        if name == "damping" or found.settings[name] == value:
            continue
        there = ", ".join(map(repr, found.choices[name]))
        raise InvalidParameter(f"{name} cannot be {value!r} together with the other settings. It can be: {there}.")
    return found


def distinct(values: Iterable[Any]) -> list[Any]:
    """Each value once: numbers by size, anything else in the order in which it came."""
    once = list(dict.fromkeys(values))
    return sorted(once) if all(isinstance(each, int | float) for each in once) else once


def nearest(numbers: numpy.ndarray, wanted: float) -> int:
    """The place of the number nearest to another, by ratio."""
    return int(numpy.abs(numpy.log(numbers / wanted)).argmin())


def predictions(sheet: PairsTable, settings: Mapping[str, Any]) -> numpy.ndarray:
    """The predicted change of each pair; NaN for those of which the damping path is not kept."""
    if settings["estimator"] != ANY_DAMPING or sheet.path is None:
        return numpy.asarray(sheet.predicted[settings["estimator"]], dtype=numpy.float64)
    values = numpy.full(len(sheet.train), numpy.nan)
    values[sheet.path.rows] = sheet.path.predicted[nearest(sheet.path.shares, settings["damping"])]
    return values


def part_of(first: int, sheet: PairsTable, of: View) -> dict[str, numpy.ndarray]:
    """The columns of one network."""
    settings, points = of.settings, of.exploration.points[sheet.points]
    predicted, target = predictions(sheet, settings), settings["target"]
    looked = sheet.removed[settings["removed"]] & numpy.isfinite(predicted)
    if settings["test point"] != ALL:
        looked &= points.test_ids[sheet.test] == settings["test point"]
    if settings["models"] == "trusted":
        looked &= ~sheet.moved[target]
    train, test = sheet.train[looked], sheet.test[looked]
    actual = numpy.asarray(sheet.actual[target], dtype=numpy.float64)[looked]
    columns = {
        "row": first + looked.nonzero()[0],
        **{name: numpy.full(len(train), value) for name, value in sheet.settings.items()},
        "test_id": points.test_ids[test],
        "test_label": points.test_labels[test],
        "train_id": points.train_ids[train],
        "train_label": points.train_labels[train],
        "predicted": predicted[looked],
        "actual": numpy.where(numpy.isfinite(actual), actual, numpy.nan),
    }
    kept = (("test_loss", test), ("train_loss", train), ("self_influence", train))
    return columns | {name: getattr(sheet, name)[rows] for name, rows in kept if len(getattr(sheet, name))}


def summary(columns: Mapping[str, numpy.ndarray], rows: numpy.ndarray) -> dict[str, Any]:
    """Pearson, Spearman, slope and intercept, with Fisher's 95% intervals; None where not defined."""
    x, y = columns["predicted"][rows], columns["actual"][rows]
    r, rho = correlation(x, y), correlation(rankdata(x), rankdata(y))
    slope, intercept = line(x, y)
    return {
        "n": len(x),
        "pearson": r,
        "pearson_interval": interval(r, len(x)),
        "spearman": rho,
        "spearman_interval": interval(rho, len(x)),
        "spearman_over_tests": over_tests(columns, rows),
        "slope": slope,
        "intercept": intercept,
    }


def over_tests(columns: Mapping[str, numpy.ndarray], rows: numpy.ndarray) -> float | None:
    """The mean of Spearman's correlation over test points, of each network apart; None where there is none."""
    x, y = columns["predicted"][rows], columns["actual"][rows]
    apart = [columns[name][rows] for name in (*POOLED, "test_id") if name in columns]
    owners = numpy.unique(numpy.stack(apart), axis=1, return_inverse=True)[1].ravel()
    each = [
        correlation(rankdata(x[members]), rankdata(y[members]))
        for members in (numpy.flatnonzero(owners == owner) for owner in range(owners.max() + 1 if len(owners) else 0))
        if len(members) >= FEWEST
    ]
    known = [value for value in each if value is not None]
    return float(numpy.mean(known)) if known else None


def line(x: numpy.ndarray, y: numpy.ndarray) -> tuple[float | None, float | None]:
    """Slope and intercept of y on x by least squares; None where x does not vary."""
    if len(x) < 2 or not numpy.ptp(x) > 0:
        return None, None
    apart = x - x.mean()
    slope = float((apart * (y - y.mean())).sum() / (apart * apart).sum())
    return slope, float(y.mean() - slope * x.mean())


def correlation(x: numpy.ndarray, y: numpy.ndarray) -> float | None:
    """Pearson's correlation; None where one of the two does not vary."""
    if len(x) < 2 or not (numpy.ptp(x) > 0 and numpy.ptp(y) > 0):
        return None
    a, b = x - x.mean(), y - y.mean()
    return float(numpy.clip((a * b).sum() / math.sqrt((a * a).sum()) / math.sqrt((b * b).sum()), -1, 1))


def interval(r: float | None, n: int) -> list[float | None]:
    """Fisher's interval, as it is shown."""
    if r is None:
        return [None, None]
    found = fisher_interval(r, n)
    return [found.low, found.high]
