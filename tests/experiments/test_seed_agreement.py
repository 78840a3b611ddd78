"""Agreement over seeds: which models count, what a cell holds, and its numbers by SciPy from the same networks."""

from dataclasses import replace

import numpy
import pandas
import pytest
import torch
from outcomes import network, spearman
from scipy import stats

from influencelab.experiments import seed_agreement
from influencelab.experiments.seed_agreement import AgreementQuery, agreement_rows, cells_of, difference_rows
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import find, tidy

QUICK = Bootstrap(resamples=60)
WARM = AgreementQuery("warm", {"arm": "controlled"})
PUBLISHED = AgreementQuery("published", {"arm": "published"}, selection="highest_loss", require_minimum=False)
FAILED, MOVED = (0,), (1, 2)
SEEDS = range(5)


def rows(held, target="warm"):
    """Which removals count."""
    return held.trusted[target].nonzero().flatten().tolist()


def one_cell(query, part):
    """The one cell of networks, a seed each."""
    (cell,) = query.cells({(query.networks, 1, 5, 0.1, seed): held for seed, held in enumerate(part)})
    return cell


def measured(cells):
    return tidy(agreement_rows(cells, bootstrap=QUICK))


# The four measures by SciPy and by hand.
MEASURES = {
    "spearman": lambda x, y: stats.spearmanr(x, y).statistic,
    "pearson": lambda x, y: stats.pearsonr(x, y).statistic,
    "slope": lambda x, y: stats.linregress(x, y).slope,
    "relative_error": lambda x, y: numpy.sqrt(((y - x) ** 2).sum() / (y**2).sum()),
}
# One value a network: of sizes the median test point's.
MIDDLE = {"spearman": numpy.mean, "pearson": numpy.mean, "slope": numpy.median, "relative_error": numpy.median}


def by_hand(held, oracle, rows=range(9)):
    """A measure at each test point, of these rows."""
    x, y = (table.numpy()[list(rows)] for table in (held.predicted["exact"], held.actual["warm"]))
    return numpy.array([oracle(x[:, j], y[:, j]) for j in range(x.shape[1])])


# Which models count.
def test_models_that_moved_count_unless_only_the_basin_of_the_fit_does():
    held = network(0, failed=FAILED, moved=MOVED)
    assert rows(WARM.counted(held)) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert rows(replace(WARM, same_basin_only=True).counted(held)) == [3, 4, 5, 6, 7, 8]
    assert rows(WARM.counted(held), "cold") == rows(held, "cold") == rows(held) == [3, 4, 5, 6, 7, 8]
    assert rows(replace(WARM, target="cold").counted(held), "cold") == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_network_off_its_minimum_counts_only_where_none_is_required():
    held = network(0, minimum=False, failed=FAILED, moved=MOVED)
    assert rows(WARM.counted(held)) == []
    assert rows(replace(WARM, require_minimum=False).counted(held)) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_network_whose_prediction_is_not_a_number_has_no_correlation_and_is_counted_as_such():
    nothing = network(2)
    nothing = replace(nothing, predicted={name: values * torch.nan for name, values in nothing.predicted.items()})
    found = measured([one_cell(WARM, [network(0), network(1), nothing])])
    assert find(found, {"statistic": "undefined"}).value == pytest.approx(1 / 3)
    of_two = measured([one_cell(WARM, [network(0), network(1)])])
    assert find(found, {"statistic": "spearman"}).value == find(of_two, {"statistic": "spearman"}).value


# Cells.
def test_a_query_takes_the_networks_of_its_arm_cell_by_cell():
    held = {
        ("warm", depth, 5, decay, seed): network(seed) for depth in (1, 2) for decay in (0.0, 0.1) for seed in (3, 4)
    }
    found = cells_of([WARM, PUBLISHED], {("cold", 1, 5, 0.0, 3): network(9)} | held)
    shared = {"arm": "controlled", "width": 5, "estimator": "exact", "target": "warm"}
    assert [cell.settings for cell in found] == [
        shared | {"depth": depth, "weight_decay": decay} for depth in (1, 2) for decay in (0.0, 0.1)
    ]
    assert {seed: each.facts["fit_loss"] for seed, each in found[-1].outcomes.items()} == {
        3: pytest.approx(0.13),
        4: pytest.approx(0.14),
    }


def test_correlations_are_those_of_the_rows_that_count():
    part = [network(seed, failed=FAILED, moved=MOVED) for seed in (0, 1)]
    for query, counted in ((WARM, range(1, 9)), (replace(WARM, same_basin_only=True), range(3, 9))):
        wanted = numpy.stack([spearman(held, rows=counted) for held in part])
        assert one_cell(query, part).correlations.values == pytest.approx(wanted)


