"""The pairs behind a report are a sample of every comparison, with the settings that tell them apart."""

import pytest
from outcomes import tried

from influencelab.experiments.agreement import comparisons, pairs_table


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
