"""Estimators that are wrong on purpose, each by one mistake that a published library or paper made or could make.

Each takes a fit, and gives an estimate that claims to be the influence of dropping a point, with the damping it says.
Its docstring says what is wrong with it, as a person reads it whose own estimator makes the same mistake.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from influencelab.influence.curvature import Curvature
from influencelab.influence.estimator import Estimate, Estimator
from influencelab.influence.estimators.exact import Exact
from influencelab.models import derivatives
from influencelab.training.fit import Fit


@dataclass(frozen=True)
class Impostor(Estimator):
    """Right in form, wrong in content."""

    mistake: str = ""

    def estimate(self, fit: Fit) -> Estimate:
        """The estimate with the mistake in it."""
        return IMPOSTORS[self.mistake](fit)


def right(fit: Fit, *, damping: float = 0.0) -> Estimate:
    """No mistake."""
    return Exact(damping=damping).estimate(fit)


def right_slopes(fit: Fit) -> torch.Tensor:
    """∂L_j/∂wᵢ without a mistake (n m)."""
    slopes = right(fit).slopes
    assert slopes is not None, "The exact inverse gives slopes of every fit."
    return slopes


def claimed(fit: Fit, slopes: torch.Tensor, *, damping: float = 0.0) -> Estimate:
    """Slopes passed off as an estimate."""
    honest = right(fit, damping=damping)
    return replace(honest, slopes=slopes, values=-fit.weights[:, None] * slopes)


def solved_by(fit: Fit, inverse: torch.Tensor, *, damping: float = 0.0) -> Estimate:
    """Influence by some other matrix in place of (C + damping I)⁻¹."""
    pulls = derivatives.measure_gradients(fit.task, fit.data, fit.theta)
    slopes = -derivatives.point_slopes(fit.task, fit.data, fit.theta, pulls @ inverse)
    return claimed(fit, slopes, damping=damping)


def penalty(fit: Fit) -> torch.Tensor:
    """The weight decay of each parameter."""
    return fit.task.weight_decay * fit.task.penalised(fit.data).to(fit.theta)


def flipped_sign(fit: Fit) -> Estimate:
    """Values are negative influences: the sign is turned, and harmful points are called helpful."""
    return claimed(fit, -right_slopes(fit))


def forgotten_one_over_n(fit: Fit) -> Estimate:
    """Values are n times too large: the weight 1/n of a training point is missing."""
    return claimed(fit, fit.data.n * right_slopes(fit))


def divided_twice(fit: Fit) -> Estimate:
    """Values are n times too small: the mean over training points is taken twice."""
    return claimed(fit, right_slopes(fit) / fit.data.n)


def size_lost(fit: Fit) -> Estimate:
    """Values are absolute influences: whether a point helps or harms is lost."""
    return claimed(fit, right_slopes(fit).abs())


def no_curvature(fit: Fit) -> Estimate:
    """Values are products of gradients: the curvature is left out, as by a recursion that never advances."""
    return solved_by(fit, torch.eye(len(fit.theta), dtype=torch.float64))


def no_curvature_well_scaled(fit: Fit) -> Estimate:
    """Values are products of gradients at a size that suits the truth: the curvature is left out."""
    truth, flat = right_slopes(fit), no_curvature(fit).values / -fit.weights[:, None]
    return claimed(fit, flat * (truth * flat).sum() / flat.square().sum())


def curvature_of_the_diagonal(fit: Fit) -> Estimate:
    """Only the diagonal of the curvature is inverted, as if parameters did not depend on each other."""
    return solved_by(fit, torch.diag(1 / Curvature(fit).dense().diagonal()))


def regulariser_left_out_of_curvature(fit: Fit) -> Estimate:
    """The penalty is left out of the curvature: trained with weight decay, inverted without it."""
    bare = Curvature(fit).dense() - torch.diag(penalty(fit))
    return solved_by(fit, torch.linalg.pinv(bare, hermitian=True, rtol=1e-10))


def regulariser_counted_twice(fit: Fit) -> Estimate:
    """The penalty is counted twice: in the objective, and again as damping that is not mentioned."""
    return solved_by(fit, Curvature(fit, damping=fit.task.weight_decay).inverse())


def regulariser_in_point_gradients(fit: Fit) -> Estimate:
    """The penalty is in each point's gradient: what renormalised weights would give, called a drop."""
    pulls = derivatives.measure_gradients(fit.task, fit.data, fit.theta)
    shared = -(Curvature(fit).inverse() @ pulls.T).T @ (penalty(fit) * fit.theta)
    return claimed(fit, right_slopes(fit) + shared)


