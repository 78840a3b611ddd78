"""What the study `where_the_error_comes_from` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding

STUDY = "where_the_error_comes_from"

FINDINGS = (
    Finding(
        STUDY,
        "**Influence answers the question Bae et al. say it answers.** For networks at a minimum it ranks the"
        " proximal response with {} and beats its own agreement with cold retraining by {}; for networks "
        "stopped early the difference is {}.",
        (
            {"name": "controlled/iris/linearised/pbrf/spearman"},
            {"name": "controlled/iris/linearised/pbrf_over_cold"},
            {"name": "published/iris/estimate/pbrf_over_cold"},
        ),
    ),
)
