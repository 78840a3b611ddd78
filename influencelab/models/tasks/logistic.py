"""Multinomial logistic regression: one output a class, softmax, cross-entropy."""

from dataclasses import dataclass

from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.task import LinearTask


@dataclass(frozen=True)
class Logistic(LinearTask):
    """c rows of weights, of which only differences matter: unpenalised intercepts have one null direction.

    Koh & Liang (2017) use `Logistic(weight_decay=0.01, intercept=False)`. scikit-learn's
    `LogisticRegression(C)` on n points of more than two classes is `Logistic(weight_decay=1 / (C * n))`.

    Of two classes scikit-learn's is `BinaryLogistic(weight_decay=1 / (C * n))`: the two rows here are ±θ/2, whose
    penalty is half as large, so that `Logistic(weight_decay=2 * a)` is the same model as `BinaryLogistic(a)`.
    """

    def remark(self, data: Dataset) -> str:
        """Of two classes, which other task they usually mean."""
        if data.classes != 2:
            return ""
        return f" (as BinaryLogistic, and scikit-learn, with {self.weight_decay / 2:g})"

    @property
    def output_loss(self) -> OutputLoss:
        """Cross-entropy after a softmax."""
        return CrossEntropy()
