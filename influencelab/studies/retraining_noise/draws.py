"""Draws of retraining: one experiment with many starts and batch orders, and truths held against other predictions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy
import pandas
from jaxtyping import Float
from pandas.io.formats.style import Styler

from influencelab.errors import InvalidData
from influencelab.experiments.comparison import array
from influencelab.experiments.grid import Key, grid
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.replication import draws_needed, loss_changes, repeatability
from influencelab.experiments.tables import format_interval
from influencelab.experiments.trial import Trial
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.recipe import Recipe
from influencelab.statistics.bootstrap import Bootstrap, Interval
from influencelab.statistics.display import readable
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Draws, Resampled, averages, correlations, difference, ends, mean
from influencelab.statistics.signal_to_noise import (
    THRESHOLD,
    consistency,
    label,
    resample,
    share_detected,
    signal_to_noise,
)
from influencelab.training.trainer import Trainer

# Each truth of one fit: where retraining starts, and whether its batches are those of the fit.
PROTOCOLS = {"paired": ("cold", True), "unpaired": ("cold", False), "warm": ("warm", True)}
NOISE_ARMS = {
    "paired": "from the start, batches paired",
    "unpaired": "from the start, each model its own batches",
    "warm": "from the fit, batches paired",
    "published": "from the fit, batches paired, no control (as published)",
}


def draws(
    arms: Mapping[str, Trial], settings: Mapping[str, Sequence[Any]], *, seeds: int, protocols: Iterable[str]
) -> dict[Key, Trial]:
    """Every arm at every setting, once a seed; the seed draws both the start and the order of the batches.

    Args:
        arms: trials by name; their targets are replaced.
        settings: values of settings, such as `trainer.learning_rate`.
        seeds: how many draws: seeds 0, 1, …, the last part of each key.
        protocols: keys of `PROTOCOLS`: the truths of each fit, found by its own trainer.
    """
    found = {}
    for key, trial in grid(arms, {**settings, "seed": range(seeds)}).items():
        trainer = reseeded(trial.trainer, key[-1])
        found[key] = replace(trial, trainer=trainer, targets={name: truth(trainer, name) for name in protocols})
    return found


def reseeded(trainer: Trainer, seed: int) -> Trainer:
    """The same training with another order of its batches; unchanged where it draws none."""
    fields: Mapping[str, Any] = trainer.__dataclass_fields__
    changes: dict[str, Any] = {"seed": seed} if "seed" in fields else {}
    return replace(trainer, **changes)


def truth(trainer: Trainer, protocol: str) -> Retrainer:
    """Retraining by a protocol: `paired` and `unpaired` start again, `warm` goes on for as many steps."""
    start, paired = PROTOCOLS[protocol]
    changes: dict[str, Any] = {"paired": paired} if "paired" in trainer.__dataclass_fields__ else {}
    return Rerun(trainer=replace(trainer, **changes), start=start)


@dataclass(frozen=True, eq=False)
class Noise(Recipe):
    """How single effects stand out of their noise over draws, by arm: a key of `NOISE_ARMS`.

    Attributes:
        draws: the effects of each removal on each test point in every draw, in nats.
        detected: the share of pairs with |mean| > 2 sd over draws.
        repeats: the repeatability of one draw over removals.
        gain: the share detected by pairing less that without.
    """

    draws: dict[str, Float[numpy.ndarray, "s r m"]]
    detected: dict[str, Resampled]
    repeats: dict[str, Resampled]
    gain: Resampled

    def numbers(self, stem: str) -> dict[str, Measurement]:
        """`noise/unpaired/detected/1/0.001` and its like, for the stem `1/0.001`."""
        found = {f"noise/gain/{stem}": self.gain.number("share detected with batches paired less that without")}
        for arm in self.draws:
            found |= {
                f"noise/{arm}/detected/{stem}": self.detected[arm].number(f"share of pairs beyond {THRESHOLD:g} sd"),
                f"noise/{arm}/repeatability/{stem}": self.repeats[arm].number("of one draw, over removals"),
                f"noise/{arm}/draws_needed/{stem}": draws_needed(self.repeats[arm]).number("for repeatability 0.8"),
            }
        return found


def noise(outcomes: Sequence[Outcome], *, bootstrap: Bootstrap | None = None) -> Noise:
    """The noise of one setting's draws.

    Nguyen et al. (2023) subtract the loss before training went on, so what going on does to every model stays in their
    effects: `published` is the warm target with its control added again.

    Outcomes come one a seed, with the targets `paired`, `unpaired` and `warm`.
    """
    found = {name: loss_changes(outcomes, name) for name in PROTOCOLS}
    went_on = numpy.stack([array(outcome.control["warm"]) for outcome in outcomes])
    found["published"] = found["warm"] + went_on[:, None, :]
    return Noise(
        draws=found,
        detected={arm: share_detected(each, bootstrap=bootstrap) for arm, each in found.items()},
        repeats={arm: consistency(each, bootstrap=bootstrap) for arm, each in found.items()},
        gain=gain(found["paired"], found["unpaired"], bootstrap=bootstrap),
    )


def gain(
    first: Float[numpy.ndarray, "s r m"],
    second: Float[numpy.ndarray, "s r m"],
    *,
    bootstrap: Bootstrap | None = None,
) -> Resampled:
    """The share detected in the first less that in the second; removals and test points drawn together for both."""
    way = bootstrap or Bootstrap()
    sizes = [signal_to_noise(each) for each in (first, second)]
    one, other = (numpy.where(numpy.isnan(size), numpy.nan, size > THRESHOLD) for size in sizes)
    r, m = one.shape
    value = float(averages(one - other, Draws(numpy.ones((1, r)), numpy.ones((1, m))))[0])
    interval = ends(way, value, averages(one - other, resample(r, m, way)), bounded=False)
    return Resampled(interval, label(first, way), int((~numpy.isnan(one - other)).sum()))


def noise_table(found: Mapping[str, Noise]) -> Styler:
    """A row for each setting and arm: what stands out, what repeats, and how many draws it takes."""
    rows = [
        {
            "setting": setting,
            "retrained": NOISE_ARMS[arm],
            f"|mean| > {THRESHOLD:g} sd": format_interval(each.detected[arm].interval),
            "repeatability of one draw": format_interval(each.repeats[arm].interval),
            "draws needed for 0.8": said_many(draws_needed(each.repeats[arm]).interval),
        }
        for setting, each in found.items()
        for arm in each.draws
    ]
    return readable(pandas.DataFrame(rows), caption="Effects beside their noise over seeds, with 95% intervals")


def said_many(interval: Interval) -> str:
    """A number of draws, at least 1, with its interval; ∞ where there is no repeatability."""
    value, low, high = (f"{max(1.0, end):,.1f}" if numpy.isfinite(end) else "∞" for end in interval)
    return f"{value} [{low}, {high}]"


def effects_table(found: Noise, outcome: Outcome) -> pandas.DataFrame:
    """A row for each arm, removal and test point: mean and standard deviation over draws, in nats."""
    train, test = numpy.sort(array(outcome.train_ids)), array(outcome.test_ids)
    tables = [
        pandas.DataFrame(
            {
                "arm": arm,
                "train_id": numpy.repeat(train, len(test)).astype("int16"),
                "test_id": numpy.tile(test, len(train)).astype("int16"),
                "mean": numpy.nanmean(each, axis=0).ravel().astype("float32"),
                "sd": numpy.nanstd(each, axis=0, ddof=1).ravel().astype("float32"),
            }
        )
        for arm, each in found.draws.items()
    ]
    return pandas.concat(tables, ignore_index=True).astype({"arm": "category"})


def against(predictors: Sequence[Outcome], truths: Sequence[Outcome]) -> list[Outcome]:
    """The predictions of some outcomes held against the truths of others, one by one, over the same removals.

    Raises:
        InvalidData: unequal numbers, or a couple with other removals or test points.
    """
    if len(predictors) != len(truths):
        raise InvalidData(f"There are {len(predictors)} predictions for {len(truths)} truths; give one of each.")
    for one, other in zip(predictors, truths, strict=True):
        if one.train_ids.tolist() != other.train_ids.tolist() or one.test_ids.tolist() != other.test_ids.tolist():
            raise InvalidData(
                "A prediction and a truth have other removals or test points; take them from the same data, with a "
                "selection that does not depend on the estimate."
            )
    return [
        replace(one, actual=other.actual, trusted=other.trusted, control=other.control)
        for one, other in zip(predictors, truths, strict=True)
    ]


def other_seeds(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Each outcome's predictions against the truth of the next, the last one's against that of the first."""
    if len(outcomes) < 2:
        raise InvalidData(f"Another seed's truth needs two outcomes or more, got {len(outcomes)}.")
    return against(outcomes, [*outcomes[1:], outcomes[0]])


