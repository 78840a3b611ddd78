"""What features add to influence is what formulas give feature by feature, and adds up to the prediction."""

from typing import Any

import jaxtyping
import numpy
import pandas
import pytest
import scipy.sparse
import torch

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, WrongType
from influencelab.explorer.contributions import Contributions
from influencelab.explorer.data import from_bytes
from influencelab.explorer.from_table import from_comparison, from_table

N, M, D, DECAY = 24, 3, 5, 0.05
NAMES = tuple(f"word {place}" for place in range(D))
VALUES = numpy.random.default_rng(1).normal(size=(N + M, D)) * (numpy.random.default_rng(2).random((N + M, D)) < 0.7)
LABELS = (VALUES @ [2, -1, 0.5, 0, 1] + numpy.random.default_rng(3).normal(size=N + M) > 0).astype(int)


@pytest.fixture
def _as_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """What checks types in tests would refuse wrong ones before the library does."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def problem(*, sparse: bool = False, **changes: Any) -> il.Fit:
    """A logistic regression on named features."""
    x = scipy.sparse.csr_matrix(VALUES) if sparse else VALUES
    about = {"feature_names": NAMES, "train_ids": torch.arange(N) + 40, "test_ids": torch.arange(M), "classes": 2}
    data = il.Dataset(x[:N], LABELS[:N], x[N:], LABELS[N:], **about | changes)
    return il.fit(il.BinaryLogistic(weight_decay=DECAY), data, il.Newton())


def formulas(theta: numpy.ndarray, change: numpy.ndarray) -> numpy.ndarray:
    """parts[i, j, f] of feature f, the last the intercept, where ∇J changes by `change` (n d + 1), in plain NumPy."""
    wide = numpy.column_stack([VALUES, numpy.ones(N + M)])
    chance = 1 / (1 + numpy.exp(-wide @ theta))
    bend = (wide[:N] * (chance * (1 - chance))[:N, None]).T @ wide[:N] / N + DECAY * numpy.diag([1.0] * D + [0.0])
    slopes = (chance - LABELS)[N:, None] * wide[N:]
    return -change[:, None] * numpy.linalg.solve(bend, slopes.T).T


def gradients(theta: numpy.ndarray, labels: numpy.ndarray) -> numpy.ndarray:
    """The gradient of each training point's loss with these labels."""
    wide = numpy.column_stack([VALUES, numpy.ones(N + M)])[:N]
    return (1 / (1 + numpy.exp(-wide @ theta)) - labels)[:, None] * wide


def scattered(found: Contributions, kept: int) -> numpy.ndarray:
    """The contributions as a full table (n m d + 1), NaN where they are not kept."""
    every = numpy.full((N, M, D + 1), numpy.nan)
    columns = [[*NAMES, "(intercept)"].index(name) for name in found.names]
    assert found.values.shape[1] == kept
    for q, (train, test) in enumerate(zip(found.train_ids - 40, found.test_ids, strict=True)):
        every[train, test, numpy.array(columns)[found.features[q]]] = found.values[q]
    return every


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("convention", ["drop", "renormalise"])
def test_parts_of_removals_are_those_of_the_formulas_and_the_largest_come_first(sparse: bool, convention: str) -> None:
    fit = problem(sparse=sparse)
    theta = fit.theta.numpy()
    solver = il.ConjugateGradient() if sparse else il.Exact()
    estimate, removals = solver.estimate(fit), il.leave_one_out(N, convention=convention)
    found = il.feature_contributions(estimate, removals, k=3)
    share = 1 / N if convention == "drop" else 1 / N * 1 / (1 - 1 / N)
    expected = formulas(theta, -share * gradients(theta, LABELS[:N]))
    every = scattered(found, 3)
    kept = ~numpy.isnan(every)
    assert every[kept] == pytest.approx(expected[kept], rel=1e-4, abs=1e-9)
    # None that was left out is larger.
    smallest = numpy.nanmin(numpy.abs(every), axis=2, where=kept, initial=numpy.inf)
    assert (numpy.where(kept, 0, numpy.abs(expected)).max(2) <= smallest * (1 + 1e-4) + 1e-9).all()
    assert (numpy.diff(numpy.abs(found.values), axis=1) <= 1e-9).all()
    predicted = estimate.predict(removals).numpy()
    assert found.values.sum(1) + found.rest == pytest.approx(
        predicted[found.train_ids - 40, found.test_ids], rel=1e-4, abs=1e-7
    )
    if convention == "drop":
        every = scattered(il.feature_contributions(estimate, removals, k=99), D + 1)
        assert every.sum(2) == pytest.approx(predicted, rel=1e-4, abs=1e-7)
    # Values of the features are those of the points.
    wide = numpy.column_stack([VALUES, numpy.ones(N + M)])
    columns = numpy.array([[*NAMES, "(intercept)"].index(name) for name in found.names])[found.features]
    assert found.train_values == pytest.approx(wide[(found.train_ids - 40)[:, None], columns], abs=1e-6)
    assert found.test_values == pytest.approx(wide[N:][found.test_ids[:, None], columns], abs=1e-6)


def test_parts_of_other_labels_are_those_of_the_change_of_the_gradient() -> None:
    fit, rows = problem(), [4, 1, 9]
    theta = fit.theta.numpy()
    labels = LABELS[:N].copy()
    labels[rows] = 1 - labels[rows]
    change = il.Replacement.relabel(fit.data, rows, labels[rows])
    found = scattered(il.feature_contributions(il.Exact().estimate(fit), change, k=D + 1), D + 1)[rows]
    expected = formulas(theta, (gradients(theta, labels) - gradients(theta, LABELS[:N])) / N)[rows]
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-9)
    # Another point's gradient is refused.
    assert found != pytest.approx(expected[::-1], rel=0.1)


