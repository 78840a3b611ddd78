"""The explorer in Python: its traits, statistics, figure and page; what the browser does with them is tested there."""

import base64
import json
import struct
from pathlib import Path

import numpy
import pandas
import pytest
from problems import logistic_problem, minimum
from reports import NAMES, explored, report, run
from scipy import stats

from influencelab.app.page.page import page
from influencelab.data.removals import leave_one_out
from influencelab.errors import InvalidParameter, MissingData, UnknownName
from influencelab.experiments.comparison import compare
from influencelab.explorer.data import ExplorerData, from_bytes
from influencelab.explorer.pairs_table import ANY_DAMPING
from influencelab.explorer.retrain_on_demand import LeaveOneOutRetrainer, RetrainedPair
from influencelab.explorer.widget.explorer import Explorer
from influencelab.explorer.widget.view import View, agreement, settled
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.runner.report import EXPLORER, load
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.measurement import Measurement


def table(n: int, *, actual: float | None = None) -> pandas.DataFrame:
    """A table of n pairs of one test point."""
    values = numpy.random.default_rng(0).normal(size=(2, n))
    truth = values[1] if actual is None else numpy.full(n, actual)
    return pandas.DataFrame({"train_id": range(n), "test_id": [3] * n, "predicted": values[0], "actual": truth})


def agrees(found: dict, x: numpy.ndarray, y: numpy.ndarray) -> None:
    """These statistics are SciPy's."""
    assert found["n"] == len(x)
    assert found["pearson"] == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-12)
    assert found["spearman"] == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    line = stats.linregress(x, y)
    assert (found["slope"], found["intercept"]) == pytest.approx((line.slope, line.intercept), rel=1e-9, abs=1e-15)
    interval = stats.pearsonr(x, y).confidence_interval(0.95)
    assert found["pearson_interval"] == pytest.approx([interval.low, interval.high], abs=1e-12)


def test_statistics_are_scipys_of_what_is_shown_and_of_what_is_selected() -> None:
    explorer = Explorer(explored())
    whole = explorer.table()
    agrees(explorer.statistics["shown"], whole["predicted"].to_numpy(), whole["actual"].to_numpy())
    assert explorer.statistics["selected"]["n"] == 0
    explorer.selected = whole["row"].tolist()[10:40]
    part = explorer.table()
    assert len(part) == 30
    agrees(explorer.statistics["selected"], part["predicted"].to_numpy(), part["actual"].to_numpy())
    each = [stats.spearmanr(one["predicted"], one["actual"]).statistic for _, one in whole.groupby("test_id")]
    assert explorer.statistics["shown"]["spearman_over_tests"] == pytest.approx(numpy.mean(each), abs=1e-12)


def test_settings_can_be_set_one_by_one_and_what_does_not_exist_is_refused() -> None:
    explorer = Explorer(explored(), settings={"weight decay": 0.01})
    explorer.settings = {"seed": 1}
    assert (explorer.settings["weight decay"], explorer.settings["seed"]) == (0.01, 1)
    before = dict(explorer.settings)
    with pytest.raises(InvalidParameter, match=r"No network has .*7.* weight decay 0\.1, 0\.01"):
        explorer.settings = {"weight decay": 7}
    with pytest.raises(UnknownName, match="No setting is named 'deepness'"):
        explorer.settings = {"deepness": 1}
    # The second seed keeps no damping steps.
    with pytest.raises(InvalidParameter, match="estimator cannot be"):
        explorer.settings = {"estimator": ANY_DAMPING}
    assert explorer.settings == before
    explorer.settings = {"seed": "all", "colour": "seed"}
    assert explorer.statistics["shown"]["n"] == 300


def test_a_damping_shows_its_own_predictions() -> None:
    explorer = Explorer(explored(), settings={"estimator": ANY_DAMPING, "damping": 1e-3})
    table = explored().tables[0]
    step = int(numpy.abs(numpy.log(table.damping_steps.shares / 1e-3)).argmin())
    assert explorer.statistics["damping"] == table.damping_steps.dampings[step]
    assert explorer.table()["predicted"].to_numpy() == pytest.approx(table.damping_steps.predicted[step])


