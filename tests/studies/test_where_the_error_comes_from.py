"""The error as a budget: ratios and shares by hand, only what all four trust, a sum that is checked, and settings."""

import numpy
import pandas
import pytest
import torch

from influencelab.experiments.outcome import Outcome
from influencelab.experiments.tables import measurement_table
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find
from influencelab.studies.where_the_error_comes_from import analysis, figures
from influencelab.studies.where_the_error_comes_from.decomposition import STEPS, TERMS, TRUTHS

QUICK = Bootstrap(resamples=60)
R, M = 12, 4
RATIO = {"depth": 1, "statistic": "ratio"}


def invented(seed: int, *, spoiled: bool = False) -> Outcome:
    """An outcome of random steps; the last two experiments are trusted by not all, and may hold nonsense."""
    generator = torch.Generator().manual_seed(seed)
    steps = {name: torch.randn(R, M, generator=generator, dtype=torch.float64) for name in STEPS}
    if spoiled:
        for step in steps.values():
            step[-2:] *= 1e3
    trusted = {name: torch.ones(R, dtype=torch.bool) for name in TRUTHS}
    trusted["warm"][-1] = False
    trusted["pbrf"][-2] = False
    return Outcome(
        predicted={name: steps[name] for name in ("estimate", "linearised")},
        chosen={"random_points": torch.ones(R, M, dtype=torch.bool)},
        actual={name: steps[name] for name in TRUTHS},
        trusted=trusted,
        control={name: torch.zeros(M, dtype=torch.float64) for name in TRUTHS},
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
    return {key: [invented(10 * key[2] + seed, **settings) for seed in (0, 1)] for key in keys}


def rms(table: torch.Tensor) -> numpy.ndarray:
    """Over the experiments that all four trust."""
    return table[: R - 2].square().mean(0).sqrt().numpy()


def test_the_ratio_is_of_the_signed_sums_of_terms():
    outcome = invented(0)
    truth, response, estimate = outcome.actual["cold"], outcome.actual["pbrf"], outcome.predicted["estimate"]
    wanted = rms(response - estimate) / rms(truth - response)
    assert numpy.exp(analysis.term_statistics([outcome])["ratio"].values[0]) == pytest.approx(wanted)
    number = find(analysis.measurements({("iris", "a", 1, 0.1): [outcome]}, QUICK), RATIO)
    assert number is not None
    assert number.value == pytest.approx(float(numpy.exp(numpy.log(wanted).mean())))


def test_shares_sum_to_one():
    found = analysis.term_statistics([invented(0), invented(1)])
    total = sum(found[term].values for term in TERMS)
    assert total == pytest.approx(numpy.ones((2, M)))


def test_only_what_all_four_trust_counts_for_every_truth():
    ours, spoiled = (analysis.measurements(cells(spoiled=each), QUICK) for each in (False, True))
    pandas.testing.assert_frame_equal(ours, spoiled, check_exact=True)
    assert all((each.pairs == R - 2).all() for each in analysis.agreement([invented(0)], target="cold").values())


def test_every_setting_has_its_numbers_and_so_has_an_arm_over_all_of_them():
    found = analysis.measurements(cells(), QUICK)
    check_tidy(found)
    assert len(found) == 3 * (2 * (4 * 4 + 1) + 1 + len(TERMS))

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
    errors = []
    for held in cells()["iris", "published", 2, 0.005]:
        guess, truth = held.predicted["estimate"][: R - 2], held.actual["cold"][: R - 2]
        errors.append(numpy.linalg.norm(truth - guess, axis=0) / numpy.linalg.norm(truth, axis=0))
    of_size = {"estimator": "estimate", "target": "cold", "depth": 2, "weight_decay": 0.005}
    assert value(**of_size, statistic="relative_error") == pytest.approx(numpy.mean(errors))
    shares = [value(depth=2, term=term, statistic="share") for term in TERMS]
    assert sum(shares) == pytest.approx(1)


def test_the_terms_sum_to_the_error_and_a_lost_term_would_show(monkeypatch):
    outcome = invented(3)
    assert analysis.largest_gap(outcome) < 1e-12
    terms = analysis.terms_in(outcome)
    terms.pop("solver")
    monkeypatch.setattr(analysis, "terms_in", lambda _: terms)
    assert analysis.largest_gap(outcome) > 0.1


def test_two_counted_experiments_have_no_ratio():
    outcome = invented(0)
    outcome.trusted["cold"][2:] = False
    assert all(numpy.isnan(table.values).all() for table in analysis.term_statistics([outcome]).values())


def test_words_stand_for_every_name_and_what_has_no_value_across_has_a_column():
    found = analysis.measurements(cells(), QUICK)
    shares = measurement_table(analysis.in_words(found, "term", statistics=("share", "ratio")), across="term").data
    assert shares[["fit", "hidden layers"]].to_numpy().tolist() == [["stopped early", "1"], ["stopped early", "2"]]
    assert {"solved by", *TERMS, "(4+5) / (1–3)"} <= set(shares)
    of_ranks = analysis.in_words(found, "target", statistics=("spearman", "pbrf_over_cold"))
    ranks = measurement_table(of_ranks, across="target").data
    assert ranks["solved by"].tolist() == ["LiSSA", "exact solver"] * 2
    assert {"retraining anew", "warm", "proximal", "PBRF", "PBRF − retraining anew"} <= set(ranks)
    sizes = measurement_table(analysis.in_words(found, "statistic", statistics=("spearman", "relative_error"))).data
    assert {"Spearman", "RMS error / RMS truth", "target"} <= set(sizes)


def test_fits_are_counted_and_every_figure_draws_every_depth():
    found = cells()
    trusted = analysis.trust_table(found).data
    assert trusted["by all four"].tolist() == [2 * (R - 2)] * 2
    assert trusted["trusted (cold, warm, proximal, pbrf)"].tolist() == ["24, 22, 24, 22"] * 2
    (budget,) = figures.error_terms(found).axes
    heights = numpy.array([[bar.get_height() for bar in bars] for bars in budget.containers])
    assert heights.sum(0) == pytest.approx([1, 1])
    outcomes = found["iris", "published", 1, 0.005]
    parts = [torch.cat([analysis.terms_in(each)[term][: R - 2] for each in outcomes]) for term in TERMS]
    sizes = torch.stack([part.square().mean().sqrt() for part in parts])
    assert heights[:, 0] == pytest.approx((sizes / sizes.sum()).numpy())
    total, truth = torch.stack(parts).sum(0), torch.cat([each.actual["cold"][: R - 2] for each in outcomes])
    assert budget.texts[0].get_text() == f"{float((total.square().mean() / truth.square().mean()).sqrt()):.2g}"
    measured = analysis.measurements(found, QUICK)
    figure = figures.agreement_by_depth(measured, figures.network_means(found), "iris")
    assert figure is not None
    assert [axis.get_title() for axis in figure.axes] == ["weight decay 0.005"]
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert sorted(names) == ["stopped early: PBRF", "stopped early: retraining anew"]
    assert figures.agreement_by_depth(measured, None, "digits") is None
    assert len(analysis.changes_table(found)) == 4 * (R - 2) * M
