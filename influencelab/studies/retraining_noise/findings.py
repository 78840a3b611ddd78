"""What the study `retraining_noise` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding
from influencelab.studies.retraining_noise.claims import ADAM, NETWORK, SGD, STUDY

FINDINGS = (
    Finding(
        STUDY,
        "**Leave-one-out is noise where batches are not paired.** The share of effects that exceed twice "
        "their standard deviation over draws is {} where each model draws its own batches, and {} where all "
        "see the same.",
        (
            {**NETWORK, "target": "unpaired", "statistic": "detected"},
            {**NETWORK, "target": "paired", "statistic": "detected"},
        ),
    ),
    Finding(
        STUDY,
        "**The derivative of the run predicts that run.** Its rank correlation with the same run made again "
        "without a point is {} for SGD and {} for Adam; with a run of another seed it is {} and {}.",
        tuple(
            {**run, "share": None, "draw": draw, "statistic": "spearman"}
            for draw in ("same", "other")
            for run in (SGD, ADAM)
        ),
    ),
)