@pytest.mark.usefixtures("_as_a_user")
def test_the_pairs_with_the_largest_predictions_are_kept_and_go_into_the_file() -> None:
    fit = problem()
    estimate, removals = il.Exact().estimate(fit), il.leave_one_out(N)
    found = il.feature_contributions(estimate, removals, pairs=7, k=2)
    predicted = estimate.predict(removals).abs().numpy()
    sizes = predicted[found.train_ids - 40, found.test_ids]
    assert sorted(sizes) == pytest.approx(sorted(predicted.ravel())[-7:])
    comparison = il.compare(estimate, il.SecondOrder().retrain(fit, removals))
    explored = from_comparison(comparison, fit.data, contributions=found)
    (table,) = from_bytes(explored.to_bytes()).tables
    assert table.contributions is not None
    assert table.contributions.names == found.names
    assert (table.contributions.values == found.values).all()
    assert (table.contributions.train_ids == found.train_ids).all()
    assert from_bytes(from_comparison(comparison, fit.data).to_bytes()).tables[0].contributions is None
    explorer = il.Explorer(comparison, data=fit.data, contributions=found, mode="features")
    assert explorer.mode == "features"
    with pytest.raises(WrongType, match="contributions is 3"):
        il.Explorer(comparison, contributions=3)  # pyright: ignore[reportArgumentType]
    other = il.compare(il.NewtonStep().estimate(fit), il.SecondOrder().retrain(fit, removals))
    with pytest.raises(InvalidParameter, match="predicted by 'exact', none of which"):
        il.Explorer(other, contributions=found)


def test_the_explorer_of_an_estimate_knows_the_parts_where_features_have_names() -> None:
    assert il.explore(il.Exact().estimate(problem()), points=6)._data.tables[0].contributions is not None
    assert il.explore(il.Exact().estimate(problem(feature_names=())), points=6)._data.tables[0].contributions is None


def test_points_of_very_many_named_features_are_shown_by_their_largest() -> None:
    x = torch.eye(8, 300, dtype=torch.float64) * 3
    x[:, 299] = -5
    data = il.Dataset(x[:6], [0, 1] * 3, x[6:], [0, 1], feature_names=[f"w{place}" for place in range(300)])
    pairs = pandas.DataFrame({"train_id": [0, 4], "test_id": 1, "predicted": 0.1, "actual": 0.2})
    (points,) = from_table(pairs, data=data).points.values()
    assert points.kind == "texts"
    assert points.train_texts == ("w299 -5, w0 3", "w299 -5, w4 3")


@pytest.mark.usefixtures("_as_a_user")
def test_what_is_no_sum_over_named_features_is_refused() -> None:
    fit, removals = problem(), il.leave_one_out(N)
    estimate = il.Exact().estimate(fit)
    with pytest.raises(InvalidData, match="its features have no names"):
        il.feature_contributions(il.Exact().estimate(problem(feature_names=())), removals)
    with pytest.raises(InvalidParameter, match="one point each"):
        il.feature_contributions(estimate, il.groups(N, members=[[1, 2]]))
    with pytest.raises(InvalidParameter, match="one point each"):
        il.feature_contributions(estimate, il.FeatureMove(points=torch.tensor([1]), moves=torch.zeros(1, D), n=N))
    with pytest.raises(InvalidParameter, match="predicts no sum over features"):
        il.feature_contributions(il.GradientDot().estimate(fit), removals)
    with pytest.raises(WrongType, match="estimate is 3"):
        il.feature_contributions(3, removals)  # pyright: ignore[reportArgumentType]
    with pytest.raises(WrongType, match="perturbation is None"):
        il.feature_contributions(estimate, None)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidParameter, match="k is 0"):
        il.feature_contributions(estimate, removals, k=0)


CURVES = pandas.DataFrame(
    {
        "cell": ["a"] * 4 + ["b"] * 2,
        "train_id": [5, 5, 7, 7, 5, 5],
        "weight": [0.0, 1.0, 1.0, 0.0, 0.0, 1.0],
        "log λ̂": [0.5, 1, numpy.inf, 3, 8, 9],
    }
)
PAIRS = pandas.DataFrame(
    {"cell": ["a", "a", "b"], "train_id": [5, 7, 5], "test_id": 0, "predicted": 0.1, "actual": [0.1, 0.2, 0.3]}
)


def test_curves_are_kept_by_network_and_point() -> None:
    found = from_bytes(from_table(PAIRS, curves=CURVES).to_bytes())
    first, second = (table.curves for table in found.tables)
    assert first is not None
    assert second is not None
    assert (first.across_name, first.up_name) == ("weight", "log λ̂")
    assert first.train_ids.tolist() == [5, 7]
    assert first.across.tolist() == [0, 1]
    assert first.up.tolist() == [[0.5, 1], [3, numpy.inf]]
    assert second.up.tolist() == [[8, 9]]
    assert from_table(PAIRS, curves=CURVES[CURVES["cell"] == "b"]).tables[0].curves is None
    assert il.Explorer(from_table(PAIRS, curves=CURVES), mode="curves").mode == "curves"


@pytest.mark.usefixtures("_as_a_user")
def test_curves_that_are_no_lines_are_refused() -> None:
    with pytest.raises(WrongType, match="curves is 3"):
        from_table(PAIRS, curves=3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidData, match="expected train_id"):
        from_table(PAIRS, curves=CURVES.drop(columns="train_id"))
    with pytest.raises(InvalidData, match="The curves are no lines"):
        from_table(PAIRS, curves=pandas.concat([CURVES, CURVES]))
    with pytest.raises(InvalidData, match="The curves are no lines"):
        from_table(PAIRS, curves=CURVES.assign(weight="heavy"))
