"""Input that no honest study can use is refused by a typed error that names the thing and the cure."""

import warnings
from dataclasses import replace

import jaxtyping
import pytest
import torch
from problems import class_data, logistic_problem, minimum, mlp_problem, ridge_problem, value_data

from influencelab import make, names
from influencelab.data.dataset import Dataset
from influencelab.errors import (
    InfluenceLabError,
    InvalidData,
    InvalidParameter,
    InvalidWeights,
    LostDigits,
    NotConverged,
    NotFinite,
    NullSpaceMass,
)
from influencelab.influence.estimator import Estimator
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.mlp import MLP
from influencelab.models.tasks.ridge import Ridge
from influencelab.models.tasks.smooth_hinge import SmoothHinge
from influencelab.training.fit import fit
from influencelab.training.trainer import Trainer
from influencelab.training.trainers.lbfgs import LBFGS
from influencelab.training.trainers.newton import Newton

CLASSES, VALUES = class_data(0, n=12, m=3), value_data(0, n=12, m=3)
TASKS_FOR_OTHERS = [
    (Logistic(0.1), VALUES),
    (BinaryLogistic(0.1), CLASSES),
    (Ridge(0.1), CLASSES),
    (MLP(0.1, regression=True), CLASSES),
]
SOLVERS = ("exact", "conjugate_gradient", "lissa", "newton_step")


