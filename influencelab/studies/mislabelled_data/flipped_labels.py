"""One data set some of whose training labels were flipped: who finds them, and what mending them does."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy
import scipy.sparse
import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbations.replacement import Replacement
from influencelab.data.source import Source
from influencelab.data.sources.enron1 import Enron1
from influencelab.data.sparse_rows import DENSITY, LARGE, SparseRows
from influencelab.errors import InvalidData, InvalidParameter, Unavailable
from influencelab.experiments.outcome import Outcome
from influencelab.influence.estimator import Estimate
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.recipe import Progress, Recipe, unheard
from influencelab.studies.mislabelled_data.scores import (
    CONFIDENCE,
    INFLUENCE,
    LOSS,
    RANDOM,
    area,
    found_curve,
    ranking,
    scores,
    top,
)
from influencelab.training.fit import Fit, fit_at
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.newton import Newton

# Scores by whose order labels are mended and the model trained again.
MENDED = (INFLUENCE, LOSS, CONFIDENCE, RANDOM)
# Points of each score that are named, and test points at which a relabelling is watched.
NAMED, WATCHED = 10, 30
ESTIMATOR, TARGET, SELECTION = "influence", "retrained", "relabelled"


@dataclass(frozen=True)
class FlippedLabels(Recipe):
    """Koh & Liang (2017), Section 5.4, once: a share of the labels is flipped, and points are inspected in some order.

    Logistic regression without an intercept. Every second test point is a validation point, whose labels one of the
    scores sees; accuracy is that on the others. What the outcome holds besides facts is the truth of single
    relabellings of the flipped data: half of them mend a flip, half spoil a right label. The facts gain `mislabels`:
    for each score its `area` and the share `found` at each share inspected, for each of `MENDED` the `accuracy` after
    mending; accuracy with all labels `clean` and with the flips; the `top` points; and how well all models converged.

    Attributes:
        source: the data, of two classes.
        weight_decay: of all models.
        share: of the training labels that are flipped; 0 leaves the data untouched, where nothing is mended.
        inspected: shares of the training points that are inspected, rising.
        folds: of the out-of-sample loss.
        neighbours: whose labels are compared.
        relabelled: single points whose label is changed and the model trained again, at most.
        trainer: of all models.
        seed: of the flips, the folds and the random order.
    """

    source: Source
    weight_decay: float = 1e-4
    share: float = 0.1
    inspected: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3)
    folds: int = 5
    neighbours: int = 10
    relabelled: int = 0
    trainer: Trainer = field(default_factory=Newton)
    seed: int = 0

    def __post_init__(self) -> None:
        rising = all(0 < low < high <= 1 for low, high in zip((1e-9, *self.inspected), self.inspected, strict=False))
        if not self.inspected or not rising or not 0 <= self.share < 1:
            raise InvalidParameter(
                f"share is {self.share} and inspected {self.inspected}; expected 0 ≤ share < 1, and shares inspected "
                "that rise within 0 … 1."
            )
        if self.folds < 2 or self.relabelled < 0 or self.seed < 0:
            raise InvalidParameter(
                f"folds is {self.folds}, relabelled {self.relabelled} and seed {self.seed}; expected at least 2, 0, 0."
            )

    def run(self, *, device: str = "cpu", progress: Progress | None = None) -> Outcome:
        """Flip, fit, score, inspect and mend, relabel; on the CPU, where sparse rows live."""
        if device != "cpu":
            raise Unavailable(f"device is '{device}', expected 'cpu': counts of words stay sparse, and on the CPU.")
        report, began = progress or unheard, time.perf_counter()
        data, test = parted(self.source)
        right, flipped = data.y_train, self.flips(data.n)
        wrong = torch.from_numpy(flipped)
        given = torch.where(wrong, 1 - right, right)
        models = Models(self.trainer, BinaryLogistic(self.weight_decay, intercept=False), data, began)
        (clean,) = models.trained(right)
        (theta,) = models.trained(given, start=clean)
        fitted = models.fit(given, theta)
        fold = torch.from_numpy(self.generator(3).permutation(data.n) % self.folds)
        apart = models.trained(given, start=theta, without=[fold == each for each in range(self.folds)])
        report(0.3)
        every, estimate = scores(fitted, apart=apart, folds=fold, neighbours=self.neighbours, seed=self.seed)
        orders = {name: ranking(each, seed=self.seed) for name, each in every.items()}
        report(0.6)
        found: dict[str, Any] = {"found": {}, "area": {}, "accuracy": {}}
        if flipped.any():
            curves = {name: found_curve(order, flipped) for name, order in orders.items()}
            places = [self.count(each, data.n) - 1 for each in self.inspected]
            found["found"] = {name: each[places].tolist() for name, each in curves.items()}
            found["area"] = {name: area(each, most=self.inspected[-1]) for name, each in curves.items()}
            for name in MENDED:
                found["accuracy"][name] = self.mended(models, orders[name], given, right, start=theta, test=test)
        found |= {"clean": accuracy(models.task, clean, test), "flipped": accuracy(models.task, theta, test)}
        found |= {"flips": int(flipped.sum()), "top": top(every, fitted, count=NAMED, seed=self.seed)}
        report(0.9)
        return self.outcome(models, estimate, flipped, found)

    def fit_of(self, outcome: Outcome) -> Fit:
        """The model of the flipped labels, from its stored parameters."""
        data, _ = parted(self.source)
        given = torch.where(torch.from_numpy(self.flips(data.n)), 1 - data.y_train, data.y_train)
        task = BinaryLogistic(self.weight_decay, intercept=False)
        return fit_at(task, replace(data, y_train=given), outcome.theta, trainer=self.trainer)

    def relabelling_of(self, fitted: Fit) -> Replacement:
        """The single relabellings that an outcome has the truth of."""
        points = self.chosen(self.flips(fitted.data.n))
        return Replacement.relabel(fitted.data, points, 1 - fitted.data.y_train[points])

    def generator(self, stream: int) -> numpy.random.Generator:
        """One of the random streams of the seed."""
        return numpy.random.default_rng((self.seed, stream))

    def count(self, share: float, n: int) -> int:
        """So many of n points are this share."""
        return max(1, round(share * n))

    def flips(self, n: int) -> Bool[numpy.ndarray, " n"]:
        """Which labels are flipped."""
        flipped = numpy.zeros(n, dtype=bool)
        flipped[self.generator(0).permutation(n)[: round(self.share * n)]] = True
        return flipped

    def mended(
        self,
        models: "Models",
        order: Int[numpy.ndarray, " n"],
        given: Num[Tensor, " n"],
        right: Num[Tensor, " n"],
        *,
        start: Float[Tensor, " p"],
        test: tuple[Tensor, Tensor],
    ) -> list[float]:
        """Test accuracy when the first points of an order have their right labels again, at each share inspected."""
        found = []
        for share in self.inspected:
            labels, first = given.clone(), torch.from_numpy(order[: self.count(share, len(order))])
            labels[first] = right[first]
            (start,) = models.trained(labels, start=start)
            found.append(accuracy(models.task, start, test))
        return found

    def outcome(
        self, models: "Models", estimate: Estimate, flipped: Bool[numpy.ndarray, " n"], mislabels: Mapping[str, Any]
    ) -> Outcome:
        """The truth of single relabellings beside what influence predicts of them, and all facts."""
        fitted, watched = estimate.fit, slice(0, WATCHED)
        data, points = fitted.data, self.chosen(flipped)
        predicted = torch.zeros(0, len(data.test_ids[watched]), dtype=torch.float64)
        actual, trusted, before = predicted, torch.zeros(0, dtype=torch.bool), models.converged
        if len(points):
            changed = 1 - data.y_train[points]
            predicted = estimate.predict(Replacement.relabel(data, points, changed))[:, watched]
            theta, passed = [], []
            for point, label in zip(points, changed, strict=True):
                done, labels = models.converged, data.y_train.clone()
                labels[point] = label
                theta.append(models.trained(labels, start=fitted.theta)[0])
                passed.append(models.converged > done)
            actual = (fitted.measures_at(torch.stack(theta)) - fitted.measures())[:, watched]
            trusted = torch.tensor(passed)
        train_accuracy, validation_accuracy = fitted.accuracy()
        facts = {
            "data": data.name,
            "data_hash": data.content_hash(),
            **{name: getattr(data, name) for name in ("n", "m", "classes")},
            "p": len(fitted.theta),
            "single": True,
            **{f"fit_{name}": getattr(fitted, name) for name in ("loss", "grad_norm", "converged", "steps")},
            "train_accuracy": train_accuracy,
            "validation_accuracy": validation_accuracy,
            "estimates": {ESTIMATOR: {"unit": estimate.unit, "largest_residual": float(estimate.residual.max())}},
            "targets": {TARGET: {"trusted": models.converged - before, "largest_grad_norm": models.largest}},
            "mislabels": {**mislabels, **models.convergence()},
        }
        return Outcome(
            predicted={ESTIMATOR: predicted},
            chosen={SELECTION: torch.ones_like(predicted, dtype=torch.bool)},
            actual={TARGET: actual},
            trusted={TARGET: trusted},
            converged={TARGET: trusted},
            control={TARGET: torch.zeros_like(fitted.measures()[watched])},
            train_ids=data.train_ids[points],
            train_labels=data.y_train[points],
            test_ids=data.test_ids[watched],
            test_labels=data.y_test[watched],
            facts=facts,
            theta=fitted.theta,
        )

    def chosen(self, flipped: Bool[numpy.ndarray, " n"]) -> Int[Tensor, " r"]:
        """The points that are relabelled: half of them flips, as far as there are so many, drawn at random."""
        generator = self.generator(4)
        wrong, right = (generator.permutation(numpy.flatnonzero(each)) for each in (flipped, ~flipped))
        half = min(self.relabelled // 2, len(wrong))
        return torch.from_numpy(numpy.sort(numpy.concatenate([wrong[:half], right[: self.relabelled - half]])))


@dataclass(eq=False)
class Models:
    """Logistic regressions on one table with labels of their own, and how well the worst of them converged.

    It counts, and so changes by nature.
    """

    trainer: Trainer
    task: BinaryLogistic
    data: Dataset
    began: float
    count: int = 0
    converged: int = 0
    largest: float = 0.0

    def trained(
        self,
        labels: Num[Tensor, " n"],
        *,
        start: Float[Tensor, " p"] | None = None,
        without: list[Bool[Tensor, " n"]] | None = None,
    ) -> Float[Tensor, "k p"]:
        """θ at the minimum for these labels; or for each of some sets of points, without them."""
        here = replace(self.data, y_train=labels)
        kept = torch.stack([~each for each in without]) if without else torch.ones(1, here.n, dtype=torch.bool)
        weights = kept.double() / kept.sum(1, keepdim=True)
        begin = self.task.start(here, 0) if start is None else start
        found = self.trainer.train(self.task, here, begin.expand(len(weights), -1).clone(), weights)
        self.count += len(weights)
        self.converged += int(found.converged.sum())
        self.largest = max(self.largest, float(found.grad_norm.max()))
        return found.theta

    def fit(self, labels: Num[Tensor, " n"], theta: Float[Tensor, " p"]) -> Fit:
        """The trained model as a fit, whose curvature and gradients can be asked for."""
        return fit_at(self.task, replace(self.data, y_train=labels), theta, trainer=self.trainer)

    def convergence(self) -> dict[str, float]:
        """How many models there were, how many of them converged, the largest ‖∇J‖, and the seconds so far."""
        return {
            "models": self.count,
            "converged": self.converged,
            "largest_grad_norm": self.largest,
            "seconds": time.perf_counter() - self.began,
        }


def parted(source: Source) -> tuple[Dataset, tuple[Tensor, Tensor]]:
    """Training points with every second test point to validate by, and features and labels of the other test points.

    Rows of mostly zeros are kept sparse, and columns of words have their names.

    Raises:
        InvalidData: there are not two classes, or fewer than two test points.
    """
    data = source.load()
    if data.classes != 2 or data.m < 2:
        raise InvalidData(
            f"{data.name} has {data.classes} classes and {data.m} test points; expected 2, and 2 or more."
        )
    x, other = data.x_train, data.x_test
    if x.numel() >= LARGE and float((x != 0).double().mean()) <= DENSITY:
        x, other = (SparseRows(scipy.sparse.csr_array(each.flatten(1).numpy())) for each in (x, other))
    names = source.words() if isinstance(source, Enron1) else ()
    validation, test = slice(0, None, 2), slice(1, None, 2)
    held = {"x_test": other[validation], "y_test": data.y_test[validation], "test_ids": data.test_ids[validation]}
    return replace(data, x_train=x, feature_names=names, **held), (other[test], data.y_test[test])


def accuracy(task: BinaryLogistic, theta: Float[Tensor, " p"], test: tuple[Tensor, Tensor]) -> float:
    """The share of test points whose class is the more probable one."""
    x, y = test
    return float(((task.outputs(theta, x)[0] > 0).long() == y).double().mean())
