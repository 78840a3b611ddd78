"""Whom each score blames for a wrong prediction: training points of the mistaken class, the most suspicious first."""

import numpy
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.gradient_cosine import GradientCosine
from influencelab.influence.estimators.gradient_dot import GradientDot
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.estimators.relatif import Relatif
from influencelab.influence.table import array
from influencelab.studies.misleading_images.called import INFLUENCE, NEIGHBOURS, RANDOM, SCORES
from influencelab.training.fit import Fit

# By those removals are predicted; the others look at no test picture, or at features alone.
ESTIMATORS: dict[str, Estimator] = {
    INFLUENCE: Exact(),
    "newton_step": NewtonStep(),
    "relatif": Relatif(),
    "gradient_dot": GradientDot(),
    "gradient_cosine": GradientCosine(),
}
Table = Float[numpy.ndarray, "n j"]


def scores(
    fitted: Fit,
    *,
    wrong: Int[Tensor, " j"],
    features: tuple[Float[Tensor, "n d"], Float[Tensor, "m d"]],
    out_of_sample: Float[Tensor, " n"],
    seed: int,
) -> tuple[dict[str, Table], Estimate]:
    """Every score of every training point for every wrong test point, larger where it is blamed more; and influence.

    Nobody looks at points whose label is that of the test point: they are minus infinity.

    Args:
        fitted: the model.
        wrong: places of the test points that it predicts wrongly.
        features: of the training and of the test points, by whose cosine neighbours are near.
        out_of_sample: the loss of each training point's label under a model that was trained without it.
        seed: of the random order.
    """
    data, n = fitted.data, fitted.data.n
    estimates = {name: kind.estimate(fitted) for name, kind in ESTIMATORS.items()}
    found = {name: -array(each.values[:, wrong]) for name, each in estimates.items()}
    ours, theirs = (torch.nn.functional.normalize(each, dim=1) for each in features)
    found[NEIGHBOURS] = array(ours @ theirs[wrong].T)
    alone = {
        "training_loss": own_losses(fitted, fitted.theta[None])[0],
        "out_of_sample_loss": out_of_sample,
        "self_influence": estimates[INFLUENCE].self_influence(),
    }
    found |= {name: numpy.repeat(array(each)[:, None], len(wrong), axis=1) for name, each in alone.items()}
    found[RANDOM] = numpy.random.default_rng((seed, 1)).random((n, len(wrong)))
    looked_at = array(data.y_train)[:, None] != array(data.y_test[wrong])[None]
    return {name: numpy.where(looked_at, found[name], -numpy.inf) for name in SCORES}, estimates[INFLUENCE]


def own_losses(fitted: Fit, theta: Float[Tensor, "k p"]) -> Float[Tensor, "k n"]:
    """The loss of each training point's label under each model."""
    data = fitted.data
    return fitted.task.output_loss.values(fitted.task.outputs(theta, data.x_train), data.y_train)


def first(table: Table, *, count: int, seed: int) -> Int[numpy.ndarray, "count j"]:
    """The training points that are blamed most for each test point; equal ones in random order."""
    ties = numpy.random.default_rng((seed, 2)).random(len(table))
    return numpy.stack([numpy.lexsort((ties, -column))[:count] for column in table.T], axis=1)


def precision(named: Int[numpy.ndarray, "k j"], planted: Bool[numpy.ndarray, " n"]) -> float:
    """The share of the points named that were planted."""
    return float(planted[named].mean())


def in_span(data: Dataset) -> Dataset:
    """The same points in coordinates of the space that training points span: fewer features, and the same model.

    A penalised linear model is a combination of its training points, whatever their labels, so that its outputs, its
    influence and the lengths of its moves are the same in any orthonormal coordinates of their span. What of a test
    point lies outside no model can see.
    """
    x, other = data.x_train.flatten(1), data.x_test.flatten(1)
    if x.shape[1] <= len(x):
        return data
    _, sizes, directions = torch.linalg.svd(x, full_matrices=False)
    kept = directions[sizes > sizes[0] * 1e-12].T
    return Dataset(**{**vars(data), "x_train": x @ kept, "x_test": other @ kept})
