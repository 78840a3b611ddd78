"""Measurements of removals and sketches: each a mean over draws, and differences within each draw."""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy
import pandas
from jaxtyping import Float

from influencelab.errors import UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.tables import Agreement, agreements
from influencelab.statistics.agreement import FOUR, statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import comparison_of
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.influence_sketching.called import NORM, PROJECTIONS, RANDOM, SCORES, SKETCH
from influencelab.studies.influence_sketching.l1_penalty import L1Penalty
from influencelab.studies.influence_sketching.penalised_model import PenalisedModel
from influencelab.studies.influence_sketching.scores import AGREED
from influencelab.studies.influence_sketching.sketched_removals import LOOKED_AT, SketchedRemovals
from influencelab.studies.influence_sketching.weak_ridge import WeakRidge

# Arm, data set, draw.
Key = tuple[str, str, int]
Rows = list[dict[str, Any]]
About = Mapping[str, str]
# How many times as much as random rows influential ones must cost.
TEN = 10
# Of each data set what a penalty keeps finite without saying much: rare levels of connections tell classes alone, and
# mails have more words than there are mails.
RIDGE = {"planted": 1e-4, "kddcup99": 1e-6, "kddcup99_crossed": 1e-6, "enron1": 1e-3}
LASSO = {"planted": 1e-3, "kddcup99": 1e-4, "kddcup99_crossed": 1e-4, "enron1": 1e-3}
MODELS: Mapping[str, Callable[[str], PenalisedModel]] = {
    "ridge": lambda data: WeakRidge(RIDGE[data]),
    "lasso": lambda data: L1Penalty(LASSO[data]),
}


def trials(
    arms: Sequence[str], rows: Mapping[str, int], *, draws: int, deleted: int, settings: Mapping[str, Any]
) -> dict[Key, SketchedRemovals]:
    """Each data set, with so many training rows, in every draw; of ridge the first deletes single rows too.

    An UnknownName error for a data set or an arm that is none of these.
    """
    found = {}
    for what, given, known in (("data set", rows, RIDGE), ("arm", arms, MODELS)):
        if missing := [name for name in given if name not in known]:
            raise UnknownName(f"There is no {what} '{missing[0]}' here. There are: {', '.join(known)}.")
    for arm, data, seed in itertools.product(arms, rows, range(draws)):
        own: dict[str, Any] = {"data": data, "rows": rows[data], "model": MODELS[arm](data), "seed": seed}
        singly = deleted if arm == "ridge" and seed == 0 else 0
        found[arm, data, seed] = SketchedRemovals(**own, **settings, deleted=singly)
    return found


def measurements(
    outcomes: Mapping[Key, Outcome], trials: Mapping[Key, SketchedRemovals], *, bootstrap: Bootstrap
) -> pandas.DataFrame:
    """Every number of every data set."""
    rows: Rows = []
    for arm, data in dict.fromkeys(key[:2] for key in outcomes):
        about = {"arm": arm, "data": data}
        facts = [each.facts["sketching"] for key, each in outcomes.items() if key[:2] == (arm, data)]
        rows += removal_rows(about, facts, trials[arm, data, 0].shares, bootstrap)
        rows += kind_rows(about, facts, bootstrap)
        sketched = sketch_rows(about, facts, bootstrap)
        rows += sketched + first_better(about, sketched)
    return tidy(rows)


def removal_rows(about: About, facts: Sequence[Mapping[str, Any]], shares: Sequence[float], way: Bootstrap) -> Rows:
    """What the model is worth with all rows, and what it loses without the first of each score; paired by draw."""
    found: Rows = []
    for tests in facts[0]["worth"]:
        base = {name: numpy.array([each["worth"][tests][name] for each in facts]) for name in ("accuracy", "log_loss")}
        found += [row(over_draws(base[name], way), **about, tests=tests, statistic=name) for name in base]
        for place, share in enumerate(shares):
            lost, risen = {}, {}
            for score in SCORES:
                left = [each["without"][score][place][tests] for each in facts]
                lost[score] = base["accuracy"] - numpy.array([each["accuracy"] for each in left])
                risen[score] = numpy.array([each["log_loss"] for each in left]) - base["log_loss"]
            own: dict[str, Any] = {**about, "tests": tests, "removed": share}
            for score in SCORES:
                numbers = {
                    "accuracy_lost": over_draws(lost[score], way),
                    "log_loss_rise": over_draws(risen[score], way),
                    "lost_less_random": over_draws(lost[score] - lost[RANDOM], way, how="paired by draw"),
                    "lost_less_ten_random": over_draws(lost[score] - TEN * lost[RANDOM], way, how="paired by draw"),
                    "sketch_less": over_draws(lost[SKETCH] - lost[score], way, how="sketch less this, paired by draw"),
                }
                skipped = {SKETCH: "sketch_less", RANDOM: "lost_less_random"}
                kept = {name: each for name, each in numbers.items() if skipped.get(score) != name}
                found += [row(each, **own, estimator=score, statistic=name) for name, each in kept.items()]
    return found


def kind_rows(about: About, facts: Sequence[Mapping[str, Any]], way: Bootstrap) -> Rows:
    """Of each kind its share of the first rows of each score, over that of all rows, and how much of it is there."""
    found: Rows = []
    for score, kind in itertools.product((*SCORES, "all"), facts[0]["kinds"]["all"]):
        own = {**about, "kind": kind, "removed": 1.0 if score == "all" else LOOKED_AT, "estimator": score}
        share, held, usual = (
            numpy.array([each["kinds"][name][kind][what] for each in facts])
            for name, what in ((score, "share"), (score, "found"), ("all", "share"))
        )
        found.append(row(over_draws(share, way), **own, statistic="share"))
        if score != "all" and (usual > 0).all():
            found.append(
                row(over_draws(share / usual, way, how="over the share of all rows"), **own, statistic="times")
            )
            found.append(row(over_draws(held, way), **own, statistic="found"))
    return found


