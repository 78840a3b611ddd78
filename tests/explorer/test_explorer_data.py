"""What a run keeps to be explored: complete, small, the same once written and read, honest of what is left out."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import oracles
import pandas
import pytest
import safetensors.numpy
import torch
from PIL import Image
from problems import class_data, logistic_problem, minimum
from reports import NAMES, SOURCE, TRIAL, explored, run

from influencelab.data.removals import Groups, leave_one_out
from influencelab.data.sources.iris import Iris
from influencelab.errors import InvalidData, InvalidParameter, MissingData, WrongType
from influencelab.experiments.comparison import compare
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.selections.top import Top
from influencelab.experiments.trial import Trial
from influencelab.explorer import build
from influencelab.explorer.build import SHARES, explorer_data, fit_details
from influencelab.explorer.data import from_bytes
from influencelab.explorer.from_table import from_comparison, from_table
from influencelab.explorer.pairs_table import Points
from influencelab.explorer.retrain_on_demand import LeaveOneOutRetrainer
from influencelab.explorer.sprites import COLUMNS, pictures_in, sprite_sheet
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.tasks.logistic import Logistic
from influencelab.statistics.comparison import Comparison


def test_every_pair_is_kept_with_what_was_predicted_and_what_happened() -> None:
    _, outcomes = run()
    for table, outcome in zip(explored().tables, outcomes.values(), strict=True):
        points = explored().points[table.points]
        for name in ("exact", "gradient_dot"):
            assert (table.predicted[name] == outcome.predicted[name].T.numpy().astype("f4").ravel()).all()
        assert (table.actual["warm"] == outcome.actual["warm"].T.numpy().astype("f4").ravel()).all()
        assert (points.train_ids[table.train] == numpy.tile(outcome.train_ids.numpy(), 5)).all()
        assert (points.test_ids[table.test] == numpy.repeat(outcome.test_ids.numpy(), 30)).all()
        assert table.unscaled == ("gradient_dot",)


def test_points_are_shown_as_they_were_before_scaling() -> None:
    points = explored().points[explored().tables[0].points]
    raw = SOURCE.arrays()
    known = dict(zip([*raw.train_ids, *raw.test_ids], [*raw.x_train, *raw.x_test], strict=True))
    assert points.kind == "images"
    assert all((points.train[place] == known[each]).all() for place, each in enumerate(points.train_ids))
    assert all((points.test[place] == known[each]).all() for place, each in enumerate(points.test_ids))
    assert points.train.max() > 1


def test_the_path_is_a_dense_solve_at_each_of_its_dampings() -> None:
    data = SOURCE.load()
    task = Logistic(weight_decay=0.1)
    model, points = oracles.linear(task, data), oracles.points_of(data)
    theta = oracles.newton(model, points)
    largest = numpy.linalg.eigvalsh(oracles.linear_hessian(model, theta, points))[-1]
    path = explored().tables[0].damping_steps
    assert len(SHARES) >= 25
    assert SHARES[-1] / SHARES[0] >= 1e6
    assert path.shares == pytest.approx(SHARES)
    for step, share in enumerate(SHARES):
        assert path.dampings[step] == pytest.approx(share * largest, rel=1e-6)
        expected = oracles.influence(model, theta, points, damping=share * largest).T.ravel()
        assert path.predicted[step] == pytest.approx(expected, rel=2e-5, abs=1e-8)
    assert numpy.abs(path.predicted[0] - path.predicted[-1]).max() > 1e-3
    assert explored().tables[1].damping_steps is None


def test_losses_and_self_influence_are_those_of_the_fit() -> None:
    data = SOURCE.load()
    model, points = oracles.linear(Logistic(weight_decay=0.1), data), oracles.points_of(data)
    theta = oracles.newton(model, points)
    table = explored().tables[0]
    assert table.train_loss == pytest.approx(model.losses(theta, points.x, points.y), rel=1e-5)
    assert table.test_loss == pytest.approx(model.losses(theta, points.x_test, points.y_test), rel=1e-5)
    onto_itself = oracles.influence(model, theta, points._replace(x_test=points.x, y_test=points.y))
    assert table.self_influence == pytest.approx(numpy.diag(onto_itself), rel=1e-3)


def test_what_is_written_is_what_is_read_and_equal_runs_give_equal_bytes() -> None:
    whole = explored()
    again = from_bytes(whole.to_bytes())
    assert again.to_bytes() == from_bytes(again.to_bytes()).to_bytes()
    assert (again.title, again.names, again.pairs) == (whole.title, whole.names, whole.pairs)
    for one, other in zip(again.tables, whole.tables, strict=True):
        assert one.settings == other.settings
        assert (one.damping_steps is None) == (other.damping_steps is None)
        assert all((one.actual[name] == other.actual[name]).all() for name in one.actual)
    points, before = again.points[again.tables[0].points], whole.points[whole.tables[0].points]
    assert (points.pictures() == before.pictures()).all()
    with pytest.raises(InvalidData, match="no explorer file"):
        from_bytes(b"PAR1" + bytes(20))
    with pytest.raises(InvalidData, match="no explorer header"):
        from_bytes(safetensors.numpy.save({"a": numpy.zeros(3)}))


def test_any_reader_of_safetensors_opens_the_file(tmp_path: Path) -> None:
    path = tmp_path / "explorer.safetensors"
    path.write_bytes(explored().to_bytes())
    arrays = safetensors.numpy.load_file(path)
    # Both seeds of a convex task predict the same, which is there once.
    for place in (0, 2):
        for name in ("exact", "gradient_dot"):
            assert (arrays[f"tables/{place}/predicted/{name}"] == explored().tables[place].predicted[name]).all()
    # The networks share their points and pairs, which are there once.
    assert [name for name in arrays if name.endswith("/train")] == ["tables/0/train"]
    (sheet,) = [values for name, values in arrays.items() if name.endswith("sprite_sheet")]
    assert Image.open(io.BytesIO(sheet.tobytes())).format == "PNG"


def test_a_browser_can_lay_an_array_over_the_file_wherever_it_stands() -> None:
    content = explored().to_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    sizes = {"F64": 8, "F32": 4, "I32": 4, "U8": 1, "BOOL": 1}
    for name, entry in json.loads(content[8:start]).items():
        if name != "__metadata__":
            assert (start + entry["data_offsets"][0]) % sizes[entry["dtype"]] == 0


def test_a_sprite_sheet_holds_every_picture() -> None:
    pictures = numpy.random.default_rng(0).integers(0, 256, (2 * COLUMNS + 3, 5, 7), dtype=numpy.uint8)
    assert (pictures_in(sprite_sheet(pictures), count=len(pictures), shape=(5, 7)) == pictures).all()


@pytest.mark.parametrize("size", [30_000, 12_000, 8_000])
def test_explorer_data_are_made_to_fit_and_says_what_was_left_out(size: int) -> None:
    small = explored().within(size)
    assert len(small.to_bytes()) <= size
    assert 0 < small.pairs <= explored().pairs
    assert small.notes
    said = " ".join(small.notes)
    assert (f"{small.pairs:,} of {explored().pairs:,} pairs" in said) == (small.pairs < explored().pairs)
    largest, whole = small.tables[0], explored().tables[0]
    ids, known = small.points[largest.points], explored().points[whole.points]
    place = {
        (known.test_ids[test], known.train_ids[train]): row
        for row, (test, train) in enumerate(zip(whole.test, whole.train, strict=True))
    }
    rows = [
        place[ids.test_ids[test], ids.train_ids[train]] for test, train in zip(largest.test, largest.train, strict=True)
    ]
    assert (largest.actual["warm"] == whole.actual["warm"][rows]).all()
    assert largest.train_loss == pytest.approx(
        [whole.train_loss[known.train_ids.tolist().index(each)] for each in ids.train_ids]
    )


def test_what_fits_is_left_as_it_is() -> None:
    assert explored().within(10**7).notes == ()
    assert explored().within(10**7).to_bytes() == explored().to_bytes()


def test_a_truth_repeats_between_seeds_and_not_between_weight_decays() -> None:
    # A convex task has one minimum, so a second seed finds the same effects.
    for table in explored().tables:
        assert table.repeatability["warm"] == pytest.approx(1)
        assert table.noise["warm"] < 1e-9
    trials, outcomes = run()
    first = {key[:2]: outcome for key, outcome in outcomes.items() if key[-1] == 0}
    alone = explorer_data(first, {key[:2]: trials[key] for key in trials}, names=NAMES[:2])
    assert all(not table.repeatability and not table.noise for table in alone.tables)


def test_models_that_did_not_converge_have_no_truth_and_those_that_moved_are_marked() -> None:
    trials, outcomes = run()
    key, outcome = next(iter(outcomes.items()))
    converged, trusted = torch.ones(30, dtype=torch.bool), torch.ones(30, dtype=torch.bool)
    converged[3] = trusted[3] = trusted[7] = False
    changed = Outcome(**{**vars(outcome), "converged": {"warm": converged}, "trusted": {"warm": trusted}})
    table = explorer_data({key: changed}, trials, names=NAMES).tables[0]
    ids = outcome.train_ids
    points = explored().points[explored().tables[0].points]
    removed = points.train_ids[table.train]
    assert (numpy.isnan(table.actual["warm"]) == (removed == int(ids[3]))).all()
    assert (table.moved["warm"] == (removed == int(ids[7]))).all()


def test_only_pairs_that_a_selection_looks_at_are_kept_and_groups_are_named_by_number() -> None:
    top = Trial(**{**vars(TRIAL), "selections": (Top(count=4),)})
    table = explorer_data({("d",): top.run()}, {("d",): top}, names=("data",)).tables[0]
    assert len(table.train) == 4 * 5
    assert table.removed["top"].all()
    grouped = Trial(**{**vars(TRIAL), "estimators": {"exact": Exact()}, "groups": Groups(share=0.1, count=6)})
    found = explorer_data({("d",): grouped.run()}, {("d",): grouped}, names=("data",), details=[("d",)])
    (points,) = found.points.values()
    assert points.grouped
    assert points.kind == "none"
    assert points.train_ids.tolist() == list(range(6))
    assert found.tables[0].damping_steps is not None
    assert not len(found.tables[0].train_loss)


def test_flowers_are_shown_with_named_features_in_their_own_units() -> None:
    trial = Trial(**{**vars(TRIAL), "source": Iris(scaling="standard", train_size=20, test_size=4)})
    names = ("sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)")
    found = explorer_data({("iris",): trial.run()}, {("iris",): trial}, names=("data",), features=names)
    (points,) = from_bytes(found.to_bytes()).points.values()
    assert points.kind == "features"
    assert points.features == names
    assert points.train.min() > 0


@pytest.mark.slow
def test_details_are_remembered_by_the_code_the_fit_and_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials, outcomes = run()
    key = next(iter(trials))
    made = []

    def details(outcome: Outcome, trial: Trial) -> numpy.ndarray:
        found = explorer_data({key: outcome}, {key: trial}, names=NAMES, details=[key], store=tmp_path)
        assert found.tables[0].damping_steps is not None
        return found.tables[0].damping_steps.predicted

    def counted(*given: Any, **settings: Any) -> Any:
        made.append(given)
        return fit_details(*given, **settings)

    monkeypatch.setattr(build, "fit_details", counted)
    outcome, trial = outcomes[key], trials[key]
    first = details(outcome, trial)
    assert (details(outcome, trial) == first).all()
    assert len(made) == 1
    # Another θ is another fit, whatever else is the same.
    moved = details(replace(outcome, theta=outcome.theta * 1.01), trial)
    assert len(made) == 2
    assert (moved != first).any()
    monkeypatch.setattr(build, "sources_hash", lambda: "other code")
    details(outcome, trial)
    assert len(made) == 3
    with pytest.raises(MissingData, match="is not the data that this outcome was made from"):
        details(outcome, replace(trial, source=replace(trial.source, scaling="standard")))


def test_networks_on_splits_of_their_own_are_shown_with_their_own_points() -> None:
    trials = {(seed,): replace(TRIAL, source=replace(SOURCE, seed=seed)) for seed in (0, 1)}
    found = explorer_data({key: trial.run() for key, trial in trials.items()}, trials, names=("seed",))
    assert len(found.points) == 2
    for table, trial in zip(found.tables, trials.values(), strict=True):
        data, points = trial.source.load(), found.points[table.points]
        assert points.test_ids.tolist() == data.test_ids.tolist()
        assert points.train_ids.tolist() == data.train_ids.tolist()
        assert numpy.isfinite(table.actual["warm"]).all()


def comparison() -> tuple[Comparison, object]:
    fitted = minimum(logistic_problem)
    chosen = torch.ones(60, 5, dtype=torch.bool)
    chosen[4] = False
    truth = SecondOrder().retrain(fitted, leave_one_out(60))
    return compare(Exact().estimate(fitted), truth, mask=chosen), fitted.data


def test_a_comparison_can_be_explored_with_its_data_or_without() -> None:
    found, data = comparison()
    alone, shown = from_comparison(found), from_comparison(found, data)
    assert alone.pairs == shown.pairs == 300
    assert [next(iter(each.points.values())).kind for each in (alone, shown)] == ["none", "features"]
    (table,) = shown.tables
    points = shown.points[table.points]
    assert (numpy.isnan(table.actual["retrained"]) == (points.train_ids[table.train] == int(found.train_ids[4]))).all()
    assert points.train == pytest.approx(data.x_train.numpy())


def test_a_table_of_pairs_can_be_explored_and_its_other_columns_are_settings() -> None:
    rows = pandas.DataFrame(
        {
            "cell": ["a", "a", "b", "b"],
            "seed": [0, 0, 1, 1],
            "train_id": [5, 7, 5, 7],
            "test_id": [1, 1, 1, 1],
            "predicted": [0.1, 0.2, 0.3, 0.4],
            "actual": [0.1, numpy.nan, 0.3, 0.4],
        }
    )
    found = from_table(rows)
    assert found.names == ("cell", "seed")
    assert [dict(table.settings) for table in found.tables] == [{"cell": "a", "seed": 0}, {"cell": "b", "seed": 1}]
    assert numpy.isnan(found.tables[0].actual["as kept"]).tolist() == [False, True]
    with pytest.raises(InvalidData, match="no column 'actual'"):
        from_table(rows.drop(columns="actual"))


def test_classes_with_names_are_numbered_and_what_is_no_number_is_refused() -> None:
    rows = pandas.DataFrame({"train_id": [5, 7, 9], "test_id": [1, 1, 1], "predicted": [0.1, 0.2, 0.3]})
    rows = rows.assign(actual=rows["predicted"], train_label=["rose", "lily", None], test_label="aster")
    (points,) = from_table(rows).points.values()
    assert points.train_labels[:2].tolist() == [2.0, 1.0]
    assert numpy.isnan(points.train_labels[2])
    assert points.test_labels.tolist() == [0.0]
    with pytest.raises(WrongType, match=r"Column 'train_id' is .*, expected whole numbers"):
        from_table(rows.assign(train_id=[0.5, 1.5, 2.5]))
    with pytest.raises(InvalidData, match=r"Column 'actual' is .*, expected numbers"):
        from_table(rows.assign(actual="none"))


def test_what_is_retrained_on_demand_is_what_an_independent_newton_finds() -> None:
    trials, outcomes = run()
    data = SOURCE.load()
    model, points = oracles.linear(Logistic(weight_decay=0.01), data), oracles.points_of(data)
    retrain = LeaveOneOutRetrainer(outcomes, trials, NAMES)
    settings = {"data": "digits", "weight decay": 0.01, "seed": 0, "colour": "class"}
    for group in ([4], [4, 9, 11]):
        expected = oracles.removal_changes(model, points, [group])[0, 2]
        found = retrain(settings, data.train_ids[group].tolist(), int(data.test_ids[2]))
        assert found.value == pytest.approx(expected, rel=1e-4)
        assert found.converged
        assert found.grad_norm < 1e-8
    with pytest.raises(InvalidParameter, match="no recipe"):
        retrain({**settings, "seed": 5}, [4], 0)
    with pytest.raises(InvalidParameter, match="Point 99999 is not among the 30"):
        retrain(settings, [99999], int(data.test_ids[2]))


def test_points_that_do_not_suit_their_ids_are_refused() -> None:
    data = class_data(0)
    with pytest.raises(InvalidData, match="60 train ids come with"):
        Points(
            name="x",
            train_ids=data.train_ids.numpy(),
            test_ids=data.test_ids.numpy(),
            train_labels=data.y_train.double().numpy(),
            test_labels=data.y_test.double().numpy(),
            train_texts=("one", "two"),
        )
