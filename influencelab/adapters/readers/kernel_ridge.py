"""`KernelRidge`: Σ sᵢ (f(xᵢ) − yᵢ)² + alpha ‖f‖², ridge regression on the features that the points span."""

from typing import Any

import numpy

from influencelab.adapters.kernels import expanded, kernels_of
from influencelab.adapters.reading import Reading
from influencelab.data.dataset import Dataset
from influencelab.models.tasks.ridge import Ridge

# What dual coefficients leave: the system that gives them has the condition of the kernel, and is solved in one step.
SOLVED = 1e-6
# Settings of kernels that have names.
KNOBS = ("gamma", "degree", "coef0")


def refusal(estimator: Any) -> str:
    """Why these settings are not read; '' where they are."""
    found = numpy.asarray(getattr(estimator, "dual_coef_", ()))
    if found.ndim == 2 and found.shape[1] > 1:
        return "it has several targets. Fit one model a target"
    if not numpy.all(numpy.asarray(estimator.alpha) > 0):
        return "without a penalty (alpha=0) it meets every target, and nothing is left to predict. Take alpha > 0"
    return ""


def read(estimator: Any, data: Dataset, weights: numpy.ndarray) -> Reading:
    """The whole penalty stays in a refit: `drop`."""
    named = {name: getattr(estimator, name) for name in KNOBS}
    settings = (estimator.kernel_params or {}) if callable(estimator.kernel) else named
    kernels = kernels_of(estimator, data, anchors=estimator.X_fit_, **settings)
    seen, theta = expanded(data, numpy.asarray(estimator.dual_coef_).reshape(1, -1), kernels, name="KernelRidge")
    task = Ridge(float(numpy.ravel(estimator.alpha)[0]) / float(weights.sum()), intercept=False)
    return Reading(task, theta.ravel(), share=SOLVED, data=seen)
