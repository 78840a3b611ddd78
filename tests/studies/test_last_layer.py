"""Last-layer influence: both estimates and their difference by SciPy, in the rows that claims and findings select."""

import numpy
import pytest
from outcomes import network, spearman

from influencelab.experiments.seed_agreement import OWN, AgreementQuery, agreement_rows, cells_of, difference_rows
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.measurements import find, tidy
from influencelab.studies.last_layer.claims import CLAIMS, FINDINGS, LAST_LAYER

NETWORKS = {("epifano", 1, 5, 0.005, seed): network(seed, own=2) for seed in range(4)}
QUERIES = [
    AgreementQuery("epifano", {"arm": "epifano", "data": "iris"}, name, selection="highest_loss", require_minimum=False)
    for name in ("theirs", "corrected")
]


@pytest.fixture(scope="module")
def found():
    """The measurements of four invented networks, as the notebook makes them."""
    cells, quick = cells_of(QUERIES, NETWORKS), Bootstrap(resamples=60)
    gained = {"pair": ("corrected", "theirs"), "statistic": "corrected_less_theirs", "how": OWN}
    return tidy(
        [*agreement_rows(cells, bootstrap=quick), *difference_rows(cells, "estimator", bootstrap=quick, **gained)]
    )


def rho(estimator):
    """ρ by SciPy at the one test point of each network."""
    return numpy.array([spearman(each, estimator=estimator)[2] for each in NETWORKS.values()])


def test_claims_and_findings_select_the_mean_of_each_estimate_and_what_the_correction_gains(found):
    theirs, better = (find(found, claim.where) for claim in CLAIMS)
    assert better.value == pytest.approx(rho("corrected").mean())
    assert theirs.value == pytest.approx(rho("theirs").mean())
    gain = find(found, {**LAST_LAYER, "statistic": "corrected_less_theirs"})
    assert gain.value == pytest.approx((rho("corrected") - rho("theirs")).mean())
    (finding,) = FINDINGS
    assert [find(found, where).value for where in finding.quotes] == pytest.approx(
        [rho(name).mean() for name in ("theirs", "corrected")]
    )
