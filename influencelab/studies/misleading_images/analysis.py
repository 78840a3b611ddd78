"""Measurements of planted pictures: whom they turn, who names them, what mending brings; over seeds, and paired."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
import pandas
from jaxtyping import Float

from influencelab.data.source import Source
from influencelab.data.sources.digits import Digits
from influencelab.data.sources.guitars_and_cats import GuitarsAndCats
from influencelab.data.sources.mnist import Mnist
from influencelab.errors import UnknownName
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.tables import Agreement, agreements
from influencelab.models.extractors.efficientnet_lite0 import EfficientnetLite0
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import row, tidy
from influencelab.studies.misleading_images.called import INFLUENCE, SCORES
from influencelab.studies.misleading_images.planted import PlantedPictures
from influencelab.studies.misleading_images.pool import RELABELLED

# Class 0 is what class 1 is mistaken for.
PICTURES: Mapping[str, PlantedPictures] = {
    "digits": PlantedPictures(source=Digits(labels=(8, 3)), train=200),
    "guitars": PlantedPictures(source=GuitarsAndCats(side=160), extractor=EfficientnetLite0()),
}
# The published test picture is the thirtieth of the ones and sevens, a seven.
COMPONENTS: Mapping[str, tuple[Source, int]] = {
    "digits": (Digits(labels=(1, 7), scaling="unit", held_out=597), 30),
    "mnist": (Mnist(labels=(1, 7), scaling="unit", skip_first=5000), 30),
}
# What mending does, of the points named as they are and of those inspected, for one picture and for all at once.
MENDING = tuple(
    f"{inspected}{whole}{name}"
    for inspected in ("", "inspected_")
    for whole in ("", "all_")
    for name in ("turned", "spoiled", *(["accuracy"] if whole else []))
)
# Numbers of each score, and those of which a rival's is taken from that of influence.
NUMBERS = ("precision", "own", "named", *MENDING)
PAIRED = ("precision", "own", *(name for name in MENDING if not name.endswith("accuracy")))

# Data, arm, share planted, seed.
Key = tuple[str, str, float, int]


def named_in(known: Mapping[str, Any], name: str) -> Any:
    """One of these by its name; an UnknownName error that lists all where there is none."""
    if name not in known:
        raise UnknownName(f"There are no pictures '{name}' here. There are: {', '.join(known)}.")
    return known[name]


def trials(
    data: Sequence[str], *, arms: Sequence[str], share: float, shares: Sequence[float], repeats: int, relabelled: int
) -> dict[Key, PlantedPictures]:
    """Every arm at one share, and relabelling at others too, of each data; the first of each seed relabels singly.

    An UnknownName error for data that are none of `PICTURES`.
    """
    found = {}
    for name in data:
        base = named_in(PICTURES, name)
        cells = [(RELABELLED, each) for each in shares if each != share] + [(arm, share) for arm in arms]
        for arm, planted in cells:
            for seed in range(repeats):
                alone = relabelled if (arm, planted, seed) == (RELABELLED, share, 0) else 0
                settings: dict[str, Any] = {"arm": arm, "share": planted, "relabelled": alone, "seed": seed}
                found[name, arm, planted, seed] = PlantedPictures(**{**vars(base), **settings})
    return found


def measurements(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """Every number over seeds: means with intervals, and differences within each seed."""
    rows: list[dict[str, Any]] = []
    for cell in dict.fromkeys(key[:3] for key in outcomes):
        facts = [each.facts["planted"] for key, each in outcomes.items() if key[:3] == cell]
        own: dict[str, Any] = dict(zip(("data", "arm", "planted"), cell, strict=True))
        rows += of_models(facts, own, bootstrap)
        tables = {name: over_scores(facts, name) for name in NUMBERS}
        for place, score in enumerate(SCORES):
            for name, table in tables.items():
                rows += known(table[:, place], bootstrap, **own, estimator=score, statistic=name)
                if name in PAIRED and score != INFLUENCE:
                    gain = table[:, list(SCORES).index(INFLUENCE)] - table[:, place]
                    how = "influence less this, paired"
                    rows += known(gain, bootstrap, how=how, **own, estimator=score, statistic=f"{name}_gain")
    return tidy(rows)


def of_models(facts: Sequence[Mapping[str, Any]], own: Mapping[str, Any], bootstrap: Bootstrap) -> list[dict[str, Any]]:
    """What one sees before any score, over seeds."""
    numbers = {
        "accuracy": [each["accuracy"] for each in facts],
        "wrong": [each["wrong"] for each in facts],
        "wrong_share": [each["wrong"] / each["asked"] for each in facts],
        "surest": [max(each["sure"], default=numpy.nan) for each in facts],
        "sure": [float(numpy.mean(each["sure"])) if each["sure"] else numpy.nan for each in facts],
        "among_looked_at": [each["planted"] / each["looked_at"] for each in facts],
        "targets_turned": [each["targets_wrong"] / each["targets"] if each["targets"] else numpy.nan for each in facts],
    }
    return [line for name, values in numbers.items() for line in known(values, bootstrap, **own, statistic=name)]


def over_scores(facts: Sequence[Mapping[str, Any]], name: str) -> Float[numpy.ndarray, "s k"]:
    """A number of each score in each seed; NaN where no picture was wrong, or it is not defined."""
    found = [[each.get("scores", {}).get(score, {}).get(name) for score in SCORES] for each in facts]
    return numpy.array(found, dtype=float)


def known(values: Any, way: Bootstrap, *, how: str = "mean", **settings: Any) -> list[dict[str, Any]]:
    """A row of the mean over seeds in which a number is known, or none where it is in none."""
    table = numpy.asarray(values, dtype=float)
    if numpy.isnan(table).all():
        return []
    over = f"bootstrap over {len(table)} seeds, each a split and what is planted in it"
    return [row(way.mean(table[:, None], over=over).described(how), **settings)]


def relabelling(outcomes: Mapping[Key, Outcome], *, bootstrap: Bootstrap) -> list[Agreement]:
    """Predicted against actual change in test loss when one label is changed, of each first seed."""
    single = {key[:1]: each for key, each in outcomes.items() if len(each.train_ids)}
    return agreements(single, ("data",), bootstrap=bootstrap)


def seeds_table(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """A row for each score of each model: what every mean over seeds is of."""
    rows = []
    for (data, arm, planted, seed), outcome in outcomes.items():
        facts = outcome.facts["planted"]
        own = {"data": data, "arm": arm, "planted": planted, "seed": seed, "wrong": facts["wrong"]}
        rows += [{**own, "score": score, **numbers} for score, numbers in facts.get("scores", {}).items()]
    return pandas.DataFrame(rows).dropna(axis="columns", how="all")


def seen_by_seed(outcomes: Mapping[Key, Outcome]) -> pandas.DataFrame:
    """A row a model: of how many pictures asked about, how many are wrong, and how sure the surest of these is."""
    rows = []
    for (data, arm, planted, seed), outcome in outcomes.items():
        facts = outcome.facts["planted"]
        numbers = {"wrong_share": facts["wrong"] / facts["asked"], "surest": max(facts["sure"], default=numpy.nan)}
        rows.append({"data": data, "arm": arm, "planted": planted, "seed": seed, **numbers})
    return pandas.DataFrame(rows)


def convergence(outcomes: Mapping[Key, Outcome]) -> dict[str, dict[str, float]]:
    """Of each data how many models were trained again, how many count as truth, and the largest ‖∇J‖ of any."""
    found: dict[str, dict[str, float]] = {}
    for key, outcome in outcomes.items():
        facts, own = outcome.facts["planted"], found.setdefault(key[0], {"models": 0, "converged": 0, "norm": 0.0})
        own["models"] += facts["models"]
        own["converged"] += facts["converged"]
        own["norm"] = max(own["norm"], facts["largest_grad_norm"])
    return found
