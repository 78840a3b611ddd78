"""Findings about the noise of leave-one-out retraining, with numbers selected from the reports."""

from influencelab.runner.finding import Finding
from influencelab.studies.retraining_noise.claims import PAIRED, STUDY, UNPAIRED

FINDINGS = (
    Finding(
        STUDY,
        "**Leave-one-out is noise where batches are not paired.** The share of effects that exceed twice "
        "their standard deviation over draws is {} where each model draws its own batches, and {} where all "
        "see the same.",
        (UNPAIRED, PAIRED),
    ),
)
