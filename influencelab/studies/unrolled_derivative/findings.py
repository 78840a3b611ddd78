"""Findings about the derivative of a training run, with numbers selected from the reports."""

from influencelab.runner.finding import Finding
from influencelab.studies.unrolled_derivative.claims import RUNS, STUDY

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
