"""What each perturbation trains on, and what it refuses."""

from pathlib import Path

import jaxtyping
import pytest
import torch
from perturbed import EXAMPLES, ROWS, examples
from problems import logistic_problem, minimum, ridge_problem

from influencelab import names
from influencelab.data.perturbation import Perturbation
from influencelab.data.perturbations.feature_move import FeatureMove
from influencelab.data.perturbations.penalty_change import PenaltyChange
from influencelab.data.perturbations.replacement import Replacement
from influencelab.data.removals import groups, leave_one_out
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.rerun import Rerun
from influencelab.influence.retrainers.second_order import SecondOrder


@pytest.fixture
def as_a_user_meets_it(monkeypatch):
    """Shapes are checked in tests only; here the library must refuse them itself."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def fitted():
    return minimum(logistic_problem, n=100, m=4)


def test_every_kind_has_an_example_or_a_test_file_of_its_own():
    own = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert set(EXAMPLES) == set(examples(fitted().data))
    assert set(names(Perturbation)) - own <= set(EXAMPLES) <= set(names(Perturbation))


@pytest.mark.parametrize("kind", EXAMPLES)
def test_any_slice_of_the_experiments_is_that_part_of_all(kind):
    at = fitted()
    perturbation = examples(at.data)[kind]
    whole = perturbation.experiments(at, slice(0, perturbation.count))
    part = perturbation.experiments(at, slice(1, 3))
    assert part.weight_decay == whole.weight_decay[1:3]
    assert torch.equal(part.removed, whole.removed[1:3])
    assert torch.equal(part.weights[:, :100], whole.weights[1:3, :100])
    assert part.weights.shape[1] == part.data.n == 100 + len(part.places)
    assert torch.allclose(part.weights.sum(1), whole.weights[1:3].sum(1))


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_a_replacement_hands_its_share_of_the_weight_to_the_new_point(share):
    at = fitted()
    x, y = at.data.x_train[:2] + 1, at.data.y_train[:2]
    found = Replacement(points=torch.tensor([5, 9]), x=x, y=y, n=100, share=share).experiments(at, slice(0, 2))
    wanted = at.weights.repeat(2, 1)
    wanted[0, 5] = wanted[1, 9] = (1 - share) / 100
    assert torch.allclose(found.weights[:, :100], wanted)
    assert torch.allclose(found.weights[:, 100:], share / 100 * torch.eye(2, dtype=torch.float64))
    assert torch.equal(found.data.x_train[100:], x)
    assert found.places.tolist() == [5, 9]


def test_the_one_point_that_changes_is_known_and_groups_have_none():
    at = fitted()
    rows = torch.tensor([0, 0, 1, 2, 2, 3, 3, 3])
    moves = torch.zeros_like(at.data.x_train[ROWS])
    assert FeatureMove(points=ROWS, moves=moves, n=100, rows=rows).changed.tolist() == [-1, 21, -1, -1]
    assert FeatureMove(points=ROWS, moves=moves, n=100).changed.tolist() == ROWS.tolist()
    assert PenaltyChange((0.1, 0.2)).changed.tolist() == [-1, -1]
    assert leave_one_out(100, rows=ROWS).changed.tolist() == ROWS.tolist()
    assert groups(100, members=[[1, 2], [3]]).changed.tolist() == [-1, -1]


X, Y = torch.zeros(2, 4, dtype=torch.float64), torch.zeros(2, dtype=torch.int64)
TWO = torch.tensor([3, 4])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Replacement(points=TWO, x=X[:1], y=Y, n=100), "2 points, 1 features and 2 labels"),
        (lambda: Replacement(points=TWO, x=X, y=Y, n=100, share=0.0), "share is 0.0, expected a number above 0"),
        (lambda: Replacement(points=TWO + 97, x=X, y=Y, n=100), "from 100 to 101, expected 0 … 99"),
        (lambda: Replacement(points=TWO, x=X, y=Y, n=100, rows=TWO[:1]), "1 rows and 2 points"),
        (lambda: Replacement(points=TWO[[0, 0]], x=X, y=Y, n=100, rows=TWO[[0, 0]]), "changes a point twice"),
        (lambda: Replacement(points=TWO[:0], x=X[:0], y=Y[:0], n=100), "no experiment"),
        (lambda: FeatureMove(points=TWO, moves=X[:1], n=100), "2 points and 1 moves"),
        (lambda: PenaltyChange(()), "expected finite numbers, at least one"),
        (lambda: PenaltyChange((float("nan"),)), "expected finite numbers"),
    ],
)
def test_impossible_perturbations_are_refused(make, message, as_a_user_meets_it):  # noqa: ARG001
    with pytest.raises(InvalidParameter, match=message):
        make()


@pytest.mark.parametrize(
    ("perturbation", "error", "message"),
    [
        (Replacement(points=TWO, x=X, y=Y, n=90), InvalidParameter, "made for 90 training points and the fit has 100"),
        (Replacement(points=TWO, x=X, y=Y + 3, n=100), InvalidData, "labels go from 3 to 3, expected 0 … 2"),
        (Replacement(points=TWO, x=X / 0, y=Y, n=100), InvalidData, "NaN or infinite features"),
        (Replacement(points=TWO, x=X[:, :3], y=Y, n=100), InvalidData, "Give both the same features"),
        (FeatureMove(points=TWO, moves=X, n=99), InvalidParameter, "made for 99 training points"),
        (FeatureMove(points=TWO, moves=X[:, :3], n=100), InvalidParameter, "give moves of the shape of the features"),
        (FeatureMove(points=TWO, moves=X / 0, n=100), InvalidData, "NaN or infinite features"),
        (PenaltyChange((0.1, -0.02)), InvalidParameter, "negative weight decay; the fit has 0.01.*at least -0.01"),
    ],
)
def test_what_does_not_suit_the_fit_is_refused_by_predictions_and_retraining_alike(
    perturbation,
    error,
    message,
    as_a_user_meets_it,  # noqa: ARG001
):
    at = fitted()
    estimate = Exact().estimate(at)
    for ask in (
        estimate.predict,
        estimate.sensitivity.predict,
        lambda asked: SecondOrder().retrain(at, asked),
        lambda asked: Rerun().retrain(at, asked),
    ):
        with pytest.raises(error, match=message):
            ask(perturbation)


def test_real_targets_may_be_replaced_by_any_number():
    at = minimum(ridge_problem, n=100, m=4)
    found = Replacement.relabel(at.data, TWO, at.data.y_train[TWO] - 2.5)
    assert torch.equal(found.x, at.data.x_train[TWO])
    assert Exact().estimate(at).predict(found).abs().min() > 0
