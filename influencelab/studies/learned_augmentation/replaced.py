"""Training points replaced by transformed copies: what influence through the last layer predicts, and refits give."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.perturbations.replacement import Replacement
from influencelab.experiments.outcome import Outcome
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.influence.sensitivity import Sensitivity
from influencelab.models.tasks.logistic import Logistic
from influencelab.studies.learned_augmentation.classifier import AT_ONCE, Augment, Classifier
from influencelab.studies.learned_augmentation.learning import LastLayer
from influencelab.training.fit import Fit, fit
from influencelab.training.trainers.newton import Newton


@dataclass(frozen=True, eq=False)
class Features:
    """Features of pictures under a frozen network, in float64 and of mean square 1 on the training pictures.

    Attributes:
        network: whose last layer is left out.
        size: the root of their mean square before.
    """

    network: Classifier
    size: float

    def of(self, pictures: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d"]:
        """Without derivatives."""
        with torch.no_grad():
            return torch.cat([self.network.features(each) for each in pictures.split(AT_ONCE)]).double() / self.size

    def differentiable(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """With derivatives in the pixels, in their type."""
        return self.network.features(pictures) / self.size


@dataclass(frozen=True, eq=False)
class Refitted:
    """Predicted and actual rise of the loss of each validation point in each experiment, in nats.

    Attributes:
        predicted: −Δ(∇J)ᵀ s.
        actual: of the last layer at its new minimum.
        converged: whether it is one.
        grad_norm: of each refit.
    """

    predicted: Float[Tensor, "r m"]
    actual: Float[Tensor, "r m"]
    converged: Tensor
    grad_norm: Float[Tensor, " r"]


def joined(parts: Sequence[Refitted]) -> Refitted:
    """Experiments one after the other."""
    return Refitted(**{name: torch.cat([getattr(each, name) for each in parts]) for name in vars(parts[0])})


@dataclass(frozen=True, eq=False)
class Layer:
    """The last layer, fitted again by itself to its minimum, with what it responds to.

    Attributes:
        features: of pictures.
        fit: the fit; its test points are the validation points.
        sensitivity: of the loss of each validation point.
    """

    features: Features
    fit: Fit
    sensitivity: Sensitivity

    def mean(self) -> LastLayer:
        """What teaches an augmenter: the response of the mean validation loss, in the type of the pictures."""
        rows = self.fit.data.classes
        theta, response = (each.unflatten(0, (rows, -1)).float() for each in (self.fit.theta, self.mean_response))
        return LastLayer(self.features.differentiable, theta, response)

    @property
    def mean_response(self) -> Float[Tensor, " p"]:
        """s of the mean validation loss."""
        return self.sensitivity.values.mean(1)

    def replaced(
        self, copies: Float[Tensor, "t c h w"], points: Int[Tensor, " t"], rows: Int[Tensor, " t"]
    ) -> Refitted:
        """Points, each by a copy with its own label, in the experiments of these numbers, which rise.

        As many experiments at once as bring in no more copies than there are points: each refit has them all before it.
        """
        count = 1 + int(rows.max())
        few, parts = max(1, count * self.fit.data.n // len(rows)), []
        for first in range(0, count, few):
            some = (rows >= first) & (rows < first + few)
            swap = self.swap(copies[some], points[some], rows[some] - first)
            truth = SecondOrder().retrain(self.fit, swap)
            parts.append(Refitted(self.sensitivity.predict(swap), truth.values, truth.trusted, truth.grad_norm))
        return joined(parts)

    def swap(self, copies: Float[Tensor, "t c h w"], points: Int[Tensor, " t"], rows: Int[Tensor, " t"]) -> Replacement:
        """The same as a perturbation of the last layer's own data."""
        data = self.fit.data
        return Replacement(points=points, x=self.features.of(copies), y=data.y_train[points], n=data.n, rows=rows)

    def predicted(
        self, copies: Float[Tensor, "t c h w"], points: Int[Tensor, " t"], rows: Int[Tensor, " t"]
    ) -> Float[Tensor, "r m"]:
        """What influence says of the same, without the truth."""
        return self.sensitivity.predict(self.swap(copies, points, rows))


def last_layer(network: Classifier, data: Dataset, *, weight_decay: float) -> Layer:
    """The last layer of a network at the minimum of its own penalised loss on pictures as they are."""
    raw = Features(network, 1.0)
    pictures, others = (each.float() for each in (data.x_train, data.x_test))
    size = float(raw.of(pictures).square().mean().sqrt())
    features = Features(network, size)
    there = replace(data, x_train=features.of(pictures), x_test=features.of(others))
    fitted = fit(Logistic(weight_decay, penalise_intercept=True), there, Newton())
    return Layer(features, fitted, Exact().sensitivity(fitted))


def batches(
    n: int, *, count: int, size: int, generator: torch.Generator
) -> tuple[Int[Tensor, " t"], Int[Tensor, " t"]]:
    """Points of so many random batches, none twice in one, and the number of the batch of each."""
    points = [torch.randperm(n, generator=generator)[:size] for _ in range(count)]
    return torch.cat(points), torch.arange(count).repeat_interleave(min(size, n))


def copies_of(
    pictures: Float[Tensor, "n c h w"], points: Int[Tensor, " t"], augment: Augment, generator: torch.Generator
) -> Float[Tensor, "t c h w"]:
    """A transformed copy of each of these points."""
    parts = points.split(AT_ONCE)
    with torch.no_grad():
        return torch.cat([augment(pictures[rows], rows, generator) for rows in parts])


def outcome_of_batches(
    data: Dataset,
    layer: Layer,
    *,
    predicted: dict[str, Float[Tensor, "r 1"]],
    chosen: dict[str, Tensor],
    actual: dict[str, Float[Tensor, "r 1"]],
    trusted: dict[str, Tensor],
    facts: dict[str, Any],
) -> Outcome:
    """Mean validation loss, as the one number that is watched, when batches of points are replaced."""
    (count,) = {len(each) for each in predicted.values()}
    ids, one = torch.arange(count), torch.zeros(1, dtype=torch.int64)
    estimates = {"unit": "nats", "largest_residual": float(layer.sensitivity.residual.max())}
    common = {
        "data": data.name,
        "data_hash": data.content_hash(),
        **{name: getattr(data, name) for name in ("n", "m", "classes")},
        "p": len(layer.fit.theta),
        "single": False,
        **{f"fit_{name}": getattr(layer.fit, name) for name in ("loss", "grad_norm", "converged", "steps")},
        "estimates": dict.fromkeys(predicted, estimates),
        "targets": {name: {"trusted": int(each.sum())} for name, each in trusted.items()},
    }
    return Outcome(
        predicted=predicted,
        chosen=chosen,
        actual=actual,
        trusted=trusted,
        converged=trusted,
        control={name: torch.zeros(1, dtype=torch.float64) for name in actual},
        train_ids=ids,
        train_labels=torch.full_like(ids, -1),
        test_ids=one,
        test_labels=one - 1,
        facts={**common, **facts},
    )
