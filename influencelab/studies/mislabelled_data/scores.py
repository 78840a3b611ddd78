"""How suspicious each training point's label is, by influence and by rivals that cost less."""

from collections.abc import Mapping

import numpy
import torch
from jaxtyping import Bool, Float, Int
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from influencelab.data.sparse_rows import matrix_of
from influencelab.errors import InvalidParameter
from influencelab.influence.estimator import Estimate
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.self_influence import self_influence_of
from influencelab.models import derivatives
from influencelab.training.fit import Fit

# Names of all scores: what a report's rows call them, and what they are.
SCORES = {
    "self_influence": "self-influence",
    "newton_self_influence": "Newton self-influence",
    "validation_influence": "validation influence",
    "gradient_length": "gradient length",
    "training_loss": "training loss",
    "self_confidence": "out-of-sample loss",
    "neighbours": "nearest neighbours",
    "random": "random order",
}
INFLUENCE, LOSS, CONFIDENCE, RANDOM = "self_influence", "training_loss", "self_confidence", "random"


def scores(
    fitted: Fit, *, apart: Float[Tensor, "k p"], folds: Int[Tensor, " n"], neighbours: int, seed: int
) -> tuple[dict[str, Float[numpy.ndarray, " n"]], Estimate]:
    """Every score of every training point, larger where its label is more suspicious; and the influence behind them.

    Of two classes the margin has the order of the loss, and its out-of-sample form that of the confidence, so that
    neither stands here by itself.

    Args:
        fitted: the model, its test points the validation points, whose labels are right.
        apart: the model trained without each fold, a row a fold.
        folds: the fold of each training point.
        neighbours: how many have a say.
        seed: of the random order.
    """
    data, estimate = fitted.data, Exact().estimate(fitted)
    every = torch.arange(data.n)
    found = {
        "self_influence": self_influence_of(estimate, None, corrected=False, progress=None),
        "newton_self_influence": self_influence_of(estimate, None, corrected=True, progress=None),
        "validation_influence": -estimate.values.mean(1),
        "gradient_length": derivatives.point_lengths(fitted.task, data, fitted.theta, every),
        "training_loss": own_losses(fitted, fitted.theta[None])[0],
        "self_confidence": own_losses(fitted, apart)[folds, every],
    }
    plain = {name: each.numpy() for name, each in found.items()}
    plain["neighbours"] = disagreement(fitted, neighbours)
    plain["random"] = numpy.random.default_rng((seed, 1)).random(data.n)
    return plain, estimate


def own_losses(fitted: Fit, theta: Float[Tensor, "k p"]) -> Float[Tensor, "k n"]:
    """The loss of each training point's label under each model: minus the logarithm of the label's probability."""
    outputs = fitted.task.outputs(theta, fitted.data.x_train)
    return fitted.task.output_loss.values(outputs, fitted.data.y_train)


def disagreement(fitted: Fit, neighbours: int) -> Float[numpy.ndarray, " n"]:
    """The share of each point's nearest others, by the cosine of their features, that have another label."""
    data = fitted.data
    if not 1 <= neighbours < data.n:
        raise InvalidParameter(f"neighbours is {neighbours}, expected 1 … {data.n - 1} of {data.n} training points.")
    x, y = matrix_of(fitted.task.features(data.x_train)), data.y_train.numpy()
    near = NearestNeighbors(n_neighbors=neighbours, metric="cosine", algorithm="brute").fit(x)
    return (y[near.kneighbors(return_distance=False)] != y[:, None]).mean(1)


def ranking(score: Float[numpy.ndarray, " n"], *, seed: int) -> Int[numpy.ndarray, " n"]:
    """Points from the most suspicious to the least; equal ones at random, as their places may tell their class."""
    return numpy.lexsort((numpy.random.default_rng((seed, 2)).random(len(score)), -score))


def found_curve(order: Int[numpy.ndarray, " n"], flipped: Bool[numpy.ndarray, " n"]) -> Float[numpy.ndarray, " n"]:
    """The share of all flips among the first 1, 2, … n points of an order."""
    return flipped[order].cumsum() / flipped.sum()


def area(curve: Float[numpy.ndarray, " n"], *, most: float) -> float:
    """The mean of a curve as far as this share of the points: about most / 2 for a random order.

    An order that has a share f of flips first reaches 1 − f / (2 · most).
    """
    return float(curve[: max(1, round(most * len(curve)))].mean())


def top(
    every: Mapping[str, Float[numpy.ndarray, " n"]], fitted: Fit, *, count: int, seed: int
) -> dict[str, list[dict[str, float]]]:
    """The first points of each score but the random one: id, label, and the probability the model gives that label."""
    data, chances = fitted.data, torch.exp(-own_losses(fitted, fitted.theta[None])[0])
    return {
        name: [
            {"id": int(data.train_ids[i]), "label": int(data.y_train[i]), "probability": float(chances[i])}
            for i in ranking(score, seed=seed)[:count].tolist()
        ]
        for name, score in every.items()
        if name != RANDOM
    }