def test_selected_and_its_bytes_follow_each_other_and_observers_hear() -> None:
    explorer, heard = Explorer(explored()), []
    explorer.observe(lambda change: heard.append(change.new), "selected")
    explorer.selected = [9, 3, 3]
    assert explorer.selected == [3, 9]
    assert numpy.frombuffer(explorer.get_state("selected")["selected"], "<u4").tolist() == [3, 9]
    # As the browser sends it.
    explorer.set_state({"selected": memoryview(numpy.array([5, 6], "<u4").tobytes())})
    assert explorer.selected == [5, 6]
    assert heard == [[3, 9], [5, 6]]
    with pytest.raises(InvalidParameter, match="selected goes from 1 to 9999999"):
        explorer.selected = [1, 9999999]


def test_the_notebook_gets_a_widget_and_a_picture_of_the_same_view() -> None:
    explorer = Explorer(explored())
    bundle_of = lambda: explorer._repr_mimebundle_()[0]  # noqa: E731 - asked twice
    data = bundle_of()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= set(data)
    drawn = base64.b64decode(data["image/png"])
    assert drawn.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", drawn[16:24])
    assert min(width, height) > 300
    explorer.settings = {"estimator": "gradient_dot", "axes": "symlog"}
    assert bundle_of()["image/png"] != data["image/png"]
    axis = explorer.figure().axes[0]
    assert axis.get_xlabel() == "score (no unit)"
    assert axis.get_xscale() == "symlog"


@pytest.mark.parametrize("colour", ["class", "seed", "|influence|", "one colour"])
def test_the_figure_draws_every_pair_whatever_its_colour(colour: str) -> None:
    explorer = Explorer(explored(), settings={"colour": colour})
    axis = explorer.figure().axes[0]
    assert sum(len(each.get_offsets()) for each in axis.collections) == len(explorer.table())
    assert "nats" in axis.get_xlabel()


@pytest.mark.parametrize(
    ("pairs", "correlation"),
    [
        (table(1), None),
        (table(3), "some"),
        (table(5, actual=0.25), None),
        (table(5, actual=numpy.nan), None),
        (table(0), None),
    ],
    ids=["one point", "three points", "one truth for all", "none converged", "nothing"],
)
def test_small_and_odd_tables_are_shown_without_an_error(pairs: pandas.DataFrame, correlation: str | None) -> None:
    explorer = Explorer(pairs)
    shown = explorer.statistics["shown"]
    assert shown["n"] == pairs["actual"].notna().sum()
    assert (shown["pearson"] is None) == (correlation is None)
    assert explorer.statistics["not_converged"] == pairs["actual"].isna().sum()
    assert explorer._repr_mimebundle_()[0]["image/png"]
    json.dumps(explorer.statistics, allow_nan=False)


def test_explorer_data_without_networks_is_shown_as_empty() -> None:
    explorer = Explorer(ExplorerData(title="nothing", names=(), tables=(), points={}))
    assert explorer.settings == {}
    assert explorer.statistics["shown"]["n"] == 0
    assert explorer.table().empty
    assert explorer.figure()


def test_a_report_is_explored_by_itself_and_by_its_folder(tmp_path: Path) -> None:
    found = report(tmp_path)
    for source in (found, found.folder, str(found.folder)):
        explorer = Explorer(source)
        assert "look at tiny" in repr(explorer)
        assert explorer.statistics["shown"] == Explorer(explored()).statistics["shown"]
    with pytest.raises(MissingData):
        Explorer(tmp_path / "nowhere")


def test_a_report_without_an_explorer_file_says_so(tmp_path: Path) -> None:
    bare = report(tmp_path / "bare", kept=False)
    assert not (bare.folder / EXPLORER).exists()
    with pytest.raises(MissingData, match=r"keeps nothing for the explorer.*Run the study again"):
        bare.explorer_file()
    assert "keeps nothing for the explorer" in page(bare)


def test_what_a_report_keeps_stays_below_a_megabyte(tmp_path: Path) -> None:
    values = numpy.random.default_rng(0).normal(size=(2, 200_000))
    many = pandas.DataFrame(
        {
            "train_id": numpy.tile(numpy.arange(2000), 100),
            "test_id": numpy.arange(100).repeat(2000),
            "predicted": values[0],
            "actual": values[1],
        }
    )
    draft = ReportWriter("many", folder=tmp_path / "many" / "tiny", parameters={})
    draft.number(Measurement(1.0), statistic="one")
    draft.explore(Explorer(many)._data)
    found = draft.publish()
    assert 5 * 10**5 < (found.folder / EXPLORER).stat().st_size <= 10**6
    data = from_bytes(found.explorer_file())
    assert f"{data.pairs:,} of 200,000 pairs are kept" in data.notes[0]
    assert load(found.folder).explorer_file() == data.to_bytes()