def agreement(
    outcomes: Sequence[Outcome], estimator: str, target: str, *, bootstrap: Bootstrap | None = None
) -> Resampled:
    """Mean signed Spearman correlation of predicted and actual over seeds and test points, of the only selection."""
    return mean(
        correlations(outcomes, selection=only(outcomes), estimator=estimator, target=target), bootstrap=bootstrap
    )


def repeats(outcomes: Sequence[Outcome], target: str, *, bootstrap: Bootstrap | None = None) -> Resampled:
    """Mean Spearman correlation of two draws of a target: seeds 0 and 1, 2 and 3, …; an odd last one is unused."""
    couples = len(outcomes) // 2 * 2
    first, second = outcomes[0:couples:2], outcomes[1:couples:2]
    return mean(repeatability(first, second, target=target, selection=only(outcomes)), bootstrap=bootstrap)


def only(outcomes: Sequence[Outcome]) -> str:
    """The name of the selection that all outcomes have."""
    return next(iter(outcomes[0].chosen))


def stands_off(found: Resampled) -> Measurement:
    """How far the interval stands off 0: 0 where it holds it, as it must where there is nothing to find.

    The note gives half the interval's width: with one of 0.3, that 0 lies inside says little.
    """
    value, low, high = found.interval
    note = found.number(f"distance of the interval of {value:.3f} from 0").with_half_width().note
    return Measurement(value=float(max(low, -high, 0.0)), n=found.count, note=note)