def test_a_network_with_one_test_point_of_its_own_is_compared_there():
    part = [network(0, own=2), network(1, own=0)]
    found = one_cell(PUBLISHED, part).correlations
    assert found.values == pytest.approx(numpy.array([[spearman(part[0])[2]], [spearman(part[1])[0]]]))
    assert found.pairs.tolist() == [[9], [9]]
    assert found.measure == "spearman"
    mixed = one_cell(PUBLISHED, [network(0, own=2), network(1)]).correlations.values
    assert numpy.isnan(mixed).tolist() == [[True, True, False], [False] * 3]


# Values.
def test_means_and_medians_are_of_what_counts():
    part = [network(seed, failed=FAILED, moved=MOVED) for seed in SEEDS]
    found = measured([one_cell(WARM, part)])
    every = numpy.stack([spearman(held, rows=range(1, 9)) for held in part])
    number = find(found, {"statistic": "spearman"})
    assert number.value == pytest.approx(every.mean())
    assert number.low < number.value < number.high
    assert number.note.startswith(seed_agreement.ALL)
    assert find(found, {"statistic": "median_spearman"}).value == pytest.approx(numpy.median(every.mean(1)))
    own = find(measured([one_cell(PUBLISHED, [network(seed, own=1) for seed in SEEDS])]), {"statistic": "spearman"})
    assert own.value == pytest.approx(numpy.mean([spearman(network(seed))[1] for seed in SEEDS]))
    assert own.note.startswith(seed_agreement.OWN)


def test_test_points_that_differ_are_resampled_with_their_networks():
    part = [replace(network(seed), test_ids=torch.arange(3) + seed) for seed in SEEDS]
    number = find(measured([one_cell(WARM, part)]), {"statistic": "spearman"})
    assert "95% bootstrap over 5 seeds, whose test points differ" in number.note


def test_slopes_are_least_squares_along_depth_and_along_width():
    held = {
        ("warm", depth, width, 0.1, seed): network(100 * depth + 10 * width + seed)
        for depth, width in ((1, 5), (2, 5), (1, 8))
        for seed in SEEDS
    }
    found = measured(WARM.cells(held))
    for trend, place, others in (("per_layer", 1, {2: 5}), ("per_unit", 2, {1: 1})):
        line = {key: each for key, each in held.items() if key[3 - place] == others[3 - place]}
        for measure, oracle in MEASURES.items():
            values = [MIDDLE[measure](by_hand(each, oracle)) for each in line.values()]
            number = find(found, {"statistic": f"{measure}_{trend}"})
            assert number.value == pytest.approx(numpy.polyfit([key[place] for key in line], values, 1)[0])
            assert number.note.endswith(f"half-width {(number.high - number.low) / 2:.2g}")
            assert "of 5, 5 networks at" in number.note


def test_a_difference_is_of_the_same_networks_with_all_else_equal():
    held = {("warm", 1, 5, decay, seed): network(seed + int(10 * decay)) for decay in (0.0, 0.1) for seed in SEEDS}
    queries = [replace(WARM, estimator=name) for name in ("theirs", "corrected")]
    between = {"pair": ("corrected", "theirs"), "statistic": "gain", "how": "by hand", "bootstrap": QUICK}
    found = tidy(difference_rows(cells_of(queries, held), "estimator", **between))
    assert "estimator" not in found
    for decay in (0.0, 0.1):
        part = [each for key, each in held.items() if key[3] == decay]
        gain = [spearman(each, estimator="corrected") - spearman(each, estimator="theirs") for each in part]
        assert find(found, {"weight_decay": decay}).value == pytest.approx(numpy.mean(gain))
    assert difference_rows(cells_of(queries[:1], held), "estimator", **between) == []


def test_all_four_measures_stand_beside_each_other_with_their_medians():
    part = [network(seed, failed=FAILED, moved=MOVED) for seed in SEEDS]
    found = measured([one_cell(WARM, part)])
    for measure, oracle in MEASURES.items():
        each = numpy.stack([by_hand(held, oracle, rows=range(1, 9)) for held in part])
        number = find(found, {"statistic": measure})
        assert number.value == pytest.approx(each.mean())
        assert number.low < number.value < number.high
        middles = [MIDDLE[measure](values) for values in each]
        assert find(found, {"statistic": f"median_{measure}"}).value == pytest.approx(numpy.median(middles))