@pytest.fixture(autouse=True)
def as_users_run_it(monkeypatch):
    """Without the shape checks of the tests, so that what a user meets is the library's own refusal."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def spoiled(data: Dataset, field: str, row: int, value) -> Dataset:
    """The same data with one value changed."""
    changed = getattr(data, field).clone()
    changed[row] = value
    return replace(data, **{field: changed})


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_features_that_are_not_finite_are_named_by_row_and_id(part, value):
    with pytest.raises(InvalidData, match=rf"the {part} set has 1 points with NaN .*row 2 .*Impute or drop"):
        spoiled(CLASSES, f"x_{part}", 2, value)


@pytest.mark.parametrize("part", ["train", "test"])
def test_targets_that_are_not_finite_are_refused(part):
    with pytest.raises(InvalidData, match=rf"some {part} targets are NaN or infinite. Drop those points"):
        spoiled(VALUES, f"y_{part}", 1, float("nan"))


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize(("label", "seen"), [(3, ". to 3"), (-1, "-1 to")])
def test_labels_outside_the_classes_are_refused(part, label, seen):
    with pytest.raises(InvalidData, match=rf"{part} labels go from {seen}.*expected 0 … 2. Renumber the labels"):
        spoiled(CLASSES, f"y_{part}", 0, label)


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_empty_part_is_refused(part):
    nothing = {f"{name}_{part}": getattr(CLASSES, f"{name}_{part}")[:0] for name in ("x", "y")}
    nothing[f"{part}_ids"] = getattr(CLASSES, f"{part}_ids")[:0]
    with pytest.raises(InvalidData, match=rf"the {part} set is empty.*Give at least one point"):
        replace(CLASSES, **nothing)


@pytest.mark.parametrize("field", ["x_train", "y_train", "train_ids", "x_test", "y_test", "test_ids"])
def test_parts_of_unequal_length_are_refused(field):
    with pytest.raises(InvalidData, match="Give one label and one id per point"):
        replace(CLASSES, **{field: getattr(CLASSES, field)[1:]})


@pytest.mark.parametrize("field", ["y_train", "y_test"])
@pytest.mark.parametrize("data", [CLASSES, VALUES], ids=["classes", "targets"])
def test_a_column_of_labels_is_refused_before_it_is_broadcast(data, field):
    with pytest.raises(InvalidData, match="each as a flat row"):
        replace(data, **{field: getattr(data, field)[:, None]})


def test_features_of_whole_numbers_or_of_two_kinds_are_refused():
    with pytest.raises(InvalidData, match=r"a training point is \(4,\) of torch.float64, a test point \(3,\)"):
        replace(CLASSES, x_test=CLASSES.x_test[:, 1:])
    with pytest.raises(InvalidData, match=r"Give both the same features and dtype"):
        replace(CLASSES, x_test=CLASSES.x_test.float())


@pytest.mark.parametrize(
    ("task", "data"),
    [
        (Logistic(0.1), VALUES),
        (BinaryLogistic(0.1), CLASSES),
        (SmoothHinge(0.1), CLASSES),
        (SmoothHinge(0.1), VALUES),
        (Ridge(0.1), CLASSES),
        (MLP(0.1, regression=True), CLASSES),
    ],
)
def test_a_task_for_other_labels_is_refused_by_the_fit(task, data):
    with pytest.raises(InvalidData, match=r"classes; .* needs"):
        fit(task, data, Newton())


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (torch.full((11,), 0.1), r"shape \(11,\), expected \(12,\): one a training point"),
        (torch.full((12, 1), 0.1), r"shape \(12, 1\), expected \(12,\)"),
        (torch.tensor([0.1] * 11 + [-0.1]), r"1 weights are negative or not finite, the first at row 11: use ≥ 0"),
        (torch.tensor([float("nan")] + [0.1] * 11), r"1 weights are negative or not finite, the first at row 0"),
        (torch.tensor([float("inf")] * 2 + [0.1] * 10), r"2 weights are negative or not finite, the first at row 0"),
        (torch.zeros(12), r"all weights are 0: there is nothing to train on"),
    ],
)
def test_weights_that_cannot_be_are_refused(weights, message):
    with pytest.raises(InvalidWeights, match=message):
        fit(Logistic(0.1), CLASSES, Newton(), weights=weights)


@pytest.mark.parametrize("damping", [-1e-12, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("kind", SOLVERS)
def test_what_is_no_damping_is_refused(kind, damping):
    with pytest.raises(InvalidParameter, match=r"damping is .* expected a finite number ≥ 0"):
        make(Estimator, kind, damping=damping).estimate(minimum(logistic_problem))


@pytest.mark.parametrize("weight_decay", [-0.1, float("nan"), float("inf")])
@pytest.mark.parametrize("task", [Logistic, BinaryLogistic, Ridge, MLP, SmoothHinge])
def test_a_weight_decay_that_cannot_be_is_refused(task, weight_decay):
    with pytest.raises(InvalidParameter, match=r"weight_decay is .*, expected a finite number ≥ 0"):
        task(weight_decay=weight_decay)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"depth": -1}, "depth is -1"),
        ({"width": 0}, "width 0"),
        ({"activation": "sine"}, "activation is 'sine', expected one of tanh, softplus"),
        ({"init": "zeros"}, "init is 'zeros', expected one of lecun, he, glorot"),
    ],
)
def test_a_network_that_cannot_be_is_refused(settings, message):
    with pytest.raises(InvalidParameter, match=message):
        MLP(0.1, **settings)


@pytest.mark.parametrize("t", [-0.001, float("nan"), float("inf"), 1e-200])
def test_a_bend_that_cannot_be_is_refused(t):
    with pytest.raises(InvalidParameter, match=r"t is .*, expected 0 \(the true hinge\) or a finite number"):
        SmoothHinge(0.1, t=t)


@pytest.mark.parametrize("trainer", names(Trainer))
def test_a_gradient_that_is_not_finite_at_the_start_stops_every_trainer(trainer):
    huge = replace(VALUES, x_train=VALUES.x_train * 1e200, y_train=VALUES.y_train * 1e200)
    with pytest.raises(
        NotFinite, match=r"The gradient .* NaN or infinite at the start of training\. Scale the features"
    ):
        fit(Ridge(0.1), huge, make(Trainer, trainer))


@pytest.mark.parametrize("trainer", names(Trainer))
def test_a_gradient_that_is_not_finite_at_a_random_start_stops_too(trainer):
    data = replace(CLASSES, x_train=CLASSES.x_train * 1e307)
    with pytest.raises(NotFinite, match="NaN or infinite"):
        fit(MLP(0.1, activation="softplus"), data, make(Trainer, trainer))


@pytest.mark.parametrize("kind", SOLVERS)
def test_a_gradient_with_mass_in_the_null_space_is_refused_and_damping_is_a_cure(kind):
    task, data = ridge_problem(n=5, features=8, weight_decay=0.0)
    fitted = fit(task, data, Newton(tolerance=1e-10))
    with pytest.raises(NullSpaceMass, match=r"no finite influence exists. Add damping or weight decay"):
        make(Estimator, kind).estimate(fitted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LostDigits)  # the model meets every target: what is left of them is rounding
        assert make(Estimator, kind, damping=1e-3).estimate(fitted).values.isfinite().all()


@pytest.mark.parametrize("kind", SOLVERS)
def test_a_null_direction_by_itself_is_legal(kind):
    fitted = minimum(logistic_problem)
    assert make(Estimator, kind).estimate(fitted).residual.max() < 1e-6


@pytest.mark.parametrize("build", [logistic_problem, mlp_problem])
@pytest.mark.parametrize("kind", SOLVERS)
def test_an_unconverged_fit_is_refused_with_its_gradient_and_three_cures(kind, build):
    task, data = build()
    rough = fit(task, data, Newton(tolerance=1e-10, max_steps=1))
    message = r"‖∇J‖ = \d.*above 1.0e-10.*Train longer, with more than max_steps=1.*allow_unconverged=True"
    with pytest.raises(NotConverged, match=message):
        make(Estimator, kind).estimate(rough)


def test_a_fit_short_of_its_minimum_is_sent_to_what_would_bring_it_there():
    task, data = logistic_problem()
    narrow = replace(data, x_train=data.x_train.float(), x_test=data.x_test.float())
    for trainer, on, cure in (
        (LBFGS(max_steps=1), data, "follow with the 'newton' trainer"),
        (Newton(tolerance=1e-12, max_steps=50), narrow, r"as far as float32 goes: give features in float64"),
        (Newton(tolerance=1e-30, max_steps=50), data, "scale the features"),
    ):
        with pytest.raises(NotConverged, match=cure) as caught:
            make(Estimator, "exact").estimate(fit(task, on, trainer))
        assert ("newton' trainer" in str(caught.value)) == isinstance(trainer, LBFGS)


@pytest.mark.parametrize("task", [Logistic(0.1), BinaryLogistic(0.1), SmoothHinge(0.1), MLP(0.1)])
def test_classes_given_as_real_numbers_are_named_as_what_they_are(task):
    data = replace(CLASSES, classes=0, y_train=(CLASSES.y_train > 0).double(), y_test=(CLASSES.y_test > 0).double())
    with pytest.raises(InvalidData, match=r"real numbers as labels.*0\.0 to 1\.0, are all whole.*as integers"):
        fit(task, data, Newton())
    with pytest.raises(InvalidData, match=r"real numbers as labels.*il\.Ridge"):
        fit(task, VALUES, Newton())


def test_every_refusal_is_of_one_family_and_of_the_built_in_error_it_is_like():
    for error, built_in in (
        (InvalidData, ValueError),
        (InvalidWeights, ValueError),
        (InvalidParameter, ValueError),
        (NotConverged, ArithmeticError),
        (NotFinite, ArithmeticError),
        (NullSpaceMass, ArithmeticError),
    ):
        assert issubclass(error, InfluenceLabError)
        assert issubclass(error, built_in)
