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
from influencelab.experiments.replication import correlations, loss_changes, repeatability
from influencelab.experiments.trial import Outcome, Trial
from influencelab.influence.retrainer import Retrainer
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.display import readable
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.reliability import draws_needed
from influencelab.statistics.replicates import Replicates, difference, mean
from influencelab.statistics.signal_to_noise import THRESHOLD, consistency, detection_gain, share_detected
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
class Noise:
    """How single effects stand out of their noise over draws, by arm: a key of `NOISE_ARMS`.

    Attributes:
        draws: the effects of each removal on each test point in every draw, in nats.
        detected: the share of pairs with |mean| > 2 sd over draws.
        repeats: the repeatability of one draw over removals.
        gain: the share detected by pairing less that without.
    """

    draws: dict[str, Float[numpy.ndarray, "s r m"]]
    detected: dict[str, Measurement]
    repeats: dict[str, Measurement]
    gain: Measurement

    def numbers(self, stem: str) -> dict[str, Measurement]:
        """`noise/unpaired/detected/1/0.001` and its like, for the stem `1/0.001`."""
        found = {f"noise/gain/{stem}": self.gain.described("share detected with batches paired less that without")}
        for arm in self.draws:
            found |= {
                f"noise/{arm}/detected/{stem}": self.detected[arm].described(f"share of pairs beyond {THRESHOLD:g} sd"),
                f"noise/{arm}/repeatability/{stem}": self.repeats[arm].described("of one draw, over removals"),
                f"noise/{arm}/draws_needed/{stem}": draws_needed(self.repeats[arm]).described("for repeatability 0.8"),
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
        gain=detection_gain(found["paired"], found["unpaired"], bootstrap=bootstrap),
    )


def noise_table(found: Mapping[str, Noise]) -> Styler:
    """A row for each setting and arm: what stands out, what repeats, and how many draws it takes."""
    rows = [
        {
            "setting": setting,
            "retrained": NOISE_ARMS[arm],
            f"|mean| > {THRESHOLD:g} sd": each.detected[arm].rounded(),
            "repeatability of one draw": each.repeats[arm].rounded(),
            "draws needed for 0.8": number_of_draws(draws_needed(each.repeats[arm])),
        }
        for setting, each in found.items()
        for arm in each.draws
    ]
    return readable(pandas.DataFrame(rows), caption="Effects beside their noise over seeds, with 95% intervals")


def number_of_draws(found: Measurement) -> str:
    """A number of draws, at least 1, with its interval; ∞ where there is no repeatability."""
    ends = (found.value, *found.ends)
    value, low, high = (f"{max(1.0, end):,.1f}" if numpy.isfinite(end) else "∞" for end in ends)
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


def agreement(outcomes: Sequence[Outcome], estimator: str, target: str) -> Replicates:
    """Signed Spearman correlation of predicted and actual by seed and test point, of the only selection."""
    return correlations(outcomes, selection=only(outcomes), estimator=estimator, target=target)


def repeats(outcomes: Sequence[Outcome], target: str) -> Replicates:
    """Spearman correlation of two draws of a target: seeds 0 and 1, 2 and 3, …; an odd last one is unused."""
    couples = len(outcomes) // 2 * 2
    first, second = outcomes[0:couples:2], outcomes[1:couples:2]
    return repeatability(first, second, target=target, selection=only(outcomes))


def only(outcomes: Sequence[Outcome]) -> str:
    """The name of the selection that all outcomes have."""
    return next(iter(outcomes[0].chosen))


def distance_from_zero(found: Measurement) -> Measurement:
    """The distance of the interval from 0: 0 where it holds it, as it must where there is nothing to find.

    The note gives half the interval's width: with one of 0.3, that 0 lies inside says little.
    """
    low, high = found.ends
    note = found.described(f"distance of the interval of {found.value:.3f} from 0").with_half_width().note
    return Measurement(value=float(max(low, -high, 0.0)), n=found.n, note=note)


def draw_tables(outcomes: Sequence[Outcome], estimator: str, target: str) -> dict[str, Replicates]:
    """Agreement with the truth of the own draw, `same`, and of another, `other`; and how draws of it agree, `repeats`.

    The last is what `other` comes to where `same` is perfect.
    """
    return {
        "same": agreement(outcomes, estimator, target),
        "other": agreement(other_seeds(outcomes), estimator, target),
        "repeats": repeats(outcomes, target),
    }


def draw_scores(tables: Mapping[str, Replicates], *, bootstrap: Bootstrap | None = None) -> dict[str, Measurement]:
    """The means of `draw_tables`, and by how much the own draw's exceeds another's, `drop`."""
    means = {name: mean(table, bootstrap=bootstrap) for name, table in tables.items()}
    drop = difference(tables["same"], tables["other"], paired=True, bootstrap=bootstrap)
    return {"same": means["same"], "other": means["other"], "drop": drop, "repeats": means["repeats"]}


def mismatch(
    own: Sequence[Outcome],
    foreign: Sequence[Outcome],
    estimator: str,
    target: str,
    *,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Measurement]:
    """Agreement of another training's predictions with this one's truth (`foreign`), and `loss` against its own ones.

    Outcomes come one a seed; both trainers start alike and see the same batches.
    """
    tables = [agreement(held, estimator, target) for held in (own, against(foreign, own))]
    return {
        "foreign": mean(tables[1], bootstrap=bootstrap),
        "loss": difference(*tables, paired=True, bootstrap=bootstrap),
    }


def scores_table(found: Mapping[str, Mapping[str, Measurement]]) -> Styler:
    """A row for each setting: its scores, each with its interval."""
    heads = {"same": "same draw", "other": "another draw", "drop": "same − another", "repeats": "draws repeat"}
    rows = [
        {"setting": setting, **{heads.get(name, name): each.rounded() for name, each in scores.items()}}
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
