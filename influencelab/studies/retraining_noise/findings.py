"""What the study `retraining_noise` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding

STUDY = "retraining_noise"

FINDINGS = (
    Finding(
        STUDY,
        "**Leave-one-out is noise where batches are not paired.** The share of effects that exceed twice "
        "their standard deviation over draws is {} where each model draws its own batches, and {} where all "
        "see the same.",
        (
            {"name": "noise/unpaired/detected/1/0.001"},
            {"name": "noise/paired/detected/1/0.001"},
        ),
    ),
    Finding(
        STUDY,
        "**The derivative of the run predicts that run.** Its rank correlation with the same run made again "
        "without a point is {} for SGD and {} for Adam; with a run of another seed it is {} and {}.",
        (
            {"name": "unrolled/sgd/1/0.01/same"},
            {"name": "unrolled/adam/1/0.001/same"},
            {"name": "unrolled/sgd/1/0.01/other"},
            {"name": "unrolled/adam/1/0.001/other"},
        ),
    ),
)
