"""What dampings and solvers do to agreement: every number by NumPy and SciPy, and figures that draw the table."""

import matplotlib.pyplot as plt
import numpy
import pytest
from outcomes import M, cells, spearman

from influencelab.errors import InvalidData
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import find, row, select, tidy
from influencelab.studies.damping_and_solvers.analysis import measurements
from influencelab.studies.damping_and_solvers.claims import CLAIMS
from influencelab.studies.damping_and_solvers.figures import ROUNDING, damping_path, solver_figure, titled

DIGITS = {"arm": "minimum", "data": "digits", "depth": 1}
STOPPED = {"arm": "stopped", "data": "digits", "depth": 2}
SOLVER = {"damping_share": None, "reference": None}


@pytest.fixture(scope="module")
def table():
    return measurements(cells(), bootstrap=Bootstrap(resamples=60))


def rho(estimator, *, cell=("digits", 1), target="warm"):
    """ρ by SciPy of each seed and test point."""
    return numpy.stack([spearman(held, estimator=estimator, target=target) for held in cells()[cell]])


# Measurements.
def test_solvers_have_no_size_without_a_unit_and_no_residual_without_a_system(table):
    measures = {"spearman", "within_class_spearman", "pearson"}
    solved = measures | {"slope", "relative_error", "seconds", "residual", "damping"}
    for fit in (DIGITS, STOPPED):
        for name in ("exact", "exact_damped", "ekfac", "gradient_dot"):
            lines = select(table, {**fit, **SOLVER, "estimator": name})
            wanted = measures | {"seconds"} if name == "gradient_dot" else solved
            assert {line["statistic"] for line in lines} == wanted
            assert len(lines) == len(wanted)


def test_values_of_solvers_are_means_medians_and_worst_cases(table):
    ekfac = {**DIGITS, **SOLVER, "estimator": "ekfac"}
    assert find(table, {**ekfac, "statistic": "spearman"}).value == pytest.approx(rho("ekfac").mean())
    slopes = [
        numpy.polyfit(held.predicted["exact"].numpy()[:, j], held.actual["warm"].numpy()[:, j], 1)[0]
        for held in cells()["digits", 1]
        for j in range(M)
    ]
    slope = find(table, {**DIGITS, **SOLVER, "estimator": "exact", "statistic": "slope"})
    assert slope.value == pytest.approx(numpy.mean(slopes))
    seconds = find(table, {**ekfac, "statistic": "seconds"})
    assert (seconds.value, seconds.unit) == (12.0, "s")
    assert find(table, {**ekfac, "statistic": "residual"}).value == pytest.approx(0.03)
    damping = find(table, {**STOPPED, **SOLVER, "estimator": "ekfac", "statistic": "damping"})
    assert damping.value == pytest.approx(0.02)


def test_networks_that_stopped_are_held_against_training_anew(table):
    wanted = rho("exact", cell=("stopped", 2), target="cold").mean()
    (line,) = select(table, {**STOPPED, **SOLVER, "estimator": "exact", "statistic": "spearman"})
    assert line["value"] == pytest.approx(wanted)
    assert (line["target"], line["selection"]) == ("cold", "random_points")


def test_a_difference_is_the_estimator_less_its_reference_at_minima_alone(table):
    lines = table[table["reference"].notna()]
    assert lines[["arm", "estimator", "reference"]].to_numpy().tolist() == [
        ["minimum", "ekfac", "gradient_dot"],
        ["minimum", "exact", "exact_damped"],
    ]
    less = (rho("ekfac") - rho("gradient_dot")).mean()
    assert lines["value"].iloc[0] == pytest.approx(less)
    assert "seeds paired" in lines["note"].iloc[0]
    (claim,) = CLAIMS
    (over,) = [each for each in claim.cells if each.name == "digits, one layer: over gradient products"]
    assert over.number(table).value == pytest.approx(less)
    # The other baseline is subtracted where its number is there.
    assert len([each for each in claim.cells if each.less == {"estimator": "same_label"}]) == 4


def test_a_path_has_its_statistics_for_each_curvature_and_damping_means_over_seeds(table):
    path = table[table["damping_share"].notna()]
    names = ["arm", "depth", "curvature", "damping_share"]
    assert path[names].drop_duplicates().to_numpy().tolist() == [
        [arm, depth, curvature, share]
        for arm, depth in (("minimum", 1), ("stopped", 2))
        for curvature, share in (("hessian", 1e-3), ("gauss_newton", 1e-1))
    ]
    first = {**DIGITS, "curvature": "hessian", "damping_share": 1e-3}
    found = {line["statistic"]: line for line in select(table, first)}
    assert found["spearman"]["value"] == pytest.approx(rho("path_0").mean())
    assert numpy.isnan(found["spearman"]["low"])
    assert "3 replicates" in found["spearman"]["note"]
    assert found["effective_dimension"]["value"] == 9.0
    assert found["negative_eigenvalues"]["value"] == 2.0
    assert found["residual"]["value"] == pytest.approx(3e-4)
    agreement = {"spearman", "pearson", "slope", "relative_error"}
    assert set(found) == agreement | {"effective_dimension", "negative_eigenvalues", "residual"}
    pairs = [(each.predicted["path_0"].numpy(), each.actual["warm"].numpy()) for each in cells()["digits", 1]]
    errors = [numpy.linalg.norm(y - x, axis=0) / numpy.linalg.norm(y, axis=0) for x, y in pairs]
    assert found["relative_error"]["value"] == pytest.approx(numpy.mean(errors))


