"""What the study `where_the_error_comes_from` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding

STUDY = "where_the_error_comes_from"
# Over all networks on Iris.
IRIS = {"data": "iris", "depth": None, "weight_decay": None}
MINIMUM = {**IRIS, "arm": "controlled", "estimator": "linearised"}
EARLY = {**IRIS, "arm": "published", "estimator": "estimate"}

FINDINGS = (
    Finding(
        STUDY,
        "**Influence answers the question Bae et al. say it answers.** For networks at a minimum it ranks the"
        " proximal response with {} and beats its own agreement with cold retraining by {}; for networks "
        "stopped early the difference is {}.",
        (
            {**MINIMUM, "target": "pbrf", "statistic": "spearman"},
            {**MINIMUM, "statistic": "pbrf_over_cold"},
            {**EARLY, "statistic": "pbrf_over_cold"},
        ),
    ),
)
