"""Published claims, and findings, about the noise of leave-one-out retraining."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "retraining_noise"
# Every network that was measured.
NETWORKS = {
    f"{layers}, rate {rate:g}": {"depth": depth, "learning_rate": rate}
    for depth, layers in ((1, "one layer"), (2, "two layers"))
    for rate in (1e-3, 1e-2)
}
EACH = tuple(Setting(name, network) for name, network in NETWORKS.items())
BATCHES = tuple(
    Setting(f"{name}, batches {target}", {**network, "target": target})
    for name, network in NETWORKS.items()
    for target in ("unpaired", "paired")
)
DETECTED = {"statistic": "detected"}

claim = partial(Claim, study=STUDY, paper="Nguyen et al. 2023")
ours = partial(claim, paper="influencelab, beside Nguyen et al. 2023", published="not compared: batches were paired")

CLAIMS = (
    claim(
        name="single_effects_drown",
        statement="With the published protocol (training goes on from the fit, batches paired, no control) fewer than "
        "a tenth of the effects of one point on one test loss exceed twice their standard deviation over seeds. At "
        "rate 0.001 training had not ended, so that what is detected is drift that all removals share.",
        where={**DETECTED, "target": "published"},
        settings=EACH,
        high=0.1,
        published="the influence of single samples is often overshadowed by noise; low-noise pairs are rare",
    ),
    ours(
        name="single_effects_drown_without_the_drift",
        statement="The same where a control that lost nothing goes on too and is subtracted.",
        where={**DETECTED, "target": "warm"},
        settings=EACH,
        high=0.1,
    ),
    ours(
        name="single_effects_from_the_start",
        statement="What share of effects exceeds twice its standard deviation where every model is trained from the "
        "start. 20 draws estimate a small share too high.",
        where=DETECTED,
        settings=BATCHES,
    ),
    ours(
        name="pairing_raises_detection",
        statement="Pairing the batches raises that share: the difference.",
        where={"statistic": "detection_gain"},
        settings=EACH,
        low=0.0,
        negligible=0.02,
    ),
    ours(
        name="repeatability_of_retraining",
        statement="How far one draw of leave-one-out retraining from the start repeats the order of the points.",
        where={"statistic": "repeatability"},
        settings=BATCHES,
        published="no number is printed",
    ),
    ours(
        name="draws_needed",
        statement="How many draws must be averaged for a repeatability of 0.8.",
        where={"statistic": "draws_needed"},
        settings=BATCHES,
        published="no number is printed",
    ),
)

SLOW, FAST = ({**DETECTED, **NETWORKS[f"one layer, rate {rate:g}"]} for rate in (1e-3, 1e-2))
FINDINGS = (
    Finding(
        STUDY,
        "**Leave-one-out is noise where batches are not paired.** The share of effects that exceed twice "
        "their standard deviation over draws is {} where each model draws its own batches, and {} where all "
        "see the same (one layer, rate 0.001; at rate 0.01 {} and {}).",
        tuple({**network, "target": target} for network in (SLOW, FAST) for target in ("unpaired", "paired")),
    ),
    Finding(
        STUDY,
        "**Whether single effects drown depends on whether training had ended.** With the published protocol, one "
        "layer, {} of the effects are detected at rate 0.001, where training still drifts, and {} at 0.01.",
        tuple({**network, "target": "published"} for network in (SLOW, FAST)),
    ),
)