def sketch_rows(about: About, facts: Sequence[Mapping[str, Any]], way: Bootstrap) -> Rows:
    """Agreement with exact Cook's distances of each sketch and of what needs none, and how far sketches are ahead."""
    found: Rows = []
    rival = numpy.array([named(each["agreement"], NORM)["spearman"] for each in facts])
    for place, line in enumerate(facts[0]["agreement"]):
        every = [each["agreement"][place] for each in facts]
        own: dict[str, Any] = {**about, "k": line.get("k"), "k_of_p": line.get("part"), "estimator": line["estimator"]}
        for name in AGREED:
            if name in ("pearson", "slope") and line["estimator"] not in PROJECTIONS:
                continue  # a size means nothing for a score without a unit
            number = over_draws(numpy.array([each[name] for each in every]), way, how="of exact Cook's distances")
            found.append(row(number, **own, statistic=name))
        if line["estimator"] in PROJECTIONS:
            ahead = numpy.array([each["spearman"] for each in every]) - rival
            number = over_draws(ahead, way, how="less that of residual² × row norm², paired by draw")
            found.append(row(number, **own, statistic="spearman_less_norm"))
    return found


def named(lines: Iterable[Mapping[str, Any]], estimator: str) -> Mapping[str, Any]:
    """The line of a score."""
    return next(each for each in lines if each["estimator"] == estimator)


def first_better(about: About, rows: Rows) -> Rows:
    """The least k from which on a sketch ranks better than residual² × row norm², by the intervals; none, no row."""
    found: Rows = []
    for name in PROJECTIONS:
        ahead = {
            each["k"]: each["low"] is not None and each["low"] > 0
            for each in rows
            if (each["estimator"], each["statistic"]) == (name, "spearman_less_norm") and each["k"] is not None
        }
        good = [k for k in ahead if all(better for other, better in ahead.items() if other >= k)]
        if good:
            number = Measurement(min(good), n=len(ahead), note="of the k tried; no interval")
            found.append(row(number, **about, estimator=name, statistic="better_from_k"))
    return found


def over_draws(values: Float[numpy.ndarray, " s"], way: Bootstrap, *, how: str = "mean") -> Measurement:
    """The mean over draws of training rows, each with sketches of its own."""
    return way.mean(values[:, None], over=f"bootstrap over {len(values)} draws of rows").described(how)


def deletion_parts(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> list[Agreement]:
    """Predicted against actual changes of test losses when one row is deleted, of each first draw."""
    first = {key[:2]: each for key, each in outcomes.items() if len(each.train_ids)}
    return agreements(first, ("arm", "data"), bootstrap=bootstrap)


def distance_rows(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """How far coefficients moved when one row was deleted, against exact one-step and sketched Cook's distances."""
    rows: Rows = []
    for (arm, data, _), outcome in outcomes.items():
        found = outcome.facts["sketching"].get("distance")
        for name in ("one_step", SKETCH) if found else ():
            predicted, moved = (numpy.array(each)[:, None] for each in (found[name], found["deleted"]))
            arrived = outcome.trusted["deleted"].numpy()[:, None]
            comparison = comparison_of(predicted, moved, mask=arrived)
            own = {"arm": arm, "data": data, "estimator": name, "target": "distance"}
            rows += [
                row(statistic(comparison, each, bootstrap=bootstrap).pooled, **own, statistic=each) for each in FOUR
            ]
    return tidy(rows)


def pairs(outcomes: Mapping[Key, Outcome], parts: Sequence[Agreement]) -> pandas.DataFrame:
    """The pairs of deleted rows and test rows, each row by what it is."""
    tables = []
    for part in parts:
        outcome = outcomes[part.settings["arm"], part.settings["data"], 0]
        called = dict(zip(outcome.train_ids.tolist(), outcome.facts["names"], strict=True))
        own = {name: part.settings[name] for name in ("arm", "data", "estimator", "target", "selection")}
        table = part.comparison.table().assign(**own)
        train = [f"{called[each]} (#{each})" for each in table["train_id"]]
        tables.append(table.assign(train_id=train, test_id=[f"{own['data']} #{each}" for each in table["test_id"]]))
    texts = ("arm", "data", "estimator", "target", "selection", "train_id", "test_id")
    narrow = dict.fromkeys(("predicted", "actual"), "float32") | dict.fromkeys(texts, "category")
    return pandas.concat(tables, ignore_index=True).astype(narrow)


def convergence(outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, float]]:
    """Of each arm and data set how many models were fitted, how many converged, the largest ‖∇J‖, and sizes."""
    found: dict[str, dict[str, float]] = {}
    for (arm, data, _), outcome in outcomes.items():
        facts = outcome.facts["sketching"]
        own = found.setdefault(f"{arm} {data}", {"models": 0, "converged": 0, "largest_grad_norm": 0.0, "seconds": 0.0})
        own |= {
            **facts["counts"],
            "rows": outcome.facts["n"],
            "columns": facts["columns"],
            "fitted": facts["size"],
            "k": facts["k"],
        }
        for name in ("models", "converged", "seconds"):
            own[name] += facts[name]
        own["largest_grad_norm"] = max(own["largest_grad_norm"], facts["largest_grad_norm"])
    return found
