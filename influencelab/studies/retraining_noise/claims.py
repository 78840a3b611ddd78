"""Published claims, and a finding, about the noise of leave-one-out retraining."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding

STUDY = "retraining_noise"
# Settings of the network by whose numbers the claims are judged.
NETWORK = {"depth": 1, "learning_rate": 1e-3}
DETECTED = {**NETWORK, "statistic": "detected"}
UNPAIRED, PAIRED = ({**DETECTED, "target": target} for target in ("unpaired", "paired"))

claim = partial(Claim, study=STUDY, paper="Nguyen et al. 2023")
drowned = partial(
    claim,
    published="the influence of single samples is often overshadowed by noise; low-noise pairs are rare",
    high=0.1,
)

CLAIMS = (
    drowned(
        name="single_effects_drown_as_published",
        statement="With the published protocol (training goes on from the fit, batches paired, no control) fewer than "
        "a tenth of the effects of one point on one test loss exceed twice their standard deviation over seeds.",
        where={**DETECTED, "target": "published"},
    ),
    drowned(
        name="single_effects_drown_unpaired",
        statement="So do the effects of retraining from the start where each model draws its own batches; explained, "
        "if paired batches take that away.",
        where=UNPAIRED,
        control=PAIRED,
    ),
    drowned(
        name="single_effects_drown_paired", statement="They do even if all models see the same batches.", where=PAIRED
    ),
    drowned(
        name="single_effects_drown_with_a_control",
        statement="They do with the published protocol if a control that lost nothing goes on too and is subtracted.",
        where={**DETECTED, "target": "warm"},
    ),
    claim(
        name="pairing_raises_detection",
        statement="Pairing the batches raises the share of effects that exceed twice their standard deviation.",
        where={**NETWORK, "statistic": "detection_gain"},
        published="not compared: batches were paired throughout",
        low=0.0,
    ),
    *(
        claim(
            name=f"{statistic}_{target}",
            statement=f"{words} of leave-one-out retraining from the start, batches {target}.",
            where={**NETWORK, "target": target, "statistic": statistic},
            published="no number is printed",
        )
        for target in ("unpaired", "paired")
        for statistic, words in (
            ("repeatability", "How far one draw repeats the order of the points,"),
            ("draws_needed", "How many draws must be averaged for a repeatability of 0.8"),
        )
    ),
)

FINDINGS = (
    Finding(
        STUDY,
        "**Leave-one-out is noise where batches are not paired.** The share of effects that exceed twice "
        "their standard deviation over draws is {} where each model draws its own batches, and {} where all "
        "see the same.",
        (UNPAIRED, PAIRED),
    ),
)
