"""Measurements of smoothing paths: agreement at every t, what each t gives up to the best one, and the rule for t."""

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy
import pandas

from influencelab.errors import InvalidParameter
from influencelab.experiments.outcome import Outcome
from influencelab.statistics.agreement import statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.correlation import pearson
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.smooth_hinge.smoothing_path import ARMS, TRUTH, path_name
from influencelab.studies.smooth_hinge.strain import rule

# The t of the paper's figure, and the one it recommends.
PUBLISHED = (0.0, 0.001, 0.1)
FIXED = 0.001
# The paper's test point and its own top removals; all test points, each with its own; random support vectors.
SELECTIONS = {
    "first_test_point": "first test point, top removals",
    "top": "all test points, top removals",
    "support_vectors": "all test points, random support vectors",
}
# Arms and selections that the rule for t, a rule for influence, is tested on; and those measured of machines shown.
TESTED = (("published", "support_vectors"), ("consistent", "support_vectors"))
SHOWN = tuple(itertools.product(ARMS, SELECTIONS))

Key = tuple[str, float]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Path:
    """Agreement of one arm of one machine with retraining at every t, on one selection of removals.

    Attributes:
        settings: of its measurements: data, weight decay, arm and selection.
        pairs: predicted beside actual changes in hinge loss, by t.
        pearson: their correlation, the mean over test points.
        bootstrap: of all intervals.
    """

    settings: Mapping[str, Any]
    pairs: Mapping[float, Comparison]
    pearson: Mapping[float, Measurement]
    bootstrap: Bootstrap

    def best(self, *, least: float = 0.0) -> float:
        """The t of the largest correlation, from the least on."""
        return max((t for t in self.pearson if t >= least), key=lambda t: self.pearson[t].value)

    def advantage(self, one: float, other: float) -> Measurement:
        """The correlation at one t less that at another, on the same resamples of the same removals."""
        rival = self.pairs[other]

        def difference(pairs: Comparison, weights: numpy.ndarray) -> numpy.ndarray:
            return pearson(pairs, weights) - pearson(rival, weights)

        found = statistic(self.pairs[one], difference, bootstrap=self.bootstrap).pooled
        return replace(found, note=f"Pearson at t = {one:g} less that at {other:g}; {found.note}")

    def row(self, name: str, number: Measurement, *, t: float | None = None) -> Row:
        """One measurement of the path as a row of the table."""
        return row(number, **self.settings, t=t, statistic=name)


def measurements(
    outcomes: Mapping[Key, Outcome], *, shown: Collection[Key], held_out: Collection[str], bootstrap: Bootstrap
) -> pandas.DataFrame:
    """Every number of the study, as a tidy table; of machines not shown, correlations on support vectors alone.

    Outcomes come by data and weight decay; data that are held out had no part in finding the rule.
    """
    found: list[Row] = []
    for key, outcome in outcomes.items():
        settings = {"data": key[0], "weight_decay": key[1]}
        views = SHOWN if key in shown else TESTED
        paths = {view: path(outcome, settings, view=view, bootstrap=bootstrap) for view in views}
        found += machine_rows(outcome, settings)
        found += [each.row("pearson", number, t=t) for each in paths.values() for t, number in each.pearson.items()]
        found += [line for view in TESTED for line in rule_rows(paths[view], chosen_t(outcome))]
        if key in shown:
            found += fit_rows(outcome, settings)
            found += [line for each in paths.values() for line in path_rows(each)]
    return tidy([*found, *held_out_rows(found, held_out)])


def path(outcome: Outcome, settings: Mapping[str, Any], *, view: tuple[str, str], bootstrap: Bootstrap) -> Path:
    """An arm at every t, rising, on one of `SELECTIONS`; an InvalidParameter error where the paper's t are missing."""
    arm, selection = view
    widths = sorted({each["t"] for each in outcome.facts["smoothing"].values()})
    missing = [t for t in PUBLISHED if t not in widths]
    if missing:
        raise InvalidParameter(f"The path has no t = {missing[0]:g}, which the paper has. Add it to the widths.")
    pairs = {t: pairs_of(outcome, selection, path_name(arm, t)) for t in widths}
    correlations = {t: statistic(each, "pearson", bootstrap=bootstrap).pooled for t, each in pairs.items()}
    return Path({**settings, "arm": arm, "selection": selection}, pairs, correlations, bootstrap)


def pairs_of(outcome: Outcome, selection: str, estimator: str) -> Comparison:
    """Predicted beside actual changes of one of `SELECTIONS`."""
    if selection != "first_test_point":
        return outcome.comparison(selection, estimator, TRUTH).without_empty_tests()
    found = outcome.comparison("top", estimator, TRUTH)
    return replace(found, mask=found.mask & (numpy.arange(found.m) == 0)).without_empty_tests()


def path_rows(path: Path) -> list[Row]:
    """The slope at each t and what it gives up to the best t; the drop from t = 0.001 to 0.1; the overshoot at t = 0.

    The choice of the best t is not resampled, so that the best itself has no interval.
    """
    found, best = [], path.best()
    for t, pairs in path.pairs.items():
        found.append(path.row("slope", statistic(pairs, "slope", bootstrap=path.bootstrap).pooled, t=t))
        found.append(path.row("below_best", path.advantage(best, t), t=t))
    found.append(path.row("drop", path.advantage(FIXED, PUBLISHED[-1])))
    ratio = statistic(path.pairs[0.0], "rms_ratio", bootstrap=path.bootstrap).pooled
    over = ratio.mapped(lambda each: 1 / each if each > 0 else inf, "RMS predicted over RMS actual").finite()
    return [*found, path.row("overshoot", over, t=0.0)]