# Networks that say nothing.
def test_networks_that_did_not_train_are_counted_and_the_others_have_a_mean_and_a_trend_of_their_own():
    outcomes = {
        ("warm", depth, 5, 0.1, seed): network(7 * depth + seed, accuracy=0.79 if seed < lost else 0.8)
        for depth, lost in ((1, 0), (2, 2), (3, 7))
        for seed in range(7)
    }
    found = measured(WARM.cells(outcomes))
    trained = {key: spearman(held).mean() for key, held in outcomes.items() if held.facts["train_accuracy"] == 0.8}
    shares = [find(found, {"depth": depth, "statistic": "trained"}).value for depth in (1, 2, 3)]
    assert shares == pytest.approx([1, 5 / 7, 0])
    number = find(found, {"depth": 2, "statistic": "spearman_of_trained"})
    assert number.value == pytest.approx(numpy.mean([value for key, value in trained.items() if key[1] == 2]))
    assert number.note.startswith("mean over the 5 of 7 networks that trained")
    slope = find(found, {"statistic": "spearman_of_trained_per_layer"})
    assert slope.value == pytest.approx(numpy.polyfit([key[1] for key in trained], list(trained.values()), 1)[0])
    assert "of 7, 5, 0 networks at 1, 2, 3" in slope.note


def depths(**last):
    """One network a seed at each of three depths, the last of which has other settings."""
    grads = {(depth, seed): 10.0 ** -(depth + 2 * seed) for depth in (1, 2, 3) for seed in SEEDS}
    outcomes = {
        ("warm", depth, 5, 0.1, seed): network(7 * depth + seed, grad=grad) for (depth, seed), grad in grads.items()
    }
    return outcomes | {("warm", 3, 5, 0.1, 4): network(23, grad=grads[3, 4], **last)}


def test_undefined_correlations_are_left_out_or_counted_as_0_and_the_gradient_norm_may_be_held():
    outcomes = depths(constant=True)
    assert not [row for row in measured(WARM.cells(outcomes)).itertuples() if row.statistic == "slope_given_gradient"]
    # Only of fits that are no minima does the norm hold anything.
    rough = outcomes["warm", 1, 5, 0.1, 1]
    outcomes["warm", 1, 5, 0.1, 1] = replace(rough, facts={**rough.facts, "fit_converged": False})
    with pytest.warns(stats.ConstantInputWarning):
        value = numpy.array([spearman(held).mean() for held in outcomes.values()])
    depth = numpy.array([key[1] for key in outcomes])
    size = numpy.log10([held.facts["fit_grad_norm"] for held in outcomes.values()])
    known = ~numpy.isnan(value)
    assert known.sum() == 14
    found = measured(replace(WARM, require_minimum=False).cells(outcomes))
    left_out, as_zero, given = (
        find(found, {"statistic": f"spearman{kind}_per_layer"}).value
        for kind in ("", "_undefined_as_0", "_given_gradient")
    )
    design = numpy.stack([numpy.ones(15), depth, size], axis=1)[known]
    assert left_out == pytest.approx(numpy.polyfit(depth[known], value[known], 1)[0])
    assert as_zero == pytest.approx(numpy.polyfit(depth, numpy.where(known, value, 0.0), 1)[0])
    assert given == pytest.approx(numpy.linalg.lstsq(design, value[known], rcond=None)[0][1])
    assert min(abs(left_out - as_zero), abs(left_out - given)) > 1e-3
    assert find(found, {"depth": 3, "statistic": "undefined"}).value == pytest.approx(1 / 5)
    number = find(found, {"depth": 3, "statistic": "spearman"})
    assert number.value == pytest.approx(numpy.nanmean(value[depth == 3]))
    assert "1 of 5 networks have none" in number.note
    assert number.interval is None
    assert "4 replicates" in number.note
    assert "of 5, 5, 4 networks at 1, 2, 3" in find(found, {"statistic": "spearman_per_layer"}).note


def test_a_slope_that_cannot_be_had_says_why():
    outcomes = {
        key: replace(held, facts={**held.facts, "fit_converged": key[1] == 1}) for key, held in depths().items()
    }
    number = find(measured(WARM.cells(outcomes)), {"statistic": "spearman_per_layer"})
    assert numpy.isnan(number.value)
    assert "no slope" in number.note
    assert number.interval is None


def test_one_seed_at_its_own_test_point_has_no_interval():
    outcomes = {("published", depth, 5, 0.1, 0): network(depth, own=1) for depth in (1, 2, 3)}
    found = measured(PUBLISHED.cells(outcomes))
    assert find(found, {"depth": 1, "statistic": "spearman"}).value == pytest.approx(spearman(network(1))[1])
    assert found[["low", "high"]].isna().all(axis=None)


