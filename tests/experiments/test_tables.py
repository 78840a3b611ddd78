"""Tables and figures that studies share: words and gaps as a person reads them, and nothing where nothing was run."""

from influencelab.experiments.agreement import agreement_table
from influencelab.experiments.plots import predicted_against_actual
from influencelab.experiments.tables import fit_table, measurement_table
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy


def test_a_column_stands_for_each_value_across_and_a_row_for_the_rest():
    table = tidy(
        [
            row(Measurement(0.5, 0.25, 0.75, n=1200), estimator="exact", weight_decay=1e-3, statistic="spearman"),
            row(Measurement(2.0), estimator="exact", weight_decay=1e-3, statistic="median_slope"),
            row(Measurement(0.125), estimator="own", target=None, statistic="spearman"),
        ]
    )
    shown = measurement_table(table, across="statistic").data
    assert list(shown) == ["weight decay", "estimator", "Spearman", "median slope", "n"]
    assert shown.to_numpy().tolist() == [
        ["0.001", "influence (exact)", "0.50 [0.25, 0.75]", "2.000", "1,200"],
        ["", "own", "0.125", "", ""],
    ]
    chosen = measurement_table(table, across="statistic", shown=["median_slope", "slope"]).data
    assert list(chosen) == ["weight decay", "estimator", "median slope", "n"]


def test_where_nothing_was_run_a_table_says_so_and_there_is_no_figure():
    for table in (agreement_table([]), fit_table({})):
        assert len(table.data) == 0
        assert "nothing to show" in table.to_html()
    assert predicted_against_actual([]) is None
