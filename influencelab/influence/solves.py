"""How long systems take where a curvature is known by its products alone."""

from influencelab.data.sparse_rows import SparseRows, row_size
from influencelab.training.fit import Fit

# Floating-point operations a second that one core does of such products, and seconds that are announced.
SPEED, LONG = 2e10, 10.0
# Products that one solution takes by conjugate gradients, and what each takes beside them for each parameter.
SOLVES, COLUMNS = 20.0, 800.0
# How many times longer an operation takes where features are sparse.
SPARSE = 20.0


def seconds_of(fit: Fit, points: int) -> float:
    """About how many seconds on one core it takes to solve for each output of so many points of a linear model."""
    outputs, p = fit.task.output_loss.size(fit.data), len(fit.theta)
    row = row_size(fit.data.x_train, dense=p) * (SPARSE if isinstance(fit.data.x_train, SparseRows) else 1.0)
    return outputs * points * SOLVES * (4.0 * fit.data.n * outputs * row + COLUMNS * p) / SPEED
