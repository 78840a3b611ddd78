"""Multinomial logistic regression: one output a class, softmax, cross-entropy."""

from dataclasses import dataclass

from influencelab.models.loss import OutputLoss
from influencelab.models.losses.cross_entropy import CrossEntropy
from influencelab.models.task import LinearTask


@dataclass(frozen=True)
class Logistic(LinearTask):
    """c rows of weights, of which only differences matter: unpenalised intercepts have one null direction.

    Koh & Liang (2017) use `Logistic(weight_decay=0.01, intercept=False)`. scikit-learn's
    `LogisticRegression(C)` on n points of more than two classes is `Logistic(weight_decay=1 / (C * n))`.
    """

    @property
    def output_loss(self) -> OutputLoss:
        """Cross-entropy after a softmax."""
        return CrossEntropy()
