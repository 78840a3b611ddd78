"""Beyond Iris: trials on every data set, means over data sets by SciPy, and the rows that claims and figures select."""

from dataclasses import replace

import numpy
import pandas
import pytest
from figure_rules import faults
from matplotlib import pyplot
from outcomes import network, spearman
from scipy import stats

import influencelab as il
from influencelab.errors import InvalidData, InvalidParameter, UnknownName
from influencelab.experiments.seed_agreement import by_test_point, cells_of
from influencelab.runner.verdict import judge
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find
from influencelab.studies.beyond_iris import analysis, figures, networks
from influencelab.studies.beyond_iris.claims import CLAIMS, FINDINGS

SIZES = {"depths": [1, 4], "widths": [16], "decays": [0.005], "seeds": 2, "removals": 7}
NAMES = ("iris", "wine", "breast_cancer", "digits_130", "digits_500", "diabetes", "bodyfat")


def invented(seed, *, regression=False):
    """A network that looked at points drawn at random; of real targets it gets no share right."""
    found = network(seed, accuracy=numpy.nan if regression else None)
    facts = {"p": 50 + seed, **found.facts}
    facts["targets"] = {"warm": {**found.facts["targets"]["warm"], "largest_grad_norm": 1e-9}}
    return replace(found, chosen={**found.chosen, "random_points": found.chosen["everything"]}, facts=facts)


KEYS = [
    (f"{name}, {kind}", depth, 5, decay, seed)
    for name in NAMES
    for kind in ("tanh", "residual")
    for depth in (1, 2)
    for decay in (0.005, 0.0001)
    for seed in range(2)
]
OUTCOMES = {
    key: invented(count, regression=networks.SETS[key[0].split(", ")[0]].regression) for count, key in enumerate(KEYS)
}


@pytest.fixture(scope="module")
def found():
    return analysis.measurements(analysis.queries(OUTCOMES), OUTCOMES, bootstrap=Bootstrap(resamples=60))


def test_the_unit_is_the_data_set_each_the_mean_over_its_sizes_and_iris_is_left_out(found):
    check_tidy(found)
    assert not found["statistic"].str.contains("trained").any()
    means = {}
    for key in KEYS:
        if key[:4] == (f"{key[0].split(', ')[0]}, tanh", 2, 5, 0.005):
            rho = numpy.nanmean(spearman(OUTCOMES[key]))
            means.setdefault(key[0].split(", ")[0], []).append(rho)
    each = {name: numpy.mean(values) for name, values in means.items() if name != "iris"}
    each["digits"] = (each.pop("digits_130") + each.pop("digits_500")) / 2
    wanted = list(each.values())
    where = {"data": analysis.POOLED, "network": "tanh", "depth": 2, "width": 5, "weight_decay": 0.005}
    number = find(found, {**where, "statistic": "spearman"})
    low, high = stats.t.interval(0.95, 4, loc=numpy.mean(wanted), scale=stats.sem(wanted))
    assert (number.value, number.low, number.high, number.n) == pytest.approx((numpy.mean(wanted), low, high, 5))


def test_trends_over_data_sets_follow_from_the_table_that_a_report_keeps(found):
    kept = by_test_point(cells_of(analysis.queries(OUTCOMES), OUTCOMES))
    part = kept.query("network == 'residual' and weight_decay == 0.0001 and data != 'iris'")
    each = part.groupby(["data", "train", "depth", "seed"])["pearson"].mean().reset_index()
    slopes = [
        (data, stats.linregress(line["depth"], line["pearson"]).slope)
        for (data, _), line in each.groupby(["data", "train"])
    ]
    means = pandas.DataFrame(slopes, columns=["data", "slope"]).groupby("data")["slope"].mean()
    low, high = stats.t.interval(0.95, 4, loc=means.mean(), scale=stats.sem(means))
    where = {"data": analysis.POOLED, "network": "residual", "width": 5, "weight_decay": 0.0001}
    number = find(found, {**where, "statistic": "pearson_per_layer"})
    assert (number.value, number.low, number.high) == pytest.approx((means.mean(), low, high), rel=1e-4, abs=1e-6)
    assert number.n == 5


def test_fewer_than_five_data_sets_have_no_interval():
    number = analysis.over_sets({"wine": [0.1, 0.3], "digits": [0.4], "mnist": [0.5], "diabetes": [0.6]})
    assert (number.value, number.interval) == (pytest.approx(0.425), None)
    assert analysis.over_sets({str(count): [0.1 * count] for count in range(5)}).interval


