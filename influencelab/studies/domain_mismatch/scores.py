"""Scores of every training point on the question which of them make a test child's prediction wrong, and its ranks."""

from collections.abc import Mapping

import numpy
import pandas
from jaxtyping import Float, Int
from scipy.stats import rankdata

from influencelab.data.removals import leave_one_out
from influencelab.influence.estimator import Estimate
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.gradient_cosine import GradientCosine
from influencelab.influence.estimators.gradient_dot import GradientDot
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.table import array
from influencelab.training.fit import Fit

# The published removals keep the penalty beside the mean loss of those who stay.
CONVENTION = "renormalise"
INFLUENCE, NEWTON = "exact", "newton_step"


def estimates_of(model: Fit) -> dict[str, Estimate]:
    """Influence, and one Newton step, on every test point of the model's data."""
    return {INFLUENCE: Exact().estimate(model), NEWTON: NewtonStep(convention=CONVENTION).estimate(model)}


def effects(estimate: Estimate) -> Float[numpy.ndarray, " n"]:
    """The predicted rise of the first test point's loss, in nats, without each training point, as published."""
    removals = leave_one_out(estimate.fit.data.n, convention=CONVENTION)
    return array(estimate.predict(removals)[:, 0])


def scores(model: Fit, estimates: Mapping[str, Estimate]) -> pandas.DataFrame:
    """A row a training point, a column a score: the larger, the more it is held to matter to the first test point.

    `training_loss` and `self_influence` know no test point; `nearest_features` is minus the number of features in
    which a point differs from it (Hamming), `nearest_scaled` minus the distance; gradient products and influence stand
    by their sizes. What is scaled is of features of mean 0 and variance 1 beside an intercept, the others of features
    as they are.
    """
    data, task = model.data, model.task
    products = {"gradient_dot": GradientDot(), "gradient_cosine": GradientCosine()}
    losses = task.output_loss.values(task.outputs(model.theta, data.x_train), data.y_train)
    found = {name: numpy.abs(effects(estimate)) for name, estimate in estimates.items()}
    found["training_loss"] = array(losses)
    found["self_influence"] = array(estimates[INFLUENCE].self_influence())
    found |= {name: numpy.abs(array(each.estimate(model).values[:, 0])) for name, each in products.items()}
    found["nearest_features"] = -array((data.x_train != data.x_test[0]).sum(1)).astype(float)
    scaled, aim = standardised(array(data.x_train), array(data.x_test[:1]))
    residuals = task.output_loss.gradients(task.outputs(model.theta, data.x_train), data.y_train)[0]
    # The test point's own residual is a factor that all share.
    found["gradient_product_scaled"] = numpy.abs(array(residuals) * (1 + scaled @ aim[0]))
    found["nearest_scaled"] = -numpy.linalg.norm(scaled - aim, axis=1)
    return pandas.DataFrame(found, index=pandas.Index(array(data.train_ids), name="train_id"))


def standardised(
    x: Float[numpy.ndarray, "n d"], other: Float[numpy.ndarray, "m d"]
) -> tuple[Float[numpy.ndarray, "n k"], Float[numpy.ndarray, "m k"]]:
    """Both with mean 0 and variance 1 by the first; a feature that is constant there is left out."""
    varied = x.min(0) < x.max(0)
    middle, spread = x[:, varied].mean(0), x[:, varied].std(0)
    return (x[:, varied] - middle) / spread, (other[:, varied] - middle) / spread


def ranks(score: Float[numpy.ndarray, " n"]) -> Float[numpy.ndarray, " n"]:
    """1 for the largest; of ties the mean."""
    return rankdata(-score, method="average")


def in_order(values: Float[numpy.ndarray, " n"], children: Int[numpy.ndarray, " t"]) -> Int[numpy.ndarray, " t"]:
    """The rows of children, the most harmful (most negative) effect first."""
    return children[numpy.argsort(values[children], kind="stable")]


def beside_others(score: Float[numpy.ndarray, " n"], rows: Int[numpy.ndarray, " t"], *, among: numpy.ndarray) -> float:
    """How many times as large the least of these rows' scores is as the largest of all rows but `among`."""
    return float(score[rows].min() / numpy.delete(score, among).max())
