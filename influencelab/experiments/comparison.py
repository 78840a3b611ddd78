"""Predictions held against truth: the pairs, their table, and every statistic of their agreement."""

from dataclasses import dataclass

import numpy
import pandas
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from influencelab.errors import InvalidData
from influencelab.influence.estimator import Estimate
from influencelab.influence.retrainer import Retrained
from influencelab.recipe import Recipe, kind_name
from influencelab.statistics.bootstrap import Bootstrap, Statistic
from influencelab.statistics.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Comparison(Recipe):
    """Predicted beside actual rise of each test loss, for r removals and m test points.

    Attributes:
        estimator: the kind that predicted.
        unit: of the predictions: `nats`, or `none` for scores that only rank, whose slope means nothing.
        predicted: what it expected each removal to add to each test loss.
        actual: what retraining did add, in nats, the control subtracted.
        counted: which pairs were chosen and have a truth that can be trusted.
        train_ids: where the removed points stand in their source; the number of each experiment that removes a group.
        train_labels: their classes or targets; −1 for groups.
        test_ids: where the test points stand in their source.
        test_labels: their classes or targets.
        classes: how many classes the removed points have; 0 for real targets and for groups.
    """

    estimator: str
    unit: str
    predicted: Float[Tensor, "r m"]
    actual: Float[Tensor, "r m"]
    counted: Bool[Tensor, "r m"]
    train_ids: Int[Tensor, " r"]
    train_labels: Tensor
    test_ids: Int[Tensor, " m"]
    test_labels: Tensor
    classes: int

    def pairs(self) -> Pairs:
        """What statistics are computed from; the test points without a counted pair are left out."""
        columns = self.counted.any(0)
        return Pairs(
            predicted=array(self.predicted[:, columns]),
            actual=array(self.actual[:, columns]),
            counted=array(self.counted[:, columns]),
            labels=array(self.train_labels) if self.classes else None,
        )

    def statistics(self, bootstrap: Bootstrap | None = None) -> dict[str, Statistic]:
        """Pearson, Spearman, Kendall, slope, intercept, sign agreement and more: per test point and over all.

        Raises:
            InvalidData: no pair counts.
        """
        return (bootstrap or Bootstrap()).statistics(self.pairs())

    def table(self) -> pandas.DataFrame:
        """A row for each counted pair: ids, labels, predicted and actual rise of the test loss."""
        rows, columns = self.counted.nonzero(as_tuple=True)
        return pandas.DataFrame(
            {
                "test_id": array(self.test_ids[columns]),
                "test_label": array(self.test_labels[columns]),
                "train_id": array(self.train_ids[rows]),
                "train_label": array(self.train_labels[rows]),
                "predicted": array(self.predicted[rows, columns]),
                "actual": array(self.actual[rows, columns]),
            }
        )


def compare(estimate: Estimate, retrained: Retrained, *, chosen: Bool[Tensor, "r m"] | None = None) -> Comparison:
    """Hold an estimate against the truth of the same fit; experiments that did not converge do not count.

    Args:
        chosen: which pairs are looked at; all by default.

    Raises:
        InvalidData: the two speak of different fits.
        InvalidParameter: the estimator cannot predict this perturbation.
    """
    if estimate.fit is not retrained.fit:
        raise InvalidData(
            "The estimate and the retraining come from different fits: estimate and retrain the same one."
        )
    data, perturbation = estimate.fit.data, retrained.perturbation
    points = perturbation.changed
    if (points >= 0).all():
        labels, ids, classes = data.y_train[points], data.train_ids[points], data.classes
    else:
        # An experiment that changes a group, or no point, is of no one class; its number stands for it.
        labels, ids, classes = torch.full((perturbation.count,), -1), torch.arange(perturbation.count), 0
    everything = torch.ones_like(retrained.values, dtype=torch.bool)
    return Comparison(
        estimator=kind_name(estimate.estimator),
        unit=estimate.unit,
        predicted=estimate.predict(perturbation),
        actual=retrained.values,
        counted=(everything if chosen is None else chosen) & retrained.trusted[:, None],
        train_ids=ids,
        train_labels=labels,
        test_ids=data.test_ids,
        test_labels=data.y_test,
        classes=classes,
    )


def array(tensor: Tensor) -> numpy.ndarray:
    """The same values as NumPy, on the CPU."""
    return tensor.detach().cpu().numpy()
