"""The claims about a convolutional network select its numbers, and only MNIST is held against what was printed."""

import pytest
from outcomes import tried
from scipy import stats

from influencelab.experiments.replication import correlations, means, repeatability
from influencelab.runner.verdict import judge
from influencelab.studies.convolutional_network.claims import CLAIMS


def table(data):
    """The measurements of four invented networks, as the notebook makes them."""
    networks = [tried(seed, selection="random_points") for seed in range(4)]
    held, random = {"estimator": "exact", "target": "warm"}, {"target": "warm", "selection": "random_points"}
    measured = [
        (selection, name) for selection in ("top", "random_points") for name in ("spearman", "pearson", "slope")
    ]
    parts = [
        (
            {"data": data, **held, "selection": selection, "statistic": name},
            correlations(networks, selection=selection, measure=name, **held),
        )
        for selection, name in measured
    ]
    repeats = repeatability(networks[::2], networks[1::2], **random)
    return means([*parts, ({"data": data, **random, "statistic": "repeatability"}, repeats)])


def test_each_claim_selects_one_number_and_digits_are_not_held_against_what_was_printed_for_mnist():
    mnist, digits = ([judge(claim, table(data), "paper") for claim in CLAIMS] for data in ("mnist", "digits"))
    assert all(cell.number is not None for verdict in mnist for cell in (*verdict.cells, *verdict.sizes))
    assert all(verdict.measured for verdict in digits)
    assert (bool(mnist[0].size), digits[0].size) == (True, "")
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
