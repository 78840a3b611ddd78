"""Kernel machines as linear ones: the features that the points handed in span, of which the kernel is the product."""

from dataclasses import replace
from typing import Any

import numpy
import torch

from influencelab.adapters.reading import dense
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData

# Directions whose share of the largest eigenvalue is smaller are rounding; one as far below 0 is none.
ROUNDING = 1e-12
NEGATIVE = 1e-10

Kernels = tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]


def kernels_of(estimator: Any, data: Dataset, *, anchors: Any, rows: Any = slice(None), **settings: Any) -> Kernels:
    """The kernel of training points with each other, of test with training points, of training points with anchors.

    Args:
        anchors: points whose kernels the estimator adds up.
        rows: which training points they are, where the kernel was given and not computed.
        settings: of a kernel that has a name; of one that is a function all that it takes.
    """
    from sklearn.metrics.pairwise import pairwise_kernels

    compute: Any = pairwise_kernels
    train, test = data.x_train.numpy(), data.x_test.numpy()
    metric = estimator.kernel
    if metric == "precomputed":
        return train, test, train[:, rows]
    known = {} if callable(metric) else {"filter_params": True}
    return tuple(  # pyright: ignore[reportReturnType] - three of three
        compute(one, other, metric=metric, **known, **settings)
        for one, other in ((train, train), (test, train), (train, dense(anchors)))
    )


def expanded(data: Dataset, dual: numpy.ndarray, kernels: Kernels, *, name: str) -> tuple[Dataset, numpy.ndarray]:
    """The same points under features with these products, and what the estimator's sum of kernels is there, a row each.

    With K = V Λ Vᵀ over the training points these have the features V Λ^½ and a test point k V Λ^−½, so that the
    squared norm of a function is that of its θ, and the minimum without a point lies in the same space.

    Args:
        dual: the coefficient of each anchor, a row an output.
        name: of the estimator, for errors.

    Raises:
        InvalidData: the kernel has negative eigenvalues, so that nothing is the squared norm.
    """
    gram, test, own = kernels
    values, vectors = numpy.linalg.eigh((gram + gram.T) / 2)
    if not values[0] >= -NEGATIVE * values[-1]:
        raise InvalidData(
            f"The kernel of {name} has the eigenvalue {values[0]:.2g} on X, so that its penalty is no square. Take a "
            "positive one, such as 'rbf', 'laplacian', 'poly' or 'linear'."
        )
    kept = values > ROUNDING * values[-1]
    root, vectors = numpy.sqrt(values[kept]), vectors[:, kept]
    to_features = vectors / root
    train, other = (torch.from_numpy(numpy.ascontiguousarray(each)) for each in (vectors * root, test @ to_features))
    return replace(data, x_train=train, x_test=other, feature_names=()), (dual @ own.T) @ to_features
