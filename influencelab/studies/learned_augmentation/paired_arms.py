"""One label subset and one start: the same network trained on it with each way of transforming its pictures."""

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy
import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.source import Source
from influencelab.errors import InvalidData, InvalidParameter, Unavailable
from influencelab.experiments.outcome import Outcome
from influencelab.recipe import Progress, Recipe, unheard
from influencelab.studies.learned_augmentation import classifier
from influencelab.studies.learned_augmentation.classifier import Augment, TrainedClassifier, trained
from influencelab.studies.learned_augmentation.learning import Augmenter, Learned, by_network, by_policy, either, taught
from influencelab.studies.learned_augmentation.replaced import (
    Layer,
    Refitted,
    batches,
    copies_of,
    joined,
    last_layer,
    outcome_of_batches,
)
from influencelab.studies.learned_augmentation.transformation import GROUPS, random_policy, sizes

# Ways to transform training pictures, and what each is.
ARMS = {
    "none": "none",
    "affine": "random affine, brightness",
    "search": "random search",
    "untaught": "augmenter, untaught",
    "learned": "taught and untaught",
    "taught": "augmenter, taught",
}
BASELINE, LEARNED, TAUGHT = "affine", "learned", "taught"
ESTIMATOR, TARGET = "last_layer_influence", "refit"
# Whose copies stand in for training points, by the selection that holds them.
COPIES = {"affine_copies": BASELINE, "learned_copies": TAUGHT}
# Pictures of the first seed that are shown, and validation points at which single replacements are watched.
SHOWN, WATCHED = 8, 10