# Words and figures.
SETTINGS = {"data": "digits", "target": "warm", "selection": "everything"}
ONE, TWO = {**SETTINGS, "arm": "minimum", "depth": 1}, {**SETTINGS, "arm": "stopped", "depth": 2}
SOLVED = tidy(
    row(number, **fit, estimator=estimator, statistic=statistic)
    for fit, estimator, statistic, number in (
        (ONE, "exact", "spearman", Measurement(0.8, 0.7, 0.85)),
        (ONE, "exact", "within_class_spearman", Measurement(0.6)),
        (ONE, "exact", "residual", Measurement(1e-9)),
        (ONE, "gradient_dot", "spearman", Measurement(-0.2)),
        (TWO, "exact", "spearman", Measurement(0.4, 0.3, 0.5)),
        (TWO, "exact", "residual", Measurement(0.0)),
    )
)


def test_titles_stand_for_settings_and_what_all_rows_share_is_left_out(table):
    shown = titled(table[table["reference"].notna()])
    assert list(shown.columns)[:4] == ["fit", "reference", "estimator", "statistic"]
    assert shown["fit"].unique().tolist() == ["digits, 1 hidden layer"]
    assert shown["estimator"].tolist() == ["ekfac", "influence (exact, no damping)"]
    assert shown["reference"].tolist() == ["gradient_dot", "influence (exact, damped)"]
    assert titled(SOLVED)["fit"].unique().tolist()[1] == "digits stopped early, 2 hidden layers"


def marks(axis):
    """Place along the axis and row of every mark, by fit."""
    found = {container.get_label(): container[0].get_xydata() for container in axis.containers}
    return {fit: [(round(x, 9), round(y)) for x, y in places.tolist()] for fit, places in found.items()}


def test_solvers_have_a_row_each_and_every_fit_a_mark():
    figure = solver_figure(SOLVED)
    solving, within, _, none, _ = figure.axes[:5]
    assert [text.get_text() for text in solving.get_yticklabels()] == ["influence (exact, no damping)"]
    assert [text.get_text() for text in none.get_yticklabels()] == ["gradient product"]
    one, two = "digits, 1 hidden layer", "digits stopped early, 2 hidden layers"
    assert marks(solving) == {one: [(0.8, 0)], two: [(0.4, 0)]}
    assert marks(within) == {one: [(0.6, 0)], two: []}
    assert marks(none) == {one: [(-0.2, 0)], two: []}
    spans = [container[2][0].get_segments()[0][:, 0].tolist() for container in solving.containers]
    assert spans == [pytest.approx([0.7, 0.85]), pytest.approx([0.3, 0.5])]
    legend = [text.get_text() for text in figure.axes[5].get_legend().get_texts()]
    assert legend == [one, two]
    assert not plt.get_fignums()


def test_a_residual_of_rounding_stands_at_the_edge():
    residual = solver_figure(SOLVED).axes[2]
    found = {line.get_marker(): line.get_xdata().tolist() for line in residual.lines if len(line.get_xdata())}
    assert found == {"o": [1e-9], "<": [ROUNDING]}


def path(negative):
    """A path of seven dampings: slope 1 by the Hessian and 3 by Gauss-Newton, negative eigenvalues below 1e-3."""
    statistics = {"spearman": Measurement(0.5, 0.4, 0.6), "effective_dimension": Measurement(5.0)}
    return tidy(
        row(number, **ONE, estimator="exact", curvature=curvature, damping_share=share, statistic=name)
        for curvature, slope in (("hessian", 1.0), ("gauss_newton", 3.0))
        for share in numpy.geomspace(1e-6, 1, 7)[::-1]
        for name, number in (
            statistics
            | {"slope": Measurement(slope), "residual": Measurement(1e-9)}
            | {"negative_eigenvalues": Measurement(float(negative and share < 1e-3))}
        ).items()
    )


@pytest.mark.slow
def test_a_damping_path_has_four_panels_and_counts_what_is_negative():
    figure = damping_path(path(negative=1))
    agreement, size, dimension, negative = figure.axes
    assert [line.get_ydata()[0] for line in size.lines[:2]] == [1.0, 3.0]
    assert [line.get_linestyle() for line in size.lines[:2]] == ["-", "--"]
    assert agreement.lines[0].get_xdata() == pytest.approx(numpy.geomspace(1e-6, 1, 7))
    assert "negative eigenvalues" in negative.get_ylabel()
    assert max(negative.lines[0].get_ydata()) == 1
    assert "largest eigenvalue" in " ".join(dimension.get_xlabel().split())
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["digits, 1 hidden layer: Hessian", "digits, 1 hidden layer: Gauss-Newton", "right size"]
    assert not plt.get_fignums()


def test_where_nothing_is_negative_there_is_no_panel_for_it_and_without_rows_no_figure():
    figure = damping_path(path(negative=0))
    assert [" ".join(axis.get_ylabel().split()) for axis in figure.axes][2:] == ["effective dimension (parameters)"]
    assert damping_path(SOLVED[:0]) is None
    with pytest.raises(InvalidData, match="damping_share"):
        damping_path(SOLVED)
