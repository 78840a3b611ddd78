"""Misleading pictures planted among training points: which test pictures they turn, and which score names them."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.perturbations.replacement import Replacement
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter, Unavailable
from influencelab.experiments.outcome import Outcome
from influencelab.influence.estimator import Estimate
from influencelab.influence.retrainer import Retrained
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.influence.table import array
from influencelab.models.extractor import Extractor
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.recipe import Progress, Recipe, unheard
from influencelab.studies.misleading_images.mending import effects, mended
from influencelab.studies.misleading_images.pool import ARMS, ASKED, MISTAKEN, WATERMARKED, pool_of
from influencelab.studies.misleading_images.scene import UNDECIDED, Scene, planted_in
from influencelab.studies.misleading_images.scores import first, in_span, own_losses, precision, scores
from influencelab.training.fit import Fit, fit
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.newton import Newton

# Test pictures at which a relabelling is watched, wrong ones first.
WATCHED = 30
ESTIMATOR, TARGET, SELECTION = "influence", "retrained", "relabelled"
# Settings that decide what is planted where.
DRAWN = ("arm", "share", "train", "seed")


@dataclass(frozen=True)
class PlantedPictures(Recipe):
    """One split of all pictures, misleading ones planted among its training points, and a logistic regression.

    Every test picture of the class asked about that the model calls the other is asked: why? Each score names the
    training points it blames first; they are put right, and the model is trained again. The facts gain `planted`: of
    the model its accuracy, how many pictures are `wrong` and how sure it is of them; of each score, means over these:
    the `precision` (share of points named that were planted), whether an `own` copy is named, and what mending does
    (`mending.effects`), of the points named as they are, or of those that whoever inspects them finds planted.

    Arms, of which each plants as many: `relabelled` calls training pictures of class 1 the other class; `copies` plants
    two changed copies of each of some test pictures, so labelled, in the place of training pictures of class 1;
    `watermarked` plants pictures of class 0, rightly labelled, through each two of which one such test picture shows,
    in the place of other pictures of class 0. Mending gives the right label; where it was right, it removes.

    Attributes:
        source: pictures of two classes; class 1 is asked about.
        extractor: what makes features of them; None takes the pixels.
        arm: what is planted.
        share: of the training pictures of class 1, how many are planted; 0 plants nothing.
        train: training pictures; all others are test pictures.
        weight_decay: of all models.
        named: points that each score names for a wrong picture.
        folds: of the out-of-sample loss.
        relabelled: single points whose label is changed and the model trained again, at most.
        trainer: of all models.
        seed: of the split, of what is planted, and of the random order.
    """

    source: Source
    extractor: Extractor | None = None
    arm: str = "relabelled"
    share: float = 0.15
    train: int = 300
    weight_decay: float = 1e-3
    named: int = 4
    folds: int = 5
    relabelled: int = 0
    trainer: Trainer = field(default_factory=Newton)
    seed: int = 0

    def __post_init__(self) -> None:
        if self.arm not in ARMS:
            raise InvalidParameter(f"arm is '{self.arm}', expected one of {', '.join(ARMS)}.")
        if not 0 <= self.share < 1:
            raise InvalidParameter(f"share is {self.share}, expected 0 ≤ share < 1.")
        if min(self.train, self.named) < 1 or self.folds < 2 or min(self.relabelled, self.seed) < 0:
            raise InvalidParameter(
                f"train is {self.train}, named {self.named}, folds {self.folds}, relabelled {self.relabelled} and seed "
                f"{self.seed}; expected at least 1, 1, 2, 0 and 0."
            )

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Plant, fit, ask, mend; on the CPU, as models are small."""
        if device != "cpu":
            raise Unavailable(f"device is '{device}', expected 'cpu': models are small, and pictures many.")
        report, began = progress or unheard, time.perf_counter()
        scene = planted_in(
            pool_of(self.source, self.extractor, self.arm), **{name: getattr(self, name) for name in DRAWN}
        )
        report(0.2)
        task = BinaryLogistic(self.weight_decay)
        fitted = fit(task, in_span(scene.data), self.trainer)
        found = seen(fitted, scene)
        wrong = torch.tensor(found["wrong_places"], dtype=torch.long)
        estimate, truths = None, []
        if len(wrong):
            features = scene.data.x_train.flatten(1), scene.data.x_test.flatten(1)
            apart = self.out_of_sample(fitted)
            every, estimate = scores(fitted, wrong=wrong, features=features, out_of_sample=apart, seed=self.seed)
            named = {name: first(each, count=self.named, seed=self.seed) for name, each in every.items()}
            report(0.4)
            blamed = array(scene.planted)
            repaired = mended(fitted, named, blamed, removes=self.arm == WATERMARKED)
            truths += [repaired.truth] if repaired.truth else []
            found["scores"] = {
                name: {
                    "precision": precision(points, blamed),
                    "own": own_found(points, scene, wrong),
                    "named": len(numpy.unique(points)),
                    **effects(repaired, points, blamed, wrong=wrong),
                }
                for name, points in named.items()
            }
        report(0.8)
        return self.outcome(fitted, estimate, scene, found, truths, began)

    def generator(self, stream: int) -> numpy.random.Generator:
        """One of the random streams of the seed."""
        return numpy.random.default_rng((self.seed, stream))

    def out_of_sample(self, fitted: Fit) -> Float[Tensor, " n"]:
        """The loss of each training point's label under a model trained without its fold."""
        n = fitted.data.n
        fold = torch.from_numpy(self.generator(3).permutation(n) % self.folds)
        kept = torch.stack([fold != each for each in range(self.folds)]).double()
        start = fitted.theta.repeat(self.folds, 1)
        found = self.trainer.train(fitted.task, fitted.data, start, kept / kept.sum(1, keepdim=True))
        return own_losses(fitted, found.theta)[fold, torch.arange(n)]

    def chosen(self, planted: Bool[numpy.ndarray, " n"]) -> Int[Tensor, " r"]:
        """The points that are relabelled one by one: half of them planted, as far as there are so many."""
        generator = self.generator(4)
        wrong, right = (generator.permutation(numpy.flatnonzero(each)) for each in (planted, ~planted))
        half = min(self.relabelled // 2, len(wrong))
        return torch.from_numpy(numpy.sort(numpy.concatenate([wrong[:half], right[: self.relabelled - half]])))

    def outcome(
        self,
        fitted: Fit,
        estimate: Estimate | None,
        scene: Scene,
        found: dict[str, Any],
        truths: list[Retrained],
        began: float,
    ) -> Outcome:
        """The truth of single relabellings beside what influence predicts of them, and all facts."""
        data = fitted.data
        order = [*found["wrong_places"], *(j for j in range(data.m) if j not in set(found["wrong_places"]))]
        watched = torch.tensor(order[:WATCHED])
        points = self.chosen(array(scene.planted)) if estimate else torch.zeros(0, dtype=torch.long)
        predicted = actual = torch.zeros(0, len(watched), dtype=torch.float64)
        trusted, largest = torch.zeros(0, dtype=torch.bool), 0.0
        if estimate and len(points):
            changes = Replacement.relabel(data, points, 1 - data.y_train[points])
            truth = SecondOrder().retrain(fitted, changes)
            truths = [*truths, truth]
            predicted, actual = (each[:, watched] for each in (estimate.predict(changes), truth.values))
            trusted, largest = truth.trusted, float(truth.grad_norm.max())
        found["models"] = sum(len(each.converged) for each in truths)
        found["converged"] = sum(int(each.trusted.sum()) for each in truths)
        found["largest_grad_norm"] = max([fitted.grad_norm, *(float(each.grad_norm.max()) for each in truths)])
        facts = {
            "data": data.name,
            "data_hash": scene.data.content_hash(),
            **{name: getattr(data, name) for name in ("n", "m", "classes")},
            "p": len(fitted.theta),
            "single": True,
            **{f"fit_{name}": getattr(fitted, name) for name in ("loss", "grad_norm", "converged", "steps")},
            "estimates": {ESTIMATOR: {"unit": "nats", "damping": 0.0}},
            "targets": {TARGET: {"trusted": int(trusted.sum()), "largest_grad_norm": largest}},
            "planted": {**found, "seconds": time.perf_counter() - began},
        }
        return Outcome(
            predicted={ESTIMATOR: predicted},
            chosen={SELECTION: torch.ones_like(predicted, dtype=torch.bool)},
            actual={TARGET: actual},
            trusted={TARGET: trusted},
            converged={TARGET: trusted},
            control={TARGET: torch.zeros(len(watched), dtype=torch.float64)},
            train_ids=data.train_ids[points],
            train_labels=data.y_train[points],
            test_ids=data.test_ids[watched],
            test_labels=data.y_test[watched],
            facts=facts,
            theta=fitted.theta,
        )


def seen(fitted: Fit, scene: Scene) -> dict[str, Any]:
    """What one sees of a model before any score: its accuracy, whom it is wrong about, and how sure it is of them."""
    losses, data = fitted.measures(), fitted.data
    asked = data.y_test == ASKED
    wrong = (losses > UNDECIDED) & asked
    targets = scene.own[scene.own >= 0].unique()
    sure = 1 - torch.exp(-losses[wrong])
    return {
        "accuracy": float((losses < UNDECIDED).double().mean()),
        "asked": int(asked.sum()),
        "wrong": int(wrong.sum()),
        "wrong_places": torch.nonzero(wrong)[:, 0].tolist(),
        "sure": sure.tolist(),
        "targets": len(targets),
        "targets_wrong": int(wrong[targets].sum()),
        "planted": int(scene.planted.sum()),
        "looked_at": int((data.y_train == MISTAKEN).sum()),
    }


def own_found(named: Int[numpy.ndarray, "k j"], scene: Scene, wrong: Int[Tensor, " j"]) -> float | None:
    """Of the wrong pictures of which something was planted, the share for which some of it is named; None of none."""
    own = array(scene.own)
    hits = [bool((own[points] == j).any()) for points, j in zip(named.T, wrong.tolist(), strict=True) if j in own]
    return float(numpy.mean(hits)) if hits else None
