"""The error as a budget: ratios and shares by hand, only what all four trust, a sum that is checked, and settings."""

import numpy
import pandas
import pytest
import torch

from influencelab.experiments.outcome import Outcome
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find
from influencelab.studies.where_the_error_comes_from import analysis
from influencelab.studies.where_the_error_comes_from.decomposition import STEPS, TERMS

QUICK = Bootstrap(resamples=60)
R, M = 12, 4
RATIO = {"depth": 1, "statistic": "ratio"}


def invented(seed: int, *, spoiled: bool = False) -> Outcome:
    """An outcome of random steps; the last two experiments are trusted by not all, and may hold nonsense."""
    generator = torch.Generator().manual_seed(seed)
    steps = {name: torch.randn(R, M, generator=generator, dtype=torch.float64) for name in (*STEPS, "estimate")}
    if spoiled:
        for step in steps.values():
            step[-2:] *= 1e3
    trusted = {name: torch.ones(R, dtype=torch.bool) for name in STEPS[:4]}
    trusted["warm"][-1] = False
    trusted["pbrf"][-2] = False
    return Outcome(
        predicted={name: steps[name] for name in ("estimate", "linearised")},
        chosen={"random_points": torch.ones(R, M, dtype=torch.bool)},
        actual={name: steps[name] for name in STEPS[:4]},
        trusted=trusted,
        control={name: torch.zeros(M, dtype=torch.float64) for name in STEPS[:4]},
        train_ids=torch.arange(R),
        train_labels=torch.zeros(R, dtype=torch.int64),
        test_ids=torch.arange(M),
        test_labels=torch.zeros(M, dtype=torch.int64),
        facts={
            "classes": 0,
            "single": True,
            "p": 5,
            "removals": R,
            "fit_grad_norm": 1e-3,
            "estimates": {name: {"unit": "nats", "largest_residual": 0.5} for name in ("estimate", "linearised")},
        },
    )


def cells(**settings) -> dict:
    """Two depths of one arm, two networks each."""
    keys = [("iris", "published", depth, 0.005) for depth in (1, 2)]
    return analysis.settings({key: [invented(10 * key[2] + seed, **settings) for seed in (0, 1)] for key in keys})


def rms(table: torch.Tensor) -> numpy.ndarray:
    """Over the experiments that all four trust."""
    return table[: R - 2].square().mean(0).sqrt().numpy()


def test_the_ratio_is_of_the_signed_sums_of_terms():
    outcome = invented(0)
    truth, response, estimate = outcome.actual["cold"], outcome.actual["pbrf"], outcome.predicted["estimate"]
    wanted = rms(response - estimate) / rms(truth - response)
    assert numpy.exp(analysis.misses([outcome]).values[0]) == pytest.approx(wanted)
    number = find(analysis.measurements({analysis.Setting("iris", "a", 1, 0.1): [outcome]}, QUICK), RATIO)
    assert number is not None
    assert number.value == pytest.approx(float(numpy.exp(numpy.log(wanted).mean())))


def test_shares_sum_to_one():
    total = sum(analysis.shares([invented(0), invented(1)], term).values for term in TERMS)
    assert total == pytest.approx(numpy.ones((2, M)))


def test_only_what_all_four_trust_counts_for_every_truth():
    ours, spoiled = (analysis.measurements(cells(spoiled=each), QUICK) for each in (False, True))
    pandas.testing.assert_frame_equal(ours, spoiled, check_exact=True)
    assert (analysis.agreement([invented(0)], target="cold").pairs == R - 2).all()


def test_every_setting_has_its_numbers_and_so_has_an_arm_over_all_of_them():
    found = analysis.measurements(cells(), QUICK)
    check_tidy(found)
    assert len(found) == 3 * (2 * (4 + 1) + 1 + len(TERMS))

    def value(**where):
        number = find(found, {"arm": "published", "data": "iris", **where})
        assert number is not None
        return number.value

    of_response = {"estimator": "estimate", "target": "pbrf", "statistic": "spearman"}
    one, two = (value(**of_response, depth=depth, weight_decay=0.005) for depth in (1, 2))
    assert value(**of_response, depth=None, weight_decay=None) == pytest.approx((one + two) / 2)
    exact = {"depth": 1, "weight_decay": 0.005, "estimator": "linearised"}
    tops = [value(**exact, target=target, statistic="spearman") for target in ("pbrf", "cold")]
    assert value(**exact, statistic="pbrf_over_cold") == pytest.approx(tops[0] - tops[1])
    shares = [value(depth=2, term=term, statistic="share") for term in TERMS]
    assert sum(shares) == pytest.approx(1)


def test_the_terms_sum_to_the_error_and_a_lost_term_would_show(monkeypatch):
    outcome = invented(3)
    assert analysis.largest_gap(outcome) < 1e-12
    terms = analysis.terms_in(outcome)
    terms.parts.pop("solver")
    monkeypatch.setattr(analysis, "terms_in", lambda _: terms)
    assert analysis.largest_gap(outcome) > 0.1


def test_two_counted_experiments_have_no_ratio():
    outcome = invented(0)
    outcome.trusted["cold"][2:] = False
    assert numpy.isnan(analysis.misses([outcome]).values).all()


def test_every_table_has_a_row_a_setting_and_the_figure_a_panel_an_arm():
    found = cells()
    assert len(analysis.term_table(found, QUICK).data) == 2
    assert len(analysis.agreement_table(found, QUICK).data) == 4
    assert analysis.trust_table(found).data["by all four"].tolist() == [2 * (R - 2)] * 2
    assert len(analysis.sum_table(found).data) == 2
    assert len(analysis.budget_figure(found).axes) == 1
    assert len(analysis.agreement_figure(found, "iris", QUICK).axes) == 1
    assert len(analysis.changes_table(found)) == 4 * (R - 2) * M
