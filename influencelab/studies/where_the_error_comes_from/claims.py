"""What is claimed, and was found, about where the error of an influence function comes from: Bae et al. (2022)."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "where_the_error_comes_from"
# The networks of each arm and data set, all depths and weight decays together. Influence is LiSSA where networks stop
# early, and solved exactly at a minimum, so that linearisation alone stands before the response.
NETWORKS = {
    f"{data}, {words}": {"arm": arm, "data": data, "estimator": estimator}
    for arm, words, estimator in (("published", "stopped early", "estimate"), ("controlled", "minimum", "linearised"))
    for data in ("iris", "digits")
}
POOLED = {"depth": None, "weight_decay": None}

claim = partial(
    Claim,
    study=STUDY,
    paper="Bae et al. 2022",
    published="the first three terms dominate; the last two are at least an order smaller for most networks",
)

CLAIMS = (
    claim(
        name="linearisation_and_solver_hardly_err",
        statement="Linearisation and solver (LiSSA) together err a tenth, at most, of what warm start, proximity and "
        "non-convergence do together: the ratio of RMS over removals. On digits there are few networks (one at "
        "standard, three at paper, each at two weight decays), and the ratio differs between them.",
        where={**POOLED, "estimator": "estimate", "statistic": "ratio"},
        settings=tuple(Setting(name, {**where, "estimator": "estimate"}) for name, where in NETWORKS.items()),
        high=0.1,
    ),
    claim(
        name="influence_answers_the_proximal_question",
        statement="Influence ranks removals as the proximal Bregman response (PBRF) does: Spearman 0.9 or more.",
        where={**POOLED, "target": "pbrf", "statistic": "spearman"},
        settings=tuple(Setting(name, where) for name, where in NETWORKS.items()),
        low=0.9,
    ),
    claim(
        name="influence_is_nearer_to_the_response_than_to_warm_retraining",
        statement="Influence agrees more with that response than with retraining from the fit to a minimum: the "
        "difference of Spearman's correlations.",
        where={**POOLED, "target": "pbrf", "statistic": "spearman"},
        settings=tuple(Setting(name, where, less={"target": "warm"}) for name, where in NETWORKS.items()),
        low=0.0,
        negligible=0.02,
    ),
)

EARLY, MINIMUM = ({**NETWORKS[f"iris, {words}"], **POOLED} for words in ("stopped early", "minimum"))
RATIO = {"statistic": "ratio", "estimator": "estimate"}

FINDINGS = (
    Finding(
        STUDY,
        "**At a minimum the error is the question, not the answer; stopped early it is both.** Linearisation and "
        "solver err {} times as much as the other three terms together at a minimum on Iris, and {} times as much "
        "where training stopped early.",
        ({**MINIMUM, **RATIO}, {**EARLY, **RATIO}),
    ),
    Finding(
        STUDY,
        "**Influence answers the question Bae et al. say it answers.** At a minimum on Iris it ranks the proximal "
        "response at {}, warm retraining at {} and cold retraining at {}; stopped early at {}, {} and {}.",
        tuple(
            {**networks, "target": target, "statistic": "spearman"}
            for networks in (MINIMUM, EARLY)
            for target in ("pbrf", "warm", "cold")
        ),
    ),
)