def test_a_comparison_is_explored_with_its_pictures_or_without() -> None:
    fitted = minimum(logistic_problem)
    found = compare(Exact().estimate(fitted), SecondOrder().retrain(fitted, leave_one_out(60)))
    explorer = Explorer(found, data=fitted.data)
    agrees(
        explorer.statistics["shown"],
        found.predicted.T.astype("f4").astype(float).ravel(),
        found.actual.T.astype("f4").astype(float).ravel(),
    )


def test_retrained_changes_come_from_the_function_that_was_given() -> None:
    trials, outcomes = run()
    explorer = Explorer(explored(), retrain=LeaveOneOutRetrainer(outcomes, trials, NAMES))
    pairs = explorer.table().set_index("row")
    first, second, elsewhere = pairs.index[2], pairs.index[5], pairs.index[35]
    found = explorer.retrain([first])
    assert explorer.retrained == [found]
    assert found["actual"] == pytest.approx(pairs["actual"][first], rel=1e-4)
    both = explorer.retrain([first, second])
    assert both["predicted"] == pytest.approx(pairs["predicted"][[first, second]].sum())
    with pytest.raises(InvalidParameter, match="several networks or test points"):
        explorer.retrain([first, elsewhere])
    with pytest.raises(InvalidParameter, match="expected 1 to 50 pairs"):
        explorer.retrain([])
    with pytest.raises(InvalidParameter, match="no function that retrains"):
        Explorer(explored()).retrain([2])


def test_the_browser_hears_why_something_cannot_be_retrained() -> None:
    def fails(_settings: object, _train_ids: tuple[int, ...], _test_id: int) -> RetrainedPair:
        raise RuntimeError("the disk is full")

    def astray(_settings: object, _train_ids: tuple[int, ...], _test_id: int) -> RetrainedPair:
        return RetrainedPair(value=1.0, grad_norm=0.5, converged=False, seconds=0.1)

    said = []
    for retrain in (None, fails, astray):
        explorer = Explorer(explored(), retrain=retrain)
        explorer.send = lambda content, buffers=None: said.append(content)
        explorer._answer(explorer, {"kind": "hello"}, [])
        explorer._answer(explorer, {"kind": "retrain", "rows": explorer.table()["row"].tolist()[:1]}, [])
        assert explorer.retrained == []
    assert [each["kind"] for each in said] == ["alive", "failed"] * 3
    assert said[0]["reason"].startswith("no function")
    assert said[2]["reason"] == ""
    assert "the disk is full" in said[3]["text"]
    assert "did not converge" in said[5]["text"]


def test_views_of_every_combination_agree_with_their_settings() -> None:
    whole = explored()
    for decay in (0.1, 0.01):
        for seed in (0, 1):
            found = View(whole, settled(whole, {"weight decay": decay, "seed": seed}))
            assert found.first.settings["seed"] == seed
            assert set(found.pairs["weight decay"]) == {decay}
            assert set(found.pairs["seed"]) == {seed}


def test_a_wanted_setting_that_exists_elsewhere_moves_the_others_there() -> None:
    rows = pandas.concat([table(4).assign(arm="a", layers=1), table(4).assign(arm="b", layers=8)])
    explorer = Explorer(rows)
    assert explorer.settings["arm"] == "a"
    explorer.settings = {"layers": 8}
    assert explorer.settings["arm"] == "b"
    with pytest.raises(InvalidParameter, match="No network has"):
        Explorer(rows, settings={"layers": 1, "arm": "b"})


def test_ties_have_their_mean_rank() -> None:
    x, y = numpy.array([1.0, 1.0, 2.0, 3.0, 3.0]), numpy.array([2.0, 1.0, 2.0, 2.0, 5.0])
    agrees(agreement(pandas.DataFrame({"predicted": x, "actual": y, "test_id": 0})), x, y)
