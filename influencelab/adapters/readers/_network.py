"""What both networks have in common: Σ sᵢ ℓᵢ / Σs + ½ alpha ‖W‖² / Σs, biases free; of each batch, if there are any."""

from typing import Any

import numpy

from influencelab.adapters.reading import MEAN, TOTAL, Reading
from influencelab.data.dataset import Dataset
from influencelab.models.loss import OutputLoss
from influencelab.models.tasks.feed_forward import FeedForward

# Share of √J that Newton's decrement may have: L-BFGS, which ends where J stands still, left up to 3e-3.
LEFT = 5e-3


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    if estimator.early_stopping and estimator.solver != "lbfgs":
        return "early_stopping=True keeps points out of the fit. Take early_stopping=False"
    if getattr(estimator, "n_outputs_", 1) > 1 and getattr(estimator, "out_activation_", "softmax") != "softmax":
        return "it has several targets, or a point several labels. Fit one model a target"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray, loss: OutputLoss) -> Reading:
    """'lbfgs' holds the whole penalty; in batches that beside the mean loss over one of them is held."""
    alpha, count = float(estimator.alpha), data.n
    size = count if estimator.solver == "lbfgs" else batch(estimator, count)
    # The mean over batches of one over the weights in each.
    sizes = numpy.diff([*range(0, count, size), count])
    decay = alpha * float((1 / sizes).mean()) * count / float(weights.sum())
    hidden = numpy.atleast_1d(estimator.hidden_layer_sizes)
    task = FeedForward(decay, tuple(int(each) for each in hidden), estimator.activation, loss)
    layers = zip(estimator.coefs_, estimator.intercepts_, strict=True)
    matrices = [numpy.column_stack([matrix.T, offsets]).ravel() for matrix, offsets in layers]
    theta = numpy.concatenate(matrices).astype(numpy.float64)
    return Reading(task, theta, MEAN if alpha and size < count else TOTAL, share=LEFT)


def batch(estimator: Any, count: int) -> int:
    """Points in a batch."""
    return min(200 if estimator.batch_size == "auto" else int(estimator.batch_size), count)
