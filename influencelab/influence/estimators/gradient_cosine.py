"""The cosine of the angle between training and test gradients."""

import time
from dataclasses import dataclass

import torch

from influencelab.data.sparse_rows import row_size
from influencelab.influence.estimator import Estimate, Estimator, estimate_of
from influencelab.models import derivatives
from influencelab.models.shapes import N
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class GradientCosine(Estimator):
    """∇ℓᵢᵀ ∇L_j / (‖∇ℓᵢ‖ ‖∇L_j‖): 1 for gradients of one direction, −1 for gradients of opposite ones.

    A baseline: unlike the dot product it does not favour points of large loss. 0 where a gradient vanishes. It has no
    unit, makes no claim about minima and takes any fit; `allow_unconverged` has no effect.
    """

    def estimate(self, fit: Fit) -> Estimate:
        """One matrix of slopes, divided by two vectors of lengths."""
        started = time.perf_counter()
        gradients = torch.nn.functional.normalize(fit.measure_gradients(), dim=1, eps=torch.finfo(fit.theta.dtype).tiny)
        values = derivatives.point_slopes(fit.task, fit.data, fit.theta, gradients)
        values /= point_lengths(fit).clamp_min(torch.finfo(values.dtype).tiny)[:, None]
        return estimate_of(self, fit, values, unit="none", started=started)


def point_lengths(fit: Fit) -> N:
    """‖∇ℓᵢ‖ of each training point."""
    task, data = fit.task, fit.data
    chunks = derivatives.chunks(data.n, width=row_size(data.x_train) if task.linear else len(fit.theta))
    return torch.cat([derivatives.point_lengths(task, data, fit.theta, rows) for rows in chunks])