# Medians.
@pytest.mark.parametrize(("s", "low", "high", "covers"), [(20, 6, 15, 0.9586), (10, 2, 9, 0.9785), (6, 1, 6, 0.9688)])
def test_the_interval_of_a_median_is_that_of_the_tables(s, low, high, covers):
    number = seed_agreement.median(numpy.random.default_rng(0).permutation(s) + 1.0)
    assert (number.value, number.low, number.high, number.n) == ((s + 1) / 2, low, high, s)
    assert f"covers {covers:.0%}" in number.note
    draws = numpy.sort(numpy.random.default_rng(1).normal(size=(4000, s)), axis=1)
    assert ((draws[:, low - 1] < 0) & (draws[:, high - 1] > 0)).mean() == pytest.approx(covers, abs=0.012)


def test_the_median_of_nothing_is_not_a_number_and_undefined_seeds_are_left_out():
    assert numpy.isnan(seed_agreement.median(numpy.full(3, numpy.nan)).value)
    number = seed_agreement.median(numpy.array([0.5, numpy.nan, 0.1, 0.2]))
    assert (number.value, number.n) == (0.2, 3)


# What is kept.
def test_each_network_and_test_point_is_kept_with_its_measures_and_its_number_of_pairs():
    part = [network(0, failed=FAILED), network(1)]
    own = one_cell(PUBLISHED, [network(7, own=2)])
    found = seed_agreement.by_test_point([one_cell(WARM, part), own])
    assert found["seed"].tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert found["test_id"].tolist() == [0, 1, 2, 0, 1, 2, 2]
    assert found["n"].tolist() == [8, 8, 8, 9, 9, 9, 9]
    assert found["arm"].tolist() == ["controlled"] * 6 + ["published"]
    for measure, oracle in MEASURES.items():
        wanted = [
            *by_hand(part[0], oracle, rows=range(1, 9)),
            *by_hand(part[1], oracle),
            by_hand(network(7), oracle)[2],
        ]
        assert found[measure].to_numpy() == pytest.approx(wanted, rel=1e-6, abs=1e-7)


@pytest.mark.slow
def test_what_thousands_of_networks_keep_is_small(tmp_path):
    generator = numpy.random.default_rng(0)
    n = 1770 * 20
    kept = pandas.DataFrame({"seed": numpy.repeat(range(1770), 20), "test_id": generator.integers(0, 150, n), "n": 130})
    for measure in MEASURES:
        values = generator.normal(size=n)
        heavy = numpy.exp(2 * values) if measure in ("slope", "relative_error") else numpy.tanh(values)
        kept[measure] = heavy.astype("float32")
    kept.to_parquet(tmp_path / "kept.parquet", compression="zstd", index=False)
    assert (tmp_path / "kept.parquet").stat().st_size < 1_000_000


def test_an_interval_of_a_report_follows_from_what_it_keeps():
    part = [replace(network(seed), test_ids=torch.arange(3) + seed) for seed in range(8)]
    number = find(measured([one_cell(WARM, part)]), {"statistic": "pearson"})
    kept = seed_agreement.by_test_point([one_cell(WARM, part)]).groupby("seed")["pearson"].mean().to_numpy()
    draws = numpy.random.default_rng(numpy.random.SeedSequence(0, spawn_key=(0,))).multinomial(8, [1 / 8] * 8, size=60)
    low, middle, high = numpy.quantile(draws @ kept / 8, [0.025, 0.5, 0.975])
    assert number.ends == pytest.approx((kept.mean() + low - middle, kept.mean() + high - middle), rel=1e-5)


# Pairs.
def test_pairs_are_those_that_count_and_too_many_are_sampled_alike_from_each_network(monkeypatch):
    outcomes = {
        ("warm", 1, 5, 0.1, 0): network(0, failed=FAILED, moved=MOVED),
        ("warm", 1, 8, 0.1, 1): network(1),
        ("published", 1, 5, 0.1, 0): network(2, own=1),
    }
    cells = cells_of([WARM, PUBLISHED], outcomes)
    every = seed_agreement.network_pairs(cells)
    assert every.groupby(["arm", "width", "seed"], observed=True).size().to_dict() == {
        ("controlled", 5, 0): 8 * 3,
        ("controlled", 8, 1): 9 * 3,
        ("published", 5, 0): 9,
    }
    assert set(every[every.arm == "published"].test_id) == {1}
    first = every[(every.arm == "controlled") & (every.seed == 0)]
    truth = outcomes["warm", 1, 5, 0.1, 0].actual["warm"].numpy()
    assert 0 not in set(first.train_id)
    assert first.actual.to_numpy() == pytest.approx(truth[first.train_id, first.test_id])
    monkeypatch.setattr(seed_agreement, "KEPT", 36)
    found = seed_agreement.network_pairs(cells)
    assert found.groupby(["arm", "seed"], observed=True).size().tolist() == [12, 12, 9]
    assert found.merge(every).shape == found.shape
    assert not found.duplicated().any()