def inverses_summed_over_batches(fit: Fit, *, batches: int = 4) -> Estimate:
    """Inverses of the curvature of each batch are added: the inverse of a sum is not the sum of inverses."""
    total = torch.zeros_like(Curvature(fit).dense())
    for rows in torch.arange(fit.data.n).chunk(batches):
        weights = torch.zeros_like(fit.weights).index_fill_(0, rows, 1 / len(rows))
        one = derivatives.hessians(fit.task, fit.data, fit.theta[None], weights[None])[0]
        total += torch.linalg.pinv(one, hermitian=True, rtol=1e-10)
    return solved_by(fit, total)


def offset_added(fit: Fit) -> Estimate:
    """A constant is added to all values, as by another convention of removals: order and slope do not show it."""
    slopes = right_slopes(fit)
    return claimed(fit, slopes + slopes.abs().max())


def shifted_rows(fit: Fit) -> Estimate:
    """Rows are shifted: each training point bears the score of the one before it."""
    return claimed(fit, right_slopes(fit).roll(1, 0))


def shifted_columns(fit: Fit) -> Estimate:
    """Columns are shifted: each test point bears the scores of the one before it."""
    return claimed(fit, right_slopes(fit).roll(1, 1))


def transposed_classes(fit: Fit) -> Estimate:
    """Classes and features are transposed: gradients are flattened by one, the curvature by the other."""
    pulls = derivatives.measure_gradients(fit.task, fit.data, fit.theta)
    outputs = fit.task.output_loss.size(fit.data)
    mixed = pulls.unflatten(1, (outputs, -1)).mT.flatten(1)
    slopes = -derivatives.point_slopes(fit.task, fit.data, fit.theta, mixed @ Curvature(fit).inverse())
    return claimed(fit, slopes)


def label_of_the_test_ignored(fit: Fit) -> Estimate:
    """Labels of test points are ignored: gradients are those at the most likely class."""
    outputs = fit.task.outputs(fit.theta, fit.data.x_test)
    guessed = outputs.argmax(0) if len(outputs) > 1 else (outputs[0] > 0).long()
    guessed = outputs[0].detach() + 1 if fit.data.classes == 0 else guessed
    return claimed(fit, right_slopes(replace(fit, data=replace(fit.data, y_test=guessed))))


def damping_times_scale(fit: Fit, *, damping: float = 0.05, scale: float = 10.0) -> Estimate:
    """Damping is multiplied by a scale, as in LiSSA as first published, and is not the damping that it says."""
    return solved_by(fit, Curvature(fit, damping=damping * scale).inverse(), damping=damping)


def damping_of_the_sum(fit: Fit, *, damping: float = 0.05) -> Estimate:
    """Damping is added to a curvature that was summed, not averaged, over the points."""
    return solved_by(fit, Curvature(fit, damping=damping / fit.data.n).inverse(), damping=damping)


def second_damping_ignored(fit: Fit, *, damping: float = 0.05) -> Estimate:
    """The damping that it says is ignored: a cached inverse served for another damping."""
    return solved_by(fit, Curvature(fit).inverse(), damping=damping)


IMPOSTORS: dict[str, Callable[[Fit], Estimate]] = {
    make.__name__: make
    for make in (
        flipped_sign,
        forgotten_one_over_n,
        divided_twice,
        size_lost,
        no_curvature,
        no_curvature_well_scaled,
        curvature_of_the_diagonal,
        regulariser_left_out_of_curvature,
        regulariser_counted_twice,
        regulariser_in_point_gradients,
        inverses_summed_over_batches,
        offset_added,
        shifted_rows,
        shifted_columns,
        transposed_classes,
        label_of_the_test_ignored,
        damping_times_scale,
        damping_of_the_sum,
        second_damping_ignored,
    )
}
# Mistakes that only a task of several outputs can show.
NEED_CLASSES = ("transposed_classes",)
