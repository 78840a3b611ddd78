"""Published claims, and a finding, about the derivative of a training run as a prediction of that run."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding

STUDY = "unrolled_derivative"
# Settings of the runs by whose numbers the claims are judged, and their words.
RUNS = {
    "sgd": {"optimiser": "sgd", "depth": 1, "learning_rate": 0.01},
    "adam": {"optimiser": "adam", "depth": 1, "learning_rate": 1e-3},
}
RULES = {"sgd": "SGD with momentum", "adam": "Adam"}
RATES = {"sgd": "SGD with momentum, rate 0.01", "adam": "Adam, rate 0.001"}

claim = partial(Claim, study=STUDY, paper="MAGIC (Ilyas & Engstrom 2025)")

CLAIMS = (
    *(
        claim(
            name=f"unrolled_is_near_perfect_{run}_{removed}",
            statement=f"The derivative of the run ({RATES[run]}) ranks {what} as retraining with the same seed does.",
            where={**RUNS[run], "share": share, "draw": "same", "statistic": "spearman"},
            published="LDS near 1 for small drops; an open replication: 0.931, across seeds 0.829",
            low=0.95,
        )
        for run in RUNS
        for removed, what, share in (("one", "single points", None), ("1_percent", "groups of 1%", 0.01))
    ),
    *(
        claim(
            name=f"another_seed_is_predicted_worse_{run}",
            statement=f"It ranks single points worse for retraining with another seed ({RULES[run]}): the difference.",
            where={**RUNS[run], "share": None, "statistic": "drop"},
            published="0.931 against 0.829 in an open replication",
            low=0.0,
        )
        for run in RUNS
    ),
    claim(
        name="the_wrong_optimiser_predicts_worse",
        paper="How Faithful Is Trajectory-Based Data Attribution? (2026)",
        statement="The derivative of an SGD run from the same start with the same batches says less of Adam's truth "
        "than Adam's own: the difference.",
        where={"optimiser": "adam", "derivative_of": "sgd", "statistic": "drop"},
        published="knowing the optimiser improves Spearman by 10% to over 300%",
        low=0.0,
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**The derivative of the run predicts that run.** Its rank correlation with the same run made again "
        "without a point is {} for SGD and {} for Adam; with a run of another seed it is {} and {}.",
        tuple(
            {**RUNS[run], "share": None, "draw": draw, "statistic": "spearman"}
            for draw in ("same", "other")
            for run in ("sgd", "adam")
        ),
    ),
)
