"""Settings of an explorer, and the pairs that they show as a table: what Python needs where no browser is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy
import pandas
from jaxtyping import Float

from influencelab.errors import InvalidParameter, unknown
from influencelab.explorer.data import ExplorerData
from influencelab.explorer.pairs_table import ANY_DAMPING, UNIT, PairsTable
from influencelab.statistics.comparison import FEWEST
from influencelab.statistics.reliability import fisher_interval

ALL = "all"
# Settings whose values may be shown all at once.
POOLED = ("seed", "network")
MODELS = ("trusted", "converged")
APPEARANCE = {"colour": ["class", "seed", "|influence|", "one colour"], "axes": ["linear", "symlog"]}
# How a prediction came true.
AGREES, SMALL, OFF, WRONG, NO_TRUTH = "agrees", "within seed noise", "off by a factor of 2", "wrong sign", "no truth"
NO_PAIR = ("row", "test_id", "test_label", "train_id", "train_label", "predicted", "actual")


def settled(data: ExplorerData, wanted: Mapping[str, Any], *, now: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Every setting: those of the network that has the wanted values and is nearest to what is shown now.

    Of the settings shown now, the earlier one counts more. An UnknownName error where there is no such setting, an
    InvalidParameter error where a wanted value does not exist, or not together with the others.
    """
    if not data.tables:
        return {}
    before = {**(now or {}), **wanted}
    table = nearest(data, wanted, before)
    pooled = [name for name in POOLED if name in data.names and before.get(name) == ALL]
    settings: dict[str, Any] = {**table.settings, **dict.fromkeys(pooled, ALL)}
    # The first of each is what is shown first.
    options: dict[str, Sequence[Any]] = {
        "removed": [*table.removed],
        "target": [*table.actual],
        "estimator": [*table.predicted, *([ANY_DAMPING] if table.damping_steps else [])],
        "test point": [ALL, *sorted({test for points in data.points.values() for test in points.test_ids.tolist()})],
        "models": sorted(MODELS, key=lambda each: each != data.counts),
        **APPEARANCE,
    }
    for name, here in options.items():
        if name in wanted and wanted[name] not in here:
            raise InvalidParameter(f"{name} cannot be {wanted[name]!r}. It can be: {', '.join(map(repr, here))}.")
        settings[name] = before[name] if before.get(name) in here else here[0]
        if name == "estimator":
            steps, share = table.damping_steps if settings[name] == ANY_DAMPING else None, before.get("damping")
            place = steps.nearest(share) if steps and isinstance(share, int | float) and share > 0 else 0
            settings["damping"] = steps and float(steps.shares[place])
    for name in wanted:
        if name not in settings:
            raise unknown("setting", name, settings)
    return settings


def nearest(data: ExplorerData, wanted: Mapping[str, Any], before: Mapping[str, Any]) -> PairsTable:
    """The network that has all that is wanted, and of the settings before as many as can be, the first ones first."""
    asked = {name: value for name, value in wanted.items() if name in data.names}
    found = [table for table in data.tables if all(holds(table, *each) for each in asked.items())]
    if not found:
        values = {name: dict.fromkeys(str(table.settings[name]) for table in data.tables) for name in data.names}
        there = "; ".join(f"{name} {', '.join(each)}" for name, each in values.items())
        raise InvalidParameter(f"No network has {asked}. There are those of {there}.")
    return max(found, key=lambda table: [holds(table, name, before.get(name)) for name in data.names])


def holds(table: PairsTable, name: str, value: Any) -> bool:
    """Whether a network has a value of a setting; that all of them are shown at once is no restriction."""
    return (value == ALL and name in POOLED) or table.settings[name] == value