def draw_scores(
    outcomes: Sequence[Outcome], estimator: str, target: str, *, bootstrap: Bootstrap | None = None
) -> dict[str, Resampled]:
    """Agreement with the truth of the own draw, `same`, and of another, `other`; their difference `drop`; `repeats`.

    The last is how well two draws of the target agree: what `other` comes to where `same` is perfect.
    """
    tables = [
        correlations(held, selection=only(outcomes), estimator=estimator, target=target)
        for held in (outcomes, other_seeds(outcomes))
    ]
    return {
        "same": mean(tables[0], bootstrap=bootstrap),
        "other": mean(tables[1], bootstrap=bootstrap),
        "drop": difference(*tables, paired=True, bootstrap=bootstrap),
        "repeats": repeats(outcomes, target, bootstrap=bootstrap),
    }


def mismatch(
    own: Sequence[Outcome],
    foreign: Sequence[Outcome],
    estimator: str,
    target: str,
    *,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Resampled]:
    """Agreement of another training's predictions with this one's truth (`foreign`), and `loss` against its own ones.

    Outcomes come one a seed; both trainers start alike and see the same batches.
    """
    tables = [
        correlations(held, selection=only(own), estimator=estimator, target=target)
        for held in (own, against(foreign, own))
    ]
    return {
        "foreign": mean(tables[1], bootstrap=bootstrap),
        "loss": difference(*tables, paired=True, bootstrap=bootstrap),
    }


def scores_table(found: Mapping[str, Mapping[str, Resampled]]) -> Styler:
    """A row for each setting: its scores, each with its interval."""
    heads = {"same": "same draw", "other": "another draw", "drop": "same − another", "repeats": "draws repeat"}
    rows = [
        {"setting": setting, **{heads.get(name, name): format_interval(each.interval) for name, each in scores.items()}}
        for setting, scores in found.items()
    ]
    return readable(pandas.DataFrame(rows), caption="Mean signed Spearman correlations, with 95% intervals")


def fits(found: Mapping[str, Mapping[Any, Sequence[Outcome]]]) -> dict[str, Any]:
    """For each study's settings: parameters, mean accuracy on training and test points, and ‖∇J‖, over seeds."""
    return {
        f"{name}/{key if isinstance(key, float) else '/'.join(map(str, key))}": {
            "parameters": cell[0].facts["p"],
            **{
                fact: float(numpy.mean([outcome.facts[fact] for outcome in cell]))
                for fact in ("train_accuracy", "test_accuracy", "fit_loss", "fit_grad_norm")
            },
        }
        for name, settings in found.items()
        for key, cell in settings.items()
    }
