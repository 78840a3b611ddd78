"""The two models, the test points that both leave in doubt, and what each says of every training picture."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy
import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidParameter
from influencelab.influence.estimator import Estimate
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.newton_step import NewtonStep
from influencelab.influence.retrainer import Retrained
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.influence.table import array
from influencelab.models.losses.hinge import margins
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.studies.similarity.claims import DEEP, KERNEL
from influencelab.studies.similarity.pictures import Pictures, of_tests
from influencelab.training.fit import Fit, fit, fit_from
from influencelab.training.trainers.newton import Newton

# The published machine of 1,800 pictures at weight decay 0.001 gives no picture a weight above this (C of a SVM).
PUBLISHED_C = 1 / (1800 * 0.001)
# The bend of the published hinge, and those that lead there from a smoother one.
T, PATH = 0.001, (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)


@dataclass(frozen=True, eq=False)
class Model:
    """One model with what is predicted of it.

    Attributes:
        name: `kernel machine` or `deep features`.
        fit: at its minimum, watching the test points in doubt.
        influence: by the exact curvature.
        newton: one Newton step without each training point.
        accuracy: shares of the training and of all test points whose class it gives.
    """

    name: str
    fit: Fit
    influence: Estimate
    newton: Estimate
    accuracy: tuple[float, float]

    @property
    def values(self) -> Float[numpy.ndarray, "n m"]:
        """The predicted rise of each test point's loss without each training point, in the unit of its loss."""
        return array(self.influence.values)


def models(given: Pictures, *, weight_decay: float, tests: int) -> tuple[Pictures, dict[str, Model]]:
    """Both models, and the pictures with the test points that they watch.

    These are as many of each class as are nearest to the border of the deep model, where losses are no rounding, among
    those on which the kernel machine has a margin below 1, beyond which the hinge is flat. The weight decay is the
    deep model's; the kernel machine's is the published one at 1,800 pictures, and at other numbers
    that of the same C.
    """
    n = given.pixels.n
    fits = {
        KERNEL: machine(given.kernel, weight_decay=1 / (n * PUBLISHED_C)),
        DEEP: fit(BinaryLogistic(weight_decay=weight_decay), given.features, Newton()),
    }
    rows, found = in_doubt(fits[DEEP], fits[KERNEL], tests=tests), {}
    for name, whole in fits.items():
        own = replace(whole, data=of_tests(whole.data, rows))
        found[name] = Model(name, own, Exact().estimate(own), NewtonStep().estimate(own), whole.accuracy())
    return given.watching(rows), found


def machine(data: Dataset, *, weight_decay: float) -> Fit:
    """The support vector machine, trained with ever sharper hinges down to the published one."""
    trainer = Newton(tolerance=1e-9)
    tasks = [SmoothHinge(weight_decay, t=t) for t in PATH]
    made = fit(tasks[0], data, trainer)
    for task in tasks[1:]:
        trained = trainer.train(task, data, made.theta[None], made.weights[None])
        made = fit_from(trained, task=task, data=data, trainer=trainer, weights=made.weights)
    return made


def in_doubt(deep: Fit, kernel: Fit, *, tests: int) -> Int[Tensor, " m"]:
    """Test rows of the smallest |log-odds| among those the hinge is not flat on, half of each class, class 0 first.

    Raises:
        InvalidParameter: a class has fewer of these.
    """
    data, rows = deep.data, []
    size = deep.task.outputs(deep.theta, data.x_test)[0].abs()
    watched = margins(kernel.task.outputs(kernel.theta, kernel.data.x_test), data.y_test) < 1
    for label, count in enumerate((tests - tests // 2, tests // 2)):
        own = ((data.y_test == label) & watched).nonzero()[:, 0]
        if len(own) < count:
            raise InvalidParameter(
                f"tests is {tests}, but there are {len(own)} test pictures of class {label} on which the hinge is not "
                "flat. Ask for fewer, or for more test pictures."
            )
        rows.append(own[size[own].argsort(stable=True)[:count]])
    return torch.cat(rows)


def removed(model: Model, *, count: int, seed: int) -> dict[str, Int[numpy.ndarray, " t"]]:
    """Training rows to leave out: those of the largest mean |influence|, and as many others at random."""
    order = numpy.argsort(-numpy.abs(model.values).mean(1), kind="stable")
    top, rest = order[:count], order[count:]
    drawn = numpy.random.default_rng(seed).choice(rest, size=min(count, len(rest)), replace=False)
    return {"top": numpy.sort(top), "random_points": numpy.sort(drawn)}


Rows = Mapping[str, Int[numpy.ndarray, " t"]]


def retrained(model: Model, rows: Rows) -> Retrained:
    """The truth: the model trained again to its minimum without each of these pictures."""
    every = torch.from_numpy(numpy.concatenate(list(rows.values())))
    return SecondOrder().retrain(model.fit, leave_one_out(model.fit.data.n, rows=every))


def every_retrained(found: Mapping[str, Model], rows: Mapping[str, Rows], *, workers: int) -> dict[str, Retrained]:
    """The truth of each model, so many at once; 0 for all."""
    with ThreadPoolExecutor(workers or len(found)) as pool:
        return dict(zip(found, pool.map(lambda name: retrained(found[name], rows[name]), found), strict=True))
