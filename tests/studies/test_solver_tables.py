"""What dampings and solvers do to agreement: names, tails, differences and spread, by NumPy and SciPy."""

import numpy
import pytest
from outcomes import M, R, cells, resampled, spearman, table, tried
from scipy import stats

from influencelab.errors import UnknownName
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates
from influencelab.studies.damping_and_solvers import analysis

QUICK = Bootstrap(resamples=60)
ALL = {"selection": "everything", "target": "warm", "bootstrap": QUICK}


def rho(cell, estimator):
    """ρ by SciPy of each seed and test point."""
    return numpy.stack([spearman(held, estimator=estimator) for held in cells()[cell]])


def half_width_of(number):
    """What the note says of it."""
    assert number.note.endswith(f"half-width {(number.high - number.low) / 2:.2g}")
    return True


# Solvers.
def test_numbers_of_solvers_leave_out_the_path_and_sizes_without_a_unit():
    found = analysis.solver_numbers(cells(), **ALL)
    measures = {"spearman", "within_class_spearman", "pearson"}
    solved = measures | {"slope", "seconds", "residual", "damping"}
    assert set(found) == {
        f"solvers/{cell}/{name}/{measure}"
        for cell in cells()
        for name, each in (("exact", solved), ("ekfac", solved), ("dot", measures | {"seconds"}))
        for measure in each
    }


def test_values_of_solvers_are_means_medians_and_worst_cases():
    found = analysis.solver_numbers(cells(), **ALL)
    assert found["solvers/digits-1/ekfac/spearman"].value == pytest.approx(rho("digits-1", "ekfac").mean())
    slopes = [
        numpy.polyfit(held.predicted["exact"].numpy()[:, j], held.actual["warm"].numpy()[:, j], 1)[0]
        for held in cells()["digits-1"]
        for j in range(M)
    ]
    assert found["solvers/digits-1/exact/slope"].value == pytest.approx(numpy.mean(slopes))
    seconds = found["solvers/digits-1/ekfac/seconds"]
    assert (seconds.value, seconds.unit) == (11.0, "s")
    assert found["solvers/digits-1/ekfac/residual"].value == pytest.approx(0.3)
    assert found["solvers/stopped-2/ekfac/damping"].value == pytest.approx(0.01)


def test_the_table_of_solvers_has_dashes_where_there_is_nothing():
    shown = analysis.solver_table(analysis.solver_numbers(cells(), **ALL)).data
    assert shown["fit"].unique().tolist() == ["digits, 1 hidden layer", "digits stopped early, 2 hidden layers"]
    assert shown["predicted by"].tolist()[:3] == [
        "influence (exact, no damping)",
        "influence (Kronecker factors)",
        "dot",
    ]
    dot = shown.iloc[2]
    assert [dot[name] for name in ("slope", "damping", "residual")] == ["–"] * 3
    assert shown.iloc[1]["residual"] == "3e-01"
    assert analysis.text(Measurement(0.5)) == "0.500"


def test_a_difference_is_the_first_less_the_second_and_knows_its_pairs():
    found = analysis.difference_numbers(cells(), first="exact", second="ekfac", **ALL)
    assert set(found) == {f"difference/{cell}/exact/ekfac" for cell in cells()}
    number = found["difference/digits-1/exact/ekfac"]
    assert number.value == pytest.approx((rho("digits-1", "exact") - rho("digits-1", "ekfac")).mean())
    assert number.low > 0
    assert "seeds paired" in number.note
    same = analysis.difference_numbers(cells(), first="ekfac", second="ekfac", **ALL)
    assert same["difference/digits-1/ekfac/ekfac"].interval == (0, 0)
    with pytest.raises(UnknownName, match="lissa"):
        analysis.difference_numbers(cells(), first="lissa", second="ekfac", **ALL)


# The path.
def test_a_path_has_a_row_for_each_cell_and_damping_with_means_over_seeds():
    found = analysis.path_table(cells(), **ALL)
    assert found[["cell", "curvature", "damping"]].to_numpy().tolist() == [
        [cell, curvature, damping]
        for cell in ("digits-1", "stopped-2")
        for curvature, damping in (("hessian", 1e-3), ("gauss_newton", 1e-1))
    ]
    first = found.iloc[0]
    assert first["estimator"] == "digits, 1 hidden layer: Hessian"
    assert first["spearman"] == pytest.approx(rho("digits-1", "path_0").mean())
    assert first["effective_dimension"] == 9.0
    assert first["negative_eigenvalues"] == 2.0
    assert first["residual"] == pytest.approx(3e-3)
    assert first["spearman_low"] < first["spearman"] < first["spearman_high"]


def test_numbers_of_the_path_are_its_rows():
    rows = analysis.path_table(cells(), **ALL)
    rows.loc[0, "slope_low"] = numpy.nan
    found = analysis.path_numbers(rows)
    assert len(found) == 4 * 5
    number = found["path/stopped-2/gauss_newton/0.1/spearman"]
    assert (number.value, number.low, number.high) == tuple(rows.iloc[3][["spearman", "spearman_low", "spearman_high"]])
    assert found["path/digits-1/hessian/0.001/slope"].interval is None
    assert found["path/digits-1/hessian/0.001/residual"].note == "worst"


# Test points.
def test_every_test_point_is_told_by_cell_and_selection():
    found = analysis.per_test_point(cells(), selections=("top", "everything"), estimator="exact", target="warm")
    assert list(found) == ["digits-1/top", "digits-1/everything", "stopped-2/top", "stopped-2/everything"]
    every_other = numpy.arange(0, R, 2)
    wanted = numpy.stack([spearman(held, rows=every_other) for held in cells()["digits-1"]])
    assert found["digits-1/top"].values == pytest.approx(wanted)