@dataclass(frozen=True)
class PairedArms(Recipe):
    """Lee, Park, Pham & Yoo (2020), with a generator in place of what they train by adversaries, once, and its rivals.

    A share of the labelled points validates what is searched or learned on the others; the networks whose test error is
    compared are trained on all of them, from one start with the same batches. What the outcome holds besides facts is
    the mean validation loss when batches of points are replaced by transformed copies: predicted through the last layer
    and refitted. The facts gain `augmentation`.

    Attributes:
        source: the labelled points and the test points; `train_size` is how many labels there are, its seed that of the
            subset. Pixels from 0 to 1.
        validation: the share of the labelled points that validates.
        steps: of every training that counts.
        batch: pictures a step.
        learning_steps: of the augmenter.
        holds: nats that a departure from random augmentation costs it: one is taught for each, and the best kept.
        policies: that the random search tries.
        policy_steps: of the training by which each policy, and each augmenter, is judged.
        weight_decay: of the last layer where influence is computed.
        replacements: batches that are replaced, for each kind of copies.
        share: of the training points that a batch holds.
        singles: points that are replaced one by one, for looking at.
        seed: of start, batches and draws.
    """

    source: Source
    validation: float = 0.33
    steps: int = 500
    batch: int = 50
    learning_steps: int = 200
    holds: tuple[float, ...] = (3.0, 10.0, 30.0)
    policies: int = 14
    policy_steps: int = 120
    weight_decay: float = 1e-2
    replacements: int = 120
    share: float = 0.05
    singles: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("validation", "share"):
            if not 0 < getattr(self, name) < 1:
                raise InvalidParameter(
                    f"{name} is {getattr(self, name)}, expected a share between 0 and 1, such as 0.1."
                )
        counts = ("steps", "batch", "learning_steps", "policies", "policy_steps", "replacements")
        for name in counts:
            if getattr(self, name) < 1:
                raise InvalidParameter(f"{name} is {getattr(self, name)}, expected at least 1.")
        if not self.holds or not all(0 <= each < float("inf") for each in self.holds):
            raise InvalidParameter(f"holds is {self.holds}, expected one number ≥ 0 or more.")
        if self.singles < 0 or self.seed < 0:
            raise InvalidParameter(f"singles is {self.singles} and seed {self.seed}; expected at least 0.")

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Train, learn and search on a part, train each arm on all, replace batches; on the CPU, whose time counts."""
        self.check_device(device)
        report = progress or unheard
        data = self.source.load()
        inner, (x, y) = self.parted(data), labelled(data)
        first, layer, learned, losses = self.learn(inner)
        report(0.25)
        search = self.search(inner)
        report(0.5)
        ways = self.ways(x.shape[1], learned.augmenter, search["times"])
        cost = {"search": search["seconds"], **dict.fromkeys((LEARNED, TAUGHT), first.seconds + learned.seconds)}
        arms, (test, classes) = {}, (as_pictures(data.x_test), data.y_test)
        for place, (name, augment) in enumerate(ways.items()):
            made = self.train(x, y, data.classes, augment, steps=self.steps)
            arms[name] = {
                "error": classifier.error(made.network, test, classes),
                "loss": made.loss,
                "grad_norm": made.grad_norm,
                "seconds": made.seconds + cost.get(name, 0.0),
            }
            report(0.5 + 0.07 * (place + 1))
        found: dict[str, Any] = {
            "arms": arms,
            "search": search,
            "falls": learned.falls,
            "held": {"by": learned.hold, "losses": losses},
            "choice": choice(learned, inner),
        }
        found["seconds"] = {"first": first.seconds, "learning": learned.seconds, "search": search["seconds"]}
        return self.outcome(data, layer, {name: ways[name] for name in COPIES.values()}, found)

    def parted(self, data: Dataset) -> Dataset:
        """The labelled points, of which a random share are the test points: those that validate."""
        order = torch.from_numpy(numpy.random.default_rng((self.seed, 0)).permutation(data.n))
        held = round(self.validation * data.n)
        if not 0 < held < data.n:
            raise InvalidData(f"{data.name} has {data.n} labelled points, of which {held} would validate.")
        outside, inside = order[:held].sort().values, order[held:].sort().values
        pictures = as_pictures(data.x_train).double()
        return replace(
            data,
            x_train=pictures[inside],
            y_train=data.y_train[inside],
            train_ids=data.train_ids[inside],
            x_test=pictures[outside],
            y_test=data.y_train[outside],
            test_ids=data.train_ids[outside],
        )

    def train(self, x: Tensor, y: Tensor, classes: int, augment: Augment | None, *, steps: int) -> TrainedClassifier:
        """One network, from the start and with the batches of the seed."""
        return trained(x, y, classes=classes, augment=augment, steps=steps, batch=self.batch, seed=self.seed)

    def learn(self, inner: Dataset) -> tuple[TrainedClassifier, Layer, Learned, list[float]]:
        """A first network with random transformations, its last layer at a minimum, and the best augmenter it taught.

        The best has the least validation loss after a short training, as of random policies; these losses come last.
        """
        (x, y), began = labelled(inner), time.process_time()
        usual, untaught = (by_policy(random_policy(x.shape[1], fields=fields)) for fields in (False, True))
        first = self.train(x, y, inner.classes, usual, steps=self.steps)
        layer = last_layer(first.network, inner, weight_decay=self.weight_decay)
        mean, found, losses = layer.mean(), [], []
        for hold in self.holds:
            learned = taught(mean, x, y, steps=self.learning_steps, batch=self.batch, seed=self.seed, hold=hold)
            found.append(learned)
            losses.append(self.judged(inner, either(untaught, by_network(learned.augmenter))))
        seconds = time.process_time() - began - first.seconds
        return first, layer, replace(found[int(numpy.argmin(losses))], seconds=seconds), losses

    def judged(self, inner: Dataset, augment: Augment) -> float:
        """Validation loss after a short training."""
        made = self.train(*labelled(inner), inner.classes, augment, steps=self.policy_steps)
        return classifier.loss_of(made.network, as_pictures(inner.x_test), inner.y_test)

    def search(self, inner: Dataset) -> dict[str, Any]:
        """The best of random policies by validation loss after a short training: its strengths, and what was tried."""
        colours, began = labelled(inner)[0].shape[1], time.process_time()
        generator = numpy.random.default_rng((self.seed, 1))
        tried, losses = [], []
        for _ in range(self.policies):
            times = dict(zip(GROUPS, (2 * generator.random(len(GROUPS))).tolist(), strict=True))
            tried.append(times)
            losses.append(self.judged(inner, by_policy(random_policy(colours, fields=True, times=times))))
        seconds = time.process_time() - began
        return {"times": tried[int(numpy.argmin(losses))], "losses": losses, "seconds": seconds}

    def ways(self, colours: int, augmenter: Augmenter, times: dict[str, float]) -> dict[str, Augment | None]:
        """What each arm does to a picture."""
        usual, chosen = by_policy(random_policy(colours, fields=True)), by_network(augmenter)
        return {
            "none": None,
            BASELINE: by_policy(random_policy(colours, fields=False)),
            "search": by_policy(random_policy(colours, fields=True, times=times)),
            "untaught": usual,
            LEARNED: either(usual, chosen),
            TAUGHT: chosen,
        }

    def outcome(self, data: Dataset, layer: Layer, ways: dict[str, Augment | None], found: dict[str, Any]) -> Outcome:
        """Predicted and actual mean validation loss of every replacement, and all facts."""
        inner, generator = layer.fit.data, torch.Generator().manual_seed(2 * self.seed + 5 * 10**6)
        x = as_pictures(self.parted(data).x_train)
        parts, whole, every = [], {}, torch.arange(inner.n)
        pictures = {"original": x[:SHOWN]}
        for name, augment in ways.items():
            assert augment is not None
            points, rows = batches(inner.n, count=self.replacements, size=self.group(inner), generator=generator)
            parts.append(layer.replaced(copies_of(x, points, augment, generator), points, rows))
            all_of = layer.replaced(copies_of(x, every, augment, generator), every, torch.zeros_like(every))
            whole[name] = [float(each.mean()) for each in (all_of.predicted, all_of.actual)]
            pictures[name] = copies_of(x, every[:SHOWN], augment, generator)
        if self.singles:
            found["pictures"] = {name: in_levels(each) for name, each in pictures.items()}
            found["picture_shape"] = list(x.shape[1:])
            alone = every[: self.singles]
            copies = copies_of(x, alone, ways[TAUGHT], generator)  # pyright: ignore[reportArgumentType]
            found["singles"] = looked_at(layer.replaced(copies, alone, torch.arange(len(alone))), inner, alone)
            found["singles"]["copies"] = in_levels(copies)
        found["whole"] = whole
        every_one = joined(parts)
        numbers = torch.arange(len(every_one.converged))
        return outcome_of_batches(
            data,
            layer,
            predicted={ESTIMATOR: every_one.predicted.mean(1, keepdim=True)},
            chosen={name: (numbers // self.replacements == place)[:, None] for place, name in enumerate(COPIES)},
            actual={TARGET: every_one.actual.mean(1, keepdim=True)},
            trusted={TARGET: every_one.converged},
            facts={"augmentation": found, "largest_refit_grad_norm": float(every_one.grad_norm.max())},
        )

    def group(self, inner: Dataset) -> int:
        """How many points a batch has that is replaced."""
        return max(1, round(self.share * inner.n))

    def check_device(self, device: str) -> None:
        """Refuse all but the processor, whose time is compared."""
        if device != "cpu":
            raise Unavailable(f"device is '{device}', expected 'cpu': what is compared is processor time too.")


def as_pictures(x: Float[Tensor, " n *shape"]) -> Float[Tensor, "n c h w"]:
    """Pictures with an axis of colours, in float32.

    Raises:
        InvalidData: the points are no pictures of pixels between 0 and 1.
    """
    if x.dim() not in (3, 4) or float(x.min()) < 0 or float(x.max()) > 1 + 1e-6:
        raise InvalidData(
            f"points have shape {tuple(x.shape[1:])} and numbers from {float(x.min()):g} to {float(x.max()):g}; "
            "expected pictures (height, width) or (colours, height, width) from 0 to 1: scaling='unit'."
        )
    return (x[:, None] if x.dim() == 3 else x).float()


def in_levels(pictures: Float[Tensor, "n c h w"]) -> list[list[int]]:
    """The pixels of each picture, from 0 to 255, in one row."""
    return (255 * pictures).round().int().flatten(1).tolist()


def labelled(data: Dataset) -> tuple[Float[Tensor, "n c h w"], Int[Tensor, " n"]]:
    """Training pictures and their classes."""
    return as_pictures(data.x_train), data.y_train


def choice(learned: Learned, inner: Dataset) -> dict[str, list[float]]:
    """Of each group of numbers, how far centres moved and how wide spreads are, in the untaught spread."""
    x = as_pictures(inner.x_train)
    parts = list(sizes(x.shape[1]).values())
    with torch.no_grad():
        policy = learned.augmenter(x)
        usual = Augmenter(x.shape[1], seed=0)(x[:1]).spread
    moved = (policy.centre.abs() / usual).mean(0).split(parts)
    wide = (policy.spread / usual).mean(0).split(parts)
    return {name: [float(moved[k].mean()), float(wide[k].mean())] for k, name in enumerate(GROUPS)}


def looked_at(refitted: Refitted, inner: Dataset, points: Int[Tensor, " t"]) -> dict[str, Any]:
    """Single replacements at the first validation points, as plain lists."""
    watched = slice(0, WATCHED)
    return {
        "train_id": inner.train_ids[points].tolist(),
        "train_label": inner.y_train[points].tolist(),
        "test_id": inner.test_ids[watched].tolist(),
        "test_label": inner.y_test[watched].tolist(),
        "predicted": refitted.predicted[:, watched].tolist(),
        "actual": refitted.actual[:, watched].tolist(),
    }
