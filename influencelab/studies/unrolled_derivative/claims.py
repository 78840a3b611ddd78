"""Published claims, and a finding, about the derivative of a training run as a prediction of that run."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "unrolled_derivative"
RATES = {("sgd", 1): (0.003, 0.01, 0.03, 0.1), ("sgd", 4): (0.003, 0.01, 0.03, 0.1), ("adam", 1): (3e-4, 1e-3, 3e-3)}
RULES = {"sgd": "SGD", "adam": "Adam"}
LAYERS = {1: "one layer", 4: "four layers"}
# Every run that was measured: single points at every rate, groups at one.
SINGLE = {
    f"{RULES[rule]}, {LAYERS[depth]}, rate {rate:g}": {
        "optimiser": rule,
        "depth": depth,
        "learning_rate": rate,
        "share": None,
    }
    for (rule, depth), rates in RATES.items()
    for rate in rates
}
SGD, ADAM = (SINGLE[f"{words}, one layer, rate {rate}"] for words, rate in (("SGD", 0.01), ("Adam", 0.001)))
GROUPS = {
    f"{RULES[run['optimiser']]}, one layer, rate {run['learning_rate']:g}, groups of {share:.0%}": {
        **run,
        "share": share,
    }
    for run in (SGD, ADAM)
    for share in (0.01, 0.05)
}
SAME, OTHER = ({"draw": draw, "statistic": "spearman", "estimator": "unrolled"} for draw in ("same", "other"))
FOREIGN = {"optimiser": "adam", "derivative_of": "sgd"}

claim = partial(Claim, study=STUDY, paper="MAGIC (Ilyas & Engstrom 2025)")

CLAIMS = (
    claim(
        name="unrolled_is_near_perfect",
        statement="The derivative of the run ranks single points, and groups, as retraining with the same seed does.",
        where=SAME,
        settings=tuple(Setting(name, run) for name, run in (SINGLE | GROUPS).items()),
        published="LDS near 1 for small drops; an open replication: 0.931, across seeds 0.829",
        low=0.95,
    ),
    claim(
        name="another_seed_is_predicted_as_far_as_it_repeats",
        paper="influencelab, beside MAGIC (Ilyas & Engstrom 2025)",
        statement="For retraining with another seed the derivative does as well as retraining with a third seed does: "
        "its correlation less the repeatability of the truth is 0 within a twentieth.",
        where=OTHER,
        settings=tuple(
            Setting(name, run, less={"draw": None, "statistic": "repeatability", "estimator": None})
            for name, run in (SINGLE | GROUPS).items()
        ),
        published="0.931 against 0.829 in an open replication; repeatability is not printed",
        low=-0.05,
        high=0.05,
    ),
    claim(
        name="the_wrong_optimiser_predicts_worse",
        paper="How Faithful Is Trajectory-Based Data Attribution? (2026)",
        statement="The derivative of an SGD run from the same start with the same batches says less of Adam's truth "
        "than Adam's own: the difference.",
        where={**FOREIGN, "statistic": "drop"},
        published="knowing the optimiser improves Spearman by 10% to over 300%",
        low=0.0,
        negligible=0.02,
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**The derivative of the run predicts that run, until the rate is too large.** Its rank correlation with the "
        "same run made again without a point is {} for SGD and {} for Adam; with four layers it falls from {} at rate "
        "0.003 to {} at 0.1. With a run of another seed it is {} and {}, as far as such runs repeat ({} and {}).",
        (
            {**SGD, **SAME},
            {**ADAM, **SAME},
            *({**SINGLE[f"SGD, four layers, rate {rate}"], **SAME} for rate in (0.003, 0.1)),
            {**SGD, **OTHER},
            {**ADAM, **OTHER},
            *({**run, "statistic": "repeatability"} for run in (SGD, ADAM)),
        ),
    ),
)