@dataclass(frozen=True, eq=False)
class View:
    """The pairs of explorer data that settings, as `settled` gives them, show."""

    data: ExplorerData
    settings: Mapping[str, Any]

    @cached_property
    def shown(self) -> list[tuple[int, PairsTable]]:
        """The networks that are shown, each with the number of its first pair."""
        starts = accumulate((len(table.train) for table in self.data.tables), initial=0)
        found = zip(starts, self.data.tables, strict=False)
        return [each for each in found if all(holds(each[1], name, self.settings[name]) for name in self.data.names)]

    @cached_property
    def pairs(self) -> pandas.DataFrame:
        """A row for each pair, those without a truth (NaN) too: its number, settings, points, labels and losses."""
        parts = [self.rows_of(table, first=first) for first, table in self.shown]
        return pandas.concat(parts, ignore_index=True, join="inner") if parts else pandas.DataFrame(columns=NO_PAIR)

    @property
    def first(self) -> PairsTable | None:
        """The first of the networks that are shown; None where there is none."""
        return self.shown[0][1] if self.shown else None

    @property
    def unscaled(self) -> bool:
        """Whether the predictions only rank."""
        return self.first is not None and self.settings["estimator"] in self.first.unscaled

    @property
    def unit(self) -> str:
        """The unit of the losses of the networks that are shown."""
        return self.first.unit if self.first else UNIT

    def statistics(self, selected: Sequence[int] = ()) -> dict[str, Any]:
        """Agreement of the shown pairs and of the selected ones among them, and what its ceiling is."""
        known: Any = self.pairs.dropna(subset="actual")
        repeats = self.first.repeatability.get(self.settings["target"]) if self.first else None
        steps, share = self.first and self.first.damping_steps, self.settings.get("damping")
        return {
            "shown": agreement(known),
            "selected": agreement(known[known["row"].isin(list(selected))]),
            "repeatability": repeats,
            "ceiling": math.sqrt(repeats) if repeats is not None and repeats > 0 else None,
            "not_converged": len(self.pairs) - len(known),
            "damping": float(steps.dampings[steps.nearest(share)]) if steps and share else None,
        }

    def rows_of(self, table: PairsTable, *, first: int) -> pandas.DataFrame:
        """The shown pairs of one network, whose first pair bears the number `first`."""
        settings, points, steps = self.settings, self.data.points[table.points], table.damping_steps
        predicted = table.predicted.get(settings["estimator"], numpy.full(len(table.train), numpy.nan)).astype(float)
        if steps and settings["damping"] is not None:
            predicted[steps.rows] = steps.predicted[steps.nearest(settings["damping"])]
        shown = table.removed[settings["removed"]] & numpy.isfinite(predicted)
        if settings["test point"] != ALL:
            shown &= points.test_ids[table.test] == settings["test point"]
        if settings["models"] == "trusted":
            shown &= ~table.moved[settings["target"]]
        train, test, actual = table.train[shown], table.test[shown], table.actual[settings["target"]][shown]
        columns = {
            "row": first + shown.nonzero()[0],
            **{name: numpy.full(len(train), value) for name, value in table.settings.items()},
            "test_id": points.called("test")[test],
            "test_label": points.test_labels[test],
            "train_id": points.called("train")[train],
            "train_label": points.train_labels[train],
            "predicted": predicted[shown],
            "actual": numpy.where(numpy.isfinite(actual), actual.astype(float), numpy.nan),
        }
        kept = (("test_loss", test), ("train_loss", train), ("self_influence", train))
        columns |= {name: getattr(table, name)[places] for name, places in kept if len(getattr(table, name))}
        noise = 2 * table.noise.get(settings["target"], 0.0)
        scaled = settings["estimator"] not in table.unscaled
        columns["verdict"] = verdicts(columns["predicted"], columns["actual"], noise=noise, scaled=scaled)
        return pandas.DataFrame(columns)


def verdicts(
    predicted: Float[numpy.ndarray, " t"], actual: Float[numpy.ndarray, " t"], *, noise: float, scaled: bool
) -> numpy.ndarray:
    """How each prediction came true: `agrees` where neither is more than twice the other and both have one sign.

    Where both are below the `noise`, what another seed alone changes, neither sign nor size says anything. Of scores
    that are not `scaled` only the sign counts.
    """
    small, large = numpy.sort(numpy.abs([predicted, actual]), axis=0)
    found = numpy.where(large <= 2 * small, AGREES, OFF if scaled else AGREES).astype(object)
    found[numpy.sign(predicted) * numpy.sign(actual) < 0] = WRONG
    if scaled:
        found[large < noise] = SMALL
    found[~numpy.isfinite(actual)] = NO_TRUTH
    return found


def agreement(pairs: Any) -> dict[str, Any]:
    """Pearson, Spearman, slope and intercept of a table of pairs, with Fisher's 95% intervals; None if not defined."""
    x, y, n = pairs["predicted"], pairs["actual"], len(pairs)
    found: dict[str, Any] = {"n": n}
    for method in ("pearson", "spearman"):
        r = found[method] = correlation(pairs, method)
        found[f"{method}_interval"] = [None, None] if r is None else list(fisher_interval(r, n).ends)
    owners = [name for name in (*POOLED, "test_id") if name in pairs]
    each = [correlation(part, "spearman") for _, part in pairs.groupby(owners) if len(part) >= FEWEST]
    defined = [value for value in each if value is not None]
    slope = float(x.cov(y) / x.var()) if x.nunique() > 1 else None
    return found | {
        "spearman_over_tests": float(numpy.mean(defined)) if defined else None,
        "slope": slope,
        "intercept": None if slope is None else float(y.mean() - slope * x.mean()),
    }


def correlation(pairs: Any, method: str) -> float | None:
    """The correlation of predicted and actual changes; None where one of them does not vary."""
    x, y = pairs["predicted"], pairs["actual"]
    return float(x.corr(y, method=method)) if x.nunique() > 1 and y.nunique() > 1 else None