def test_shares_count_networks_at_a_minimum_and_models_in_their_basin_and_no_gradient_hides():
    key = ("wine, tanh", 1, 8, 0.005)
    moved = {(*key, 0): invented(1), (*key, 1): invented(2)}
    for each, lost in zip(moved.values(), (2, 1), strict=True):
        each.facts["targets"] = {"warm": {"converged": 9, "trusted": 9 - lost, "largest_grad_norm": 1e-9 * lost}}
    moved[*key, 1].facts.update(fit_converged=False, fit_grad_norm=1e-7)
    table = analysis.measurements(analysis.queries(moved), moved, bootstrap=Bootstrap(resamples=60))
    shares = {"fits_at_a_minimum": 0.5, "converged": 1.0, "trusted": 15 / 18, "largest_gradient_norm": 1e-7}
    assert {name: find(table, {"data": "wine", "statistic": name}).value for name in shares} == pytest.approx(
        shares, rel=1e-12
    )


def test_claims_and_findings_select_their_rows(found):
    verdicts = [judge(claim, found, "paper") for claim in CLAIMS]
    tanh = [cell for verdict in verdicts for cell in verdict.cells if "residual" in str(cell)]
    assert tanh
    assert all(verdict.measured for verdict in verdicts)
    for finding in FINDINGS:
        numbers = [find(found, where) for where in finding.quotes]
        assert None not in numbers
        assert finding.text(numbers).format(*numbers)


def test_a_part_stands_beside_the_claims_and_not_in_them():
    some = {key: each for key, each in OUTCOMES.items() if key[0] == "wine, tanh"}
    aside = analysis.measurements(analysis.queries(some, part="widths"), some, bootstrap=Bootstrap(resamples=60))
    assert set(aside["part"].dropna()) == {"widths"}
    assert not any(judge(claim, aside, "paper").measured for claim in CLAIMS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tanh", "residual"])
def test_figures_can_be_read(found, kind):
    for figure in (figures.by_depth(found, network=kind), figures.trends(found)):
        assert faults(figure) == []
    pyplot.close("all")


def test_figures_of_nothing_are_refused(found):
    with pytest.raises(InvalidData, match="no agreement of the network 'gelu'"):
        figures.by_depth(found, network="gelu")
    with pytest.raises(InvalidData, match="no trends"):
        figures.trends(found.query("statistic == 'spearman'"))


def test_each_network_has_a_draw_of_its_own_and_the_settings_of_its_key():
    trials = networks.trials(["wine", "diabetes"], ["residual", "tanh_equal"], **SIZES)
    assert len(trials) == 2 * 2 * 2 * 2
    one = trials["diabetes, residual", 4, 16, 0.005, 1]
    assert one.task == il.BlockMLP(0.005, depth=4, width=16, regression=True)
    assert (one.seed, one.source.inner.seed, one.selections[0].count) == (1, 1, 7)
    ids = [trials["diabetes, residual", 4, 16, 0.005, seed].source.load().train_ids.tolist() for seed in (0, 1)]
    assert sorted(ids[0]) != sorted(ids[1])
    narrow = trials["wine, tanh_equal", 4, 16, 0.005, 0].task
    assert (narrow.depth, narrow.width) == (4, 7)


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
@pytest.mark.parametrize("name", ["wine", "digits_130", "diabetes"])
def test_parameters_stay_the_same_as_depth_grows_as_nearly_as_whole_widths_let_them(name, depth):
    data, points = networks.SETS[name].source.load(), networks.SETS[name]
    sizes = [
        len(il.MLP(0.1, depth=at, width=width, regression=points.regression).start(data, 0))
        for at, width in (
            (1, 24),
            *((depth, networks.equal_width(data, depth=depth, width=24) + more) for more in (-1, 0, 1)),
        )
    ]
    wanted, *near = sizes
    assert min(near, key=lambda size: abs(size - wanted)) == near[1]
    assert near[1] == pytest.approx(wanted, rel=0.15)


def test_what_is_not_there_is_refused():
    for data, kinds in ((["moons"], ["tanh"]), (["wine"], ["transformer"])):
        with pytest.raises(UnknownName, match=r"There is no .* here\. There are: "):
            networks.trials(data, kinds, **SIZES)
    with pytest.raises(InvalidParameter, match="expected at least 1"):
        networks.equal_width(il.Iris().load(), depth=0, width=3)
