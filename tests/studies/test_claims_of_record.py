"""Claims of the studies: none rests on one of several measured settings, and none on a number that misled."""

from pathlib import Path

import pandas
import pytest

from influencelab.runner.report import load
from influencelab.studies.catalogue import all_claims

RESULTS = Path(__file__).parents[2] / "results"
CLAIMS = {claim.name: claim for claim in all_claims()}
# Each claim, and which rows of its study's record are settings where its number was measured.
EVERYWHERE = {
    "unrolled_is_near_perfect": "statistic == 'spearman' and draw == 'same' and derivative_of.isna()",
    "another_seed_is_predicted_as_far_as_it_repeats": "statistic == 'spearman' and draw == 'other'",
    "single_effects_drown": "statistic == 'detected' and target == 'published'",
    "single_effects_drown_without_the_drift": "statistic == 'detected' and target == 'warm'",
    "pairing_raises_detection": "statistic == 'detection_gain'",
    "linearisation_and_solver_hardly_err": "statistic == 'ratio' and depth.isna()",
    "influence_answers_the_proximal_question": "statistic == 'spearman' and depth.isna() and target == 'pbrf' and "
    "((arm == 'published' and estimator == 'estimate') or (arm == 'controlled' and estimator == 'linearised'))",
    "test_points_differ": "statistic == 'share'",
    "pairing_makes_single_points_predictable": "statistic == 'spearman' and target == 'paired' and "
    "estimator == 'influence'",
}
# Numbers whose verdicts misled: a distance that any small effect makes positive, a correction that its own strata
# contradict, a variance less a theoretical one, a gain over a failed copy, and a comparison that cannot fail.
MISLEADING = {
    "distance_from_zero",
    "excess",
    "corrected_less_theirs",
    "pbrf_over_cold",
}


def record(study: str) -> pandas.DataFrame:
    """The measurements of a study at its standard profile."""
    return load(RESULTS / study / "standard").measurements


@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_claim_is_judged_at_every_setting_where_it_was_measured(name):
    claim = CLAIMS[name]
    found = record(claim.study).query(EVERYWHERE[name], engine="python")
    assert len(found) > 1
    assert len([cell for cell in claim.cells if cell.number(record(claim.study))]) == len(found)


def test_kronecker_factors_are_held_against_both_baselines_on_every_network():
    claim = CLAIMS["ekfac_beats_gradient_products_and_label_match"]
    table = record(claim.study)
    networks = table.query("statistic == 'spearman_difference' and estimator == 'ekfac'")[["data", "depth"]]
    against = {each.less["estimator"] if each.less else each.where["reference"] for each in claim.cells}
    assert against == {"gradient_dot", "same_label"}
    for cells in (claim.cells[::2], claim.cells[1::2]):
        assert {(each.where["data"], each.where["depth"]) for each in cells} == set(networks.itertuples(index=False))
    assert all(cell.number(table) for cell in claim.cells)


def test_no_claim_rests_on_a_number_that_misled():
    wheres = [cell.where for claim in CLAIMS.values() for cell in (*claim.cells, *claim.printed)]
    assert not MISLEADING & {where.get("statistic") for where in wheres}
    assert "middle_corrected" not in {where.get("reference") for where in wheres}


def test_a_mean_over_data_sets_takes_the_data_sets_as_drawn():
    rule = [CLAIMS["rule_for_t_beats_the_fixed_one"], CLAIMS["rule_for_t_is_near_the_best"]]
    assert [len(cell.units["data"]) for claim in rule for cell in claim.cells] == [7, 7]
