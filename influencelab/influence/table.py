"""Predictions as tables: a row a pair, and the points that matter most to one test point."""

import numpy
import pandas
from jaxtyping import Float
from torch import Tensor

from influencelab.errors import InvalidParameter, whole
from influencelab.training.fit import Fit


def pairs(fit: Fit, values: Float[Tensor, "n m"]) -> pandas.DataFrame:
    """A row for each pair of a training and a test point: ids, labels, and what is predicted."""
    data, (n, m) = fit.data, values.shape
    return pandas.DataFrame(
        {
            "test_id": numpy.tile(array(data.test_ids), n),
            "test_label": numpy.tile(data.shown_labels(data.y_test), n),
            "train_id": numpy.repeat(array(data.train_ids), m),
            "train_label": numpy.repeat(data.shown_labels(data.y_train), m),
            "predicted": array(values).flatten(),
        }
    )


def top(fit: Fit, values: Float[Tensor, "n m"], *, test: int, k: int, unit: str) -> pandas.DataFrame:
    """The k training points that help a test point most, then the k that harm it most, each the largest first."""
    test, k, m = whole(test, what="test"), whole(k, what="k"), values.shape[1]
    if not 0 <= test < m or k < 1:
        raise InvalidParameter(f"test is {test} and k {k}; expected a test point 0 … {m - 1} and k ≥ 1.")
    found, data = array(values[:, test]), fit.data
    order = numpy.argsort(-found, kind="stable")
    helpful, harmful = order[found[order] > 0][:k], order[found[order] < 0][::-1][:k]
    rows = numpy.concatenate([helpful, harmful])
    return pandas.DataFrame(
        {
            "effect": ["helpful"] * len(helpful) + ["harmful"] * len(harmful),
            "train_id": array(data.train_ids)[rows],
            "train_label": data.shown_labels(data.y_train)[rows],
            "predicted": found[rows],
            "unit": unit,
        }
    )


def array(tensor: Tensor) -> numpy.ndarray:
    """The same values as NumPy, on the CPU."""
    return tensor.detach().cpu().numpy()