def fit_rows(outcome: Outcome, settings: Mapping[str, Any]) -> list[Row]:
    """How many points have curvature in the fit of each arm at each t, effectively, and its strain where it bends."""
    notes = {
        "curvature_points": "effective number of points with curvature; no interval",
        "strain": "RMS move of margins by one removal, in units of t; no interval",
    }
    return [
        row(Measurement(each[name], note=note), **settings, arm=each["arm"], t=each["t"], statistic=name)
        for each in outcome.facts["smoothing"].values()
        for name, note in notes.items()
        if each[name] is not None
    ]


def machine_rows(outcome: Outcome, settings: Mapping[str, Any]) -> list[Row]:
    """The t that the rule takes, and how many points are exactly at the bend of the true hinge."""
    bend = Measurement(outcome.facts["machine"]["at_the_bend"], n=outcome.facts["n"], note="a count, so no interval")
    note = "the smallest t above which no strain of the consistent fits exceeds √½"
    chosen = Measurement(chosen_t(outcome), note=note)
    return [row(chosen, **settings, statistic="rule_t"), row(bend, **settings, statistic="points_at_the_bend")]


def chosen_t(outcome: Outcome) -> float:
    """The t that the rule takes, from the strains of the consistent fits."""
    fits = [each for each in outcome.facts["smoothing"].values() if each["arm"] == "consistent" and each["t"]]
    return rule({each["t"]: inf if each["strain"] is None else each["strain"] for each in fits})


def rule_rows(path: Path, chosen: float) -> list[Row]:
    """The oracle's t, what the rule's gains over t = 0.001, and what it gives up to the oracle's.

    The oracle is the t > 0 of the largest correlation on these very removals, and so flatters itself.
    """
    oracle = path.best(least=min(filter(None, path.pairs)))
    return [
        path.row("oracle_t", Measurement(oracle, note="the t > 0 of the largest Pearson; no interval")),
        path.row("gain", path.advantage(chosen, FIXED)),
        path.row("regret", path.advantage(oracle, chosen)),
    ]


def held_out_rows(rows: Sequence[Row], held_out: Collection[str]) -> list[Row]:
    """Gain and regret over the data sets that had no part in the rule."""
    found = []
    for (arm, selection), name in itertools.product(TESTED, ("gain", "regret")):
        settings = {"arm": arm, "selection": selection, "statistic": name}
        parts = [each for each in rows if each["data"] in held_out and settings.items() <= each.items()]
        found.append(row(mean_over_machines(parts), data="held_out", **settings))
    return found


def mean_over_machines(rows: Sequence[Row]) -> Measurement:
    """The mean of a difference over data sets, these very ones, whose errors are independent."""
    value, low, high = pandas.DataFrame(rows)[["value", "low", "high"]].to_numpy(dtype=float).T
    width = float(numpy.sqrt((((high - low) / 2) ** 2).sum()) / len(value))
    middle = float(value.mean())
    note = f"mean over {len(value)} data sets and decays; 95%, from their own intervals taken as independent"
    return Measurement(middle, middle - width, middle + width, n=len(value), note=note).finite()


def rule_pairs(outcomes: Mapping[Key, Outcome], held_out: Collection[str]) -> pandas.DataFrame:
    """What consistent influence predicts of random support vectors of held-out data: at the rule's t and its rivals'.

    At t = 0.001, at the t of the rule and at the oracle's, in float32: what gains and regrets are made of.
    """
    parts = []
    for (data, decay), outcome in outcomes.items():
        if data not in held_out:
            continue
        arm, selection = TESTED[-1]
        widths = sorted({each["t"] for each in outcome.facts["smoothing"].values() if each["t"]})
        whole = {t: pairs_of(outcome, selection, path_name(arm, t)) for t in widths}
        means = {t: float(numpy.nanmean(pearson(each, numpy.ones((1, each.r))))) for t, each in whole.items()}
        taken = {"fixed": FIXED, "rule": chosen_t(outcome), "oracle": max(means, key=lambda t: means[t])}
        tables = {name: whole[t].table() for name, t in taken.items()}
        ids = tables["fixed"][["test_id", "train_id", "actual"]]
        predicted = {name: table["predicted"] for name, table in tables.items()}
        parts.append(ids.assign(data=data, weight_decay=decay, **predicted))
    floats = dict.fromkeys(("actual", "fixed", "rule", "oracle"), "float32")
    return pandas.concat(parts, ignore_index=True).astype({"data": "category", **floats})


def of_machine(numbers: pandas.DataFrame, key: Key) -> pandas.DataFrame:
    """The measurements of one machine."""
    return numbers.loc[(numbers["data"] == key[0]) & (numbers["weight_decay"] == key[1])]


def pairs_table(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """Every removal and test point of each machine, with what all arms predict at the paper's three t, in float32."""
    parts = []
    for (data, decay), outcome in outcomes.items():
        selected = outcome.chosen["top"] | outcome.chosen["support_vectors"]
        rows, columns = (selected & outcome.trusted[TRUTH][:, None]).nonzero(as_tuple=True)
        predicted = {f"{arm}_{t:g}": outcome.predicted[path_name(arm, t)] for arm in ARMS for t in PUBLISHED}
        changes = {name: each.float() for name, each in {"actual": outcome.actual[TRUTH], **predicted}.items()}
        tables = {name: outcome.chosen[name] for name in ("top", "support_vectors")} | changes
        values = {name: each[rows, columns].numpy() for name, each in tables.items()}
        ids = {"test_id": outcome.test_ids[columns].numpy(), "train_id": outcome.train_ids[rows].numpy()}
        parts.append(pandas.DataFrame({"data": data, "weight_decay": decay, **ids, **values}))
    return pandas.concat(parts, ignore_index=True).astype({"data": "category"})
