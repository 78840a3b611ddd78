"""Finitely many features of a Gaussian kernel on another source, for linear models on top of them."""

from dataclasses import dataclass, field

import numpy
from jaxtyping import Float
from sklearn.metrics.pairwise import rbf_kernel

from influencelab.data.arrays import Arrays
from influencelab.data.source import Source
from influencelab.data.sources.iris import Iris
from influencelab.errors import InvalidParameter

# Directions whose share of the largest eigenvalue is smaller are rounding.
ROUNDING = 1e-12


@dataclass(frozen=True)
class RbfKernel(Source):
    """Features whose products are k(x, x′) = exp(−gamma ‖x − x′‖²) for every pair with a training point.

    With K = V Λ Vᵀ over the training points, these have the features V Λ^½ and a test point k(x, ·) V Λ^−½, at most n
    of them. All training points of the inner source take part, so choose there which and how many.

    Attributes:
        inner: the source of the kernel's points.
        gamma: one over the squared width of the kernel; 0 for one over the number of features times their variance.
    """

    inner: Source = field(default_factory=lambda: Iris(scaling="standard"))
    gamma: float = 0.0

    def arrays(self) -> Arrays:
        """All points of the inner source."""
        if not 0 <= self.gamma < float("inf"):
            raise InvalidParameter(
                f"gamma is {self.gamma}, expected a finite number > 0, or 0 to take it from the data."
            )
        data = self.inner.load()
        train, test = (part.flatten(1).numpy() for part in (data.x_train, data.x_test))
        x, x_test = kernel_features(train, test, gamma=self.gamma or 1 / (train.shape[1] * train.var()))
        return Arrays(
            x,
            data.y_train.numpy(),
            x_test,
            data.y_test.numpy(),
            train_ids=data.train_ids.numpy(),
            test_ids=data.test_ids.numpy(),
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """Those of the inner source."""
        return self.inner.chosen_names

    @property
    def point_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Those of the inner source."""
        return self.inner.point_names


def kernel_features(
    train: Float[numpy.ndarray, "n d"], test: Float[numpy.ndarray, "m d"], *, gamma: float
) -> tuple[Float[numpy.ndarray, "n k"], Float[numpy.ndarray, "m k"]]:
    """Features of both parts, k ≤ n of them, whose products with those of training points are the kernel."""
    values, vectors = numpy.linalg.eigh(rbf_kernel(train, gamma=gamma))
    kept = values > ROUNDING * values[-1]
    root, vectors = numpy.sqrt(values[kept]), vectors[:, kept]
    return vectors * root, rbf_kernel(test, train, gamma=gamma) @ vectors / root
