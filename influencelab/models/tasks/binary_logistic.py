"""Logistic regression of two classes with one row of weights."""

from dataclasses import dataclass

from influencelab.models.loss import OutputLoss
from influencelab.models.losses.binary_cross_entropy import BinaryCrossEntropy
from influencelab.models.task import LinearTask

LOSS = BinaryCrossEntropy()


@dataclass(frozen=True)
class BinaryLogistic(LinearTask):
    """One output, the log-odds of class 1: half the parameters of the two-class softmax.

    scikit-learn's two-class `LogisticRegression(C)` on n points is `BinaryLogistic(weight_decay=1 / (C * n))`;
    `Logistic` is the same model at twice the weight decay.
    """

    @property
    def output_loss(self) -> OutputLoss:
        """Cross-entropy of the log-odds."""
        return LOSS