def test_the_excess_is_the_variance_between_test_points_beyond_sampling():
    z = table(numpy.random.default_rng(3), 5, 12, seed=0.1, test=0.4, rest=0.2, mean=0.5)
    s, m = z.shape
    tables = {"digits-1/top": Replicates(numpy.tanh(z), pairs=numpy.full((s, m), 40), measure="spearman")}
    found = analysis.numbers_by_test_point(tables, bootstrap=QUICK)
    stem = "test_points/digits-1/top"
    assert set(found) == {f"{stem}/{name}" for name in ("excess", "share", "lowest", "highest", "sampling_sd", "sd")}
    test, seed = z.mean(0) - z.mean(), z.mean(1) - z.mean()
    rest = ((z - z.mean() - test - seed[:, None]) ** 2).sum() / ((s - 1) * (m - 1))
    between, of_seeds = (s * (test**2).sum() / (m - 1) - rest) / s, (m * (seed**2).sum() / (s - 1) - rest) / m
    sampling = ((1 + numpy.tanh(z) ** 2 / 2) / 37).mean()
    excess = found[f"{stem}/excess"]
    assert excess.value == pytest.approx(between - sampling)
    assert half_width_of(excess)
    assert found[f"{stem}/share"].value == pytest.approx(between / (between + of_seeds + rest))
    assert found[f"{stem}/sd"].value == pytest.approx(between**0.5)
    assert found[f"{stem}/sampling_sd"].value == pytest.approx(sampling**0.5)
    ends = numpy.tanh(z).mean(0)
    assert [found[f"{stem}/{end}"].value for end in ("lowest", "highest")] == pytest.approx([ends.min(), ends.max()])


def strata(held, j):
    """Pearson of the sixth with the largest |prediction|, of the third to the half of the order, and that widened."""
    predicted, actual = held.predicted["exact"].numpy()[:, j], held.actual["warm"].numpy()[:, j]
    order = numpy.argsort(numpy.abs(predicted))
    top, middle = order[-4:], order[8:12]
    one, other = (stats.pearsonr(predicted[rows], actual[rows])[0] for rows in (top, middle))
    u = predicted[top].std() / predicted[middle].std()
    return one, other, other * u / numpy.sqrt(1 + other**2 * (u**2 - 1))


def test_tails_are_held_against_the_middle_before_and_after_its_range_is_widened():
    settings = {"estimator": "exact", "target": "warm", "tail": 1 / 6, "percentile": 100 * 10 / 24}
    found = analysis.tail_numbers(cells(), **settings, bootstrap=QUICK)
    names = ("top", "middle", "corrected", "before", "after")
    assert set(found) == {f"tail/{cell}/{name}" for cell in cells() for name in names}
    top, middle, corrected = numpy.mean([strata(held, j) for held in cells()["digits-1"] for j in range(M)], axis=0)
    wanted = (top, middle, corrected, top - middle, top - corrected)
    assert [found[f"tail/digits-1/{name}"].value for name in names] == pytest.approx(wanted)
    assert abs(middle - corrected) > 0.05
    assert all(half_width_of(found[f"tail/digits-1/{name}"]) for name in ("before", "after"))


# The network, and what is kept.
def test_a_network_has_numbers_only_where_it_was_run():
    rest = {"estimator": "exact", "target": "warm", "bootstrap": QUICK}
    assert analysis.network_numbers([], **rest) == {}
    part = [tried(seed) for seed in (0, 1, 2)]
    for held in part:
        held.chosen["random_points"] = held.chosen["everything"]
    found = analysis.network_numbers(part, **rest)
    measures = ("spearman", "within_class_spearman", "pearson", "slope")
    names = {f"cnn/{short}/{measure}" for short in ("top", "random") for measure in measures}
    assert set(found) == names | {"cnn/random/repeatability"}
    first, second = (held.actual["warm"].numpy() for held in part[:2])
    repeats = numpy.mean([stats.spearmanr(first[:, j], second[:, j])[0] for j in range(M)])
    assert found["cnn/random/repeatability"].value == pytest.approx(repeats)
    assert "1 couples" in found["cnn/random/repeatability"].note
    assert set(analysis.network_numbers(part[:1], **rest)) == names


def test_kept_pairs_are_a_sample_of_each_cells_first_network(monkeypatch):
    monkeypatch.setattr(analysis, "KEPT", 30)
    found = analysis.sampled_pairs(cells())
    sizes = found.groupby(["cell", "removed", "estimator"], observed=True).size()
    assert len(sizes) == 2 * 2 * 3
    assert set(sizes.items()) == {(key, 30) for key in sizes.index}
    assert not found.duplicated().any()
    kept = found[(found.cell == "stopped-2") & (found.removed == "top") & (found.estimator == "ekfac")]
    assert (kept.train_id % 2 == 0).all()
    wanted = tried(3).predicted["ekfac"].numpy()[kept.train_id, kept.test_id]
    assert kept.predicted.to_numpy() == pytest.approx(wanted, rel=1e-6)
    kinds = found.dtypes.astype(str)
    assert kinds[["predicted", "actual"]].tolist() == ["float32"] * 2
    assert kinds[["test_id", "test_label", "train_id", "train_label"]].tolist() == ["int32"] * 4
    assert kinds[["cell", "removed", "estimator"]].tolist() == ["category"] * 3


def test_the_table_of_numbers_has_a_row_each():
    numbers = {"a": resampled(0.5, 0.4, 0.6).described("mean"), "b": Measurement(0.25, note="a count")}
    assert analysis.number_table(numbers, caption="c").data.to_dict("records") == [
        {"number": "a", "value": "0.50 [0.40, 0.60]", "made of": 4, "how": "mean; made by hand"},
        {"number": "b", "value": "0.250", "made of": "–", "how": "a count"},
    ]
