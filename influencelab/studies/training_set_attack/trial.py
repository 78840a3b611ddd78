"""One block of test pictures, each attacked in several ways: who flips, what was predicted, and whether it shows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.source import Source
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.experiments.outcome import Outcome
from influencelab.models.extractor import Extractor
from influencelab.recipe import Progress, Recipe, unheard
from influencelab.studies.training_set_attack.attack import (
    GRADIENT,
    INFLUENCE,
    RANDOM,
    UNDECIDED,
    Attacked,
)
from influencelab.studies.training_set_attack.boxes import BetweenLevels, Box, WholeLevels, saved
from influencelab.studies.training_set_attack.moved_models import MovedModels
from influencelab.studies.training_set_attack.truth import (
    CONVERGED,
    PREDICTORS,
    TARGET,
    TRUSTED,
    looked_for,
    pairs_of,
    pictures_of,
    retrained,
)
from influencelab.studies.training_set_attack.victim import Victim, victim_of
from influencelab.training.fit import Fit, fit_at
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.newton import Newton

SELECTION, PUBLISHED, WHOLE = "own", "published", "whole_levels"
# Attacks of a block that are kept as pictures.
PICTURED = 2


class Arm(NamedTuple):
    """A way to attack: between grey levels or by whole ones, and toward what."""

    whole: bool
    toward: str


ARMS: Mapping[str, Arm] = MappingProxyType(
    {
        PUBLISHED: Arm(whole=False, toward=INFLUENCE),
        WHOLE: Arm(whole=True, toward=INFLUENCE),
        "without_curvature": Arm(whole=False, toward=GRADIENT),
        "random": Arm(whole=False, toward=RANDOM),
        "random_whole_levels": Arm(whole=True, toward=RANDOM),
    }
)


@dataclass(frozen=True)
class TrainingSetAttack(Recipe):
    """Koh & Liang (2017), Section 5.2, on a block of test pictures: each is attacked through training pictures.

    Logistic regression without an intercept on the features of a frozen network. An attack takes the training pictures
    through which influence on the test loss depends most on pixels, and moves each pixel up or down with the sign of
    that slope; after every step the model is trained anew, and it stops once the test picture is called wrongly. A flip
    is then counted at the minimum of J. As published, the first picture is tried alone, then the second alone, then the
    first two together, and so on, until one succeeds.

    Facts gain `attacks`, a row each: `arm`, `budget` (pictures changed), `attempt`, `test`, `points`, `steps`,
    `loss_before` and `loss_after` (nats, retrained), `flipped`, `trusted`, `deviation` (largest |change| of a pixel, in
    grey levels), `file_deviation` (the same of PNG files), and `transferred`, whether the pictures flip it under the
    other extractor too; `looked_for`, where scores put poisoned points; and `pictures`, a few attacks by whole levels
    that flipped, as PNG files in base 64. The outcome's pairs are those of the first attempt of the arm `published`, at
    a quarter, half and all of its move.

    Attributes:
        source: pictures of two classes.
        extractor: the frozen network.
        other: another one, on which the same pictures are tried; None for none.
        weight_decay: of the model.
        first: position of the block's first test picture.
        count: test pictures in the block; those that the model calls wrongly are not attacked.
        arms: names of `ARMS`.
        budgets: numbers of training pictures changed, rising from 1.
        tries: training pictures that are tried alone, one after the other.
        radius: grey levels that a pixel may go between levels; twice that by whole levels.
        step: share of the way to the edge of the box in one step; published: 0.02 of 0.5 grey levels.
        most: steps.
        candidates: training pictures whose slopes in pixels are compared.
        inspected: first attempts, at most, whose training picture is looked for among the others.
        trainer: of the first model.
        seed: of random directions.
    """

    source: Source
    extractor: Extractor
    other: Extractor | None = None
    weight_decay: float = 1e-3
    first: int = 0
    count: int = 20
    arms: tuple[str, ...] = tuple(ARMS)
    budgets: tuple[int, ...] = (1, 2)
    tries: int = 2
    radius: float = 0.5
    step: float = 0.04
    most: int = 100
    candidates: int = 20
    inspected: int = 5
    trainer: Trainer = field(default_factory=Newton)
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.arms or not set(self.arms) <= set(ARMS):
            raise InvalidParameter(f"arms are {self.arms}; expected some of {', '.join(ARMS)}.")
        if self.budgets[:1] != (1,) or list(self.budgets) != sorted(set(self.budgets)):
            raise InvalidParameter(
                f"budgets are {self.budgets}, expected numbers that rise from 1, such as (1, 2, 10)."
            )
        if min(self.count, self.tries, self.most, self.step) <= 0 or min(self.first, self.inspected) < 0:
            raise InvalidParameter("count, tries, most and step must be > 0, first and inspected ≥ 0.")
        if self.candidates < max(self.tries, *self.budgets):
            raise InvalidParameter(
                f"candidates is {self.candidates}, fewer than the pictures that are changed; give "
                f"{max(self.tries, *self.budgets)} or more."
            )

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Attack the block's test pictures that the model has right, each in every way."""
        report = progress or unheard
        victim = victim_of(self.source, self.extractor, self.weight_decay, self.trainer, device)
        block = self.block(victim.model)
        aimed = torch.arange(block.data.m)[block.predicted(block.data.x_test) == block.data.y_test]
        if not len(aimed):
            raise InvalidData(f"The model has none of the {block.data.m} test pictures of this block right. Take more.")
        rows = slice(self.first, self.first + self.count)
        here = replace(victim, model=block, shown=victim.shown[rows])
        attacks, pairs, found, pictures = [], None, [], []
        largest = max(self.tries, *self.budgets)
        points = {
            toward: here.chosen(aimed, toward=toward, count=largest, candidates=self.candidates)
            for toward in sorted({toward_of(name) for name in self.arms})
        }
        for place, name in enumerate(self.arms):
            report(place / len(self.arms))
            own, made = self.arm(here, name, aimed, points[toward_of(name)])
            attacks += own
            if name == WHOLE:
                pictures = pictures_of(here, own, made, most=PICTURED)
            if name == PUBLISHED:
                pairs, found = pairs_of(here, made[0]), looked_for(here, made[0], most=self.inspected)
        return self.outcome(block, pairs, {"attacks": attacks, "looked_for": found, "pictures": pictures})

    def block(self, model: Fit) -> Fit:
        """The model, watched at the block's test pictures."""
        rows, data = slice(self.first, self.first + self.count), model.data
        if self.first >= data.m:
            raise InvalidParameter(
                f"first is {self.first} and there are {data.m} test pictures; begin before the last."
            )
        ids = {"x_test": data.x_test[rows], "y_test": data.y_test[rows], "test_ids": data.test_ids[rows]}
        return fit_at(model.task, replace(data, **ids), model.theta, trainer=self.trainer)

    def box(self, arm: Arm) -> Box:
        """How far pixels may go."""
        return WholeLevels(2 * self.radius) if arm.whole else BetweenLevels(self.radius)

    def arm(
        self, victim: Victim, name: str, aimed: Int[Tensor, " t"], points: Int[Tensor, "t b"]
    ) -> tuple[list[dict[str, Any]], list[Attacked]]:
        """The rows of one way to attack, and its attempts."""
        arm, rows, every, left = ARMS[name], [], [], aimed
        for attempt, places in enumerate(self.attempts()):
            some = points[torch.isin(aimed, left)][:, places]
            if arm.toward == RANDOM:
                generator = torch.Generator().manual_seed(self.seed + self.first)
                made = victim.at_random(some, left, self.box(arm), generator)
            else:
                box = self.box(arm)
                step = self.step * box.radius
                made = victim.attack(some, left, box, toward=arm.toward, step=step, most=self.most)
            every.append(made)
            own = self.rows(victim, made, name, attempt)
            rows += own
            left = left[~torch.tensor([each["flipped"] for each in own])]
            if not len(left):
                break
        return rows, every

    def attempts(self) -> list[list[int]]:
        """Which of the training pictures each attempt changes."""
        alone = [[place] for place in range(self.tries)]
        return alone + [list(range(budget)) for budget in self.budgets if budget > 1]

    def rows(self, victim: Victim, made: Attacked, name: str, attempt: int) -> list[dict[str, Any]]:
        """What each attack did, by models that were trained to their minimum on the features of its pictures."""
        model, data = victim.model, victim.model.data
        models, trusted = MovedModels(model, made.points, made.theta), made.grad_norm <= CONVERGED
        after = models.losses(made.tests)
        before, old = model.measures()[made.tests], victim.pixels[made.points]
        files = torch.stack([torch.stack([saved(each) for each in row]) for row in made.pictures])
        moves = [(each - old).abs().flatten(1).amax(1).tolist() for each in (made.pictures, files)]
        transferred = self.transferred(model, made)
        return [
            {
                "arm": name,
                "budget": made.points.shape[1],
                "attempt": attempt,
                "test": int(data.test_ids[test]),
                "points": data.train_ids[made.points[row]].tolist(),
                "same_class": float((data.y_train[made.points[row]] == data.y_test[test]).double().mean()),
                "steps": int(made.steps[row]),
                "loss_before": float(before[row]),
                "loss_after": float(after[row]),
                "flipped": bool(after[row] > UNDECIDED) and bool(trusted[row]),
                "trusted": bool(trusted[row]),
                "deviation": moves[0][row],
                "file_deviation": moves[1][row],
                "transferred": transferred[row],
            }
            for row, test in enumerate(made.tests.tolist())
        ]

    def transferred(self, model: Fit, made: Attacked) -> list[bool | None]:
        """Whether the pictures flip the test picture for the other extractor too; None where that has it wrong."""
        if self.other is None:
            return [None] * len(made.tests)
        there = victim_of(self.source, self.other, self.weight_decay, self.trainer, str(model.theta.device))
        block = self.block(there.model)
        with torch.no_grad():
            features = torch.cat([there.network(each) for each in made.pictures]).unflatten(0, made.points.shape)
        rises, trusted = retrained(block, made.points, features, made.tests)
        before = block.measures()[made.tests]
        flipped = (before + rises > UNDECIDED) & trusted
        return [bool(each) if old <= UNDECIDED else None for each, old in zip(flipped, before.tolist(), strict=True)]

    def outcome(self, model: Fit, pairs: dict[str, Tensor] | None, found: dict[str, Any]) -> Outcome:
        """All of it as the store keeps it."""
        data = model.data
        empty = {name: torch.zeros(0) for name in (*PREDICTORS, TARGET)}
        numbers = {name: torch.zeros(0, dtype=torch.int64) for name in ("points", "tests", "shares", TRUSTED)}
        pairs = pairs or {**empty, **numbers}
        own = torch.nn.functional.one_hot(pairs["tests"], data.m).bool()
        train_accuracy, test_accuracy = model.accuracy()
        trusted = pairs[TRUSTED].bool()
        facts = {
            "data": data.name,
            "data_hash": data.content_hash(),
            **{name: getattr(data, name) for name in ("n", "m", "classes")},
            "p": len(model.theta),
            "single": True,
            **{f"fit_{name}": getattr(model, name) for name in ("loss", "grad_norm", "converged", "steps")},
            "train_accuracy": train_accuracy,
            "test_accuracy": test_accuracy,
            "estimates": {name: {"unit": model.unit} for name in PREDICTORS},
            "shares": [float(each) for each in pairs["shares"]],
            **found,
        }
        return Outcome(
            predicted={name: on(own, pairs[name]) for name in PREDICTORS},
            chosen={SELECTION: own},
            actual={TARGET: on(own, pairs[TARGET])},
            trusted={TARGET: trusted},
            converged={TARGET: trusted},
            control={TARGET: torch.zeros(data.m, dtype=torch.float64)},
            train_ids=data.train_ids[pairs["points"]],
            train_labels=data.y_train[pairs["points"]],
            test_ids=data.test_ids,
            test_labels=data.y_test,
            facts=facts,
            theta=model.theta,
        )


def toward_of(name: str) -> str:
    """Toward what the training pictures of an arm are chosen; a coin takes those of influence."""
    return INFLUENCE if ARMS[name].toward == RANDOM else ARMS[name].toward


def on(own: Bool[Tensor, "r m"], values: Float[Tensor, " r"]) -> Float[Tensor, "r m"]:
    """A table with each row's value at its own test point and 0 elsewhere."""
    return own * values.double()[:, None]
