"""The claims about a convolutional network select its numbers, and only MNIST is held against what was printed."""

from dataclasses import replace

import numpy
import pytest
import torch
from outcomes import tried
from scipy import stats

from influencelab.runner.verdict import judge
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import check_tidy, find
from influencelab.studies.convolutional_network.analysis import MINIMUM, PUBLISHED, measurements
from influencelab.studies.convolutional_network.claims import CLAIMS, FINDINGS

LOST = (3, 5)


def network(seed, *, left=()):
    """An invented network, of whose retrained models some left the fit's basin."""
    found = tried(seed, selection="random_points")
    kept = torch.tensor([row not in left for row in range(len(found.train_ids))])
    facts = {
        "p": 792,
        "n": 200,
        "fit_converged": True,
        "fit_grad_norm": 1e-12 * (1 + seed),
        "smallest_curvature": 1e-3 / (1 + seed),
        "targets": {"warm": {"converged": len(kept), "trusted": int(kept.sum())}},
    }
    return replace(found, trusted={"warm": kept}, facts={**found.facts, **facts})


def outcomes(data):
    """Four of each kind, by the keys of the notebook."""
    published = {(data, PUBLISHED, seed): network(seed) for seed in range(4)}
    return published | {(data, MINIMUM, seed): network(10 + seed, left=LOST) for seed in range(4)}


def table(data):
    """The measurements as the notebook makes them."""
    found = measurements(outcomes(data), bootstrap=Bootstrap(resamples=60))
    check_tidy(found)
    return found


def test_each_claim_selects_one_number_and_digits_are_not_held_against_what_was_printed_for_mnist():
    mnist, digits = ([judge(claim, table(data), "paper") for claim in CLAIMS] for data in ("mnist", "digits"))
    assert all(cell.number is not None for verdict in mnist for cell in (*verdict.cells, *verdict.sizes))
    assert all(verdict.measured for verdict in digits)
    assert [(bool(verdict.size), digit.size) for verdict, digit in zip(mnist, digits, strict=True)] == [
        (True, ""),
        (False, ""),
        (True, ""),
    ]
    assert digits[1].verdict == "reported only"


def test_random_points_repeat_as_the_truths_of_two_starts_agree():
    truths = [tried(seed).actual["warm"].numpy() for seed in range(4)]
    couples = [
        stats.spearmanr(one[:, j], other[:, j])[0]
        for one, other in zip(truths[::2], truths[1::2], strict=True)
        for j in range(truths[0].shape[1])
    ]
    (repeats,) = [cell for claim in CLAIMS for cell in claim.cells if cell.where["statistic"] == "repeatability"]
    assert repeats.number(table("mnist")).value == pytest.approx(sum(couples) / len(couples))


def test_at_a_minimum_models_that_left_the_basin_count_and_the_minimum_is_said():
    found, held = table("digits"), [each for key, each in outcomes("digits").items() if key[1] == MINIMUM]
    rho = [
        stats.spearmanr(each.predicted["exact"][:, j], each.actual["warm"][:, j])[0]
        for each in held
        for j in range(held[0].actual["warm"].shape[1])
    ]
    where = {"network": MINIMUM, "selection": "random_points", "statistic": "spearman"}
    assert find(found, where).value == pytest.approx(numpy.mean(rho))
    said = {"parameters": 792, "train": 200, "largest_gradient": 1.4e-11, "smallest_curvature": 1e-3 / 14}
    shares = {"fits_at_a_minimum": 1, "converged": 1, "trusted": 22 / 24}
    for name, value in (said | shares).items():
        assert find(found, {"network": MINIMUM, "statistic": name}).value == pytest.approx(value)
    numbers = [find(found, where) for where in FINDINGS[1].quotes]
    assert "is at a true minimum" in FINDINGS[1].text(numbers).format(*numbers)
