"""Tables and figures that studies share: words and gaps as a person reads them, nothing without a run, and pairs."""

import pytest
from outcomes import tried

from influencelab.experiments.plots import predicted_against_actual
from influencelab.experiments.tables import agreement_table, comparisons, fit_table, measurement_table, pairs_table
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
        ["0.001", "influence (exact)", "0.50 [0.25, 0.75]", "2", "1,200"],
        ["", "own", "0.125", "", ""],
    ]
    chosen = measurement_table(table, across="statistic", shown=["median_slope", "slope"]).data
    assert list(chosen) == ["weight decay", "estimator", "median slope", "n"]


def test_where_nothing_was_run_a_table_says_so_and_there_is_no_figure():
    for table in (agreement_table([]), fit_table({})):
        assert len(table.data) == 0
        assert "nothing to show" in table.to_html()
    assert predicted_against_actual([]) is None


# Pairs behind a report.
def test_kept_pairs_are_a_sample_of_each_comparison_of_the_estimators_that_are_asked_for():
    outcomes = {("digits", 0): tried(0), ("iris", 3): tried(3)}
    parts = comparisons(outcomes, ("data", "seed"), estimators={"exact", "ekfac"})
    found = pairs_table(parts, kept=30)
    settings = ["data", "seed", "estimator", "target", "selection"]
    sizes = found.groupby(settings, observed=True).size()
    assert len(sizes) == len(parts) == 2 * 2 * 2
    assert set(sizes) == {30}
    assert not found.duplicated().any()
    held = found[(found.data == "iris") & (found.selection == "top") & (found.estimator == "ekfac")]
    assert (held.train_id % 2 == 0).all()
    wanted = tried(3).predicted["ekfac"].numpy()[held.train_id, held.test_id]
    assert held.predicted.to_numpy() == pytest.approx(wanted, rel=1e-6)
    kinds = found.dtypes.astype(str)
    assert kinds[["predicted", "actual"]].tolist() == ["float32"] * 2
    assert kinds[["data", "estimator", "target", "selection"]].tolist() == ["category"] * 4


def test_all_estimators_and_all_pairs_are_taken_unless_some_are_chosen():
    parts = comparisons({("digits",): tried(0)}, ("data",))
    assert {part.settings["estimator"] for part in parts} == set(tried(0).predicted)
    assert len(pairs_table(parts)) == sum(int(part.comparison.mask.sum()) for part in parts)
