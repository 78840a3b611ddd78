"""What is claimed about leave-one-out retraining as a target: its noise, groups in its place, the run's derivative."""

from influencelab.runner.claim import Claim
from influencelab.statistics.measurements import Where

STUDY = "retraining_noise"
NOISE = "Nguyen et al. 2023"
GROUPS = "dattri (Deng et al. 2024), MLP"
UNROLLED = "MAGIC (Ilyas & Engstrom 2025)"
OVERSHADOWED = "the influence of single samples is often overshadowed by noise; low-noise pairs are rare"
LDS = "LDS 0.26 where the correlation with leave-one-out is 0.02 (conjugate gradients)"
NEAR_PERFECT = "LDS near 1 for small drops; an open replication: 0.931, across seeds 0.829"
# Settings of the numbers by which claims are judged; no share is removed where single points are.
NETWORK = {"part": "noise", "depth": 1, "learning_rate": 1e-3}
SINGLE = {"part": "groups", "share": None, "estimator": "influence"}
HALVES = {"part": "groups", "share": 0.5, "estimator": "influence", "statistic": "spearman"}
SGD = {"part": "unrolled", "optimiser": "sgd", "depth": 1, "learning_rate": 0.01}
ADAM = {"part": "unrolled", "optimiser": "adam", "depth": 1, "learning_rate": 1e-3}


def claim(
    name: str,
    statement: str,
    where: Where,
    *,
    paper: str,
    published: str,
    low: float | None = None,
    high: float | None = None,
    arm: str = "controlled",
    control: Where | None = None,
    bare: str = "no interval",
) -> Claim:
    """A claim of this study that its standard profile decides."""
    return Claim(
        name=name,
        paper=paper,
        statement=statement,
        study=STUDY,
        where=where,
        low=low,
        high=high,
        published=published,
        least="standard",
        arm=arm,
        control=control,
        bare=bare,
    )


CLAIMS = (
    claim(
        "single_effects_drown_as_published",
        "With the published protocol (training goes on from the fit, batches paired, no control) fewer than a tenth of "
        "the effects of one point on one test loss exceed twice their standard deviation over seeds.",
        {**NETWORK, "target": "published", "statistic": "detected"},
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
        arm="published",
    ),
    claim(
        "single_effects_drown_unpaired",
        "So do the effects of retraining from the start where each model draws its own batches; explained, if paired "
        "batches take that away.",
        {**NETWORK, "target": "unpaired", "statistic": "detected"},
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
        arm="published",
        control={**NETWORK, "target": "paired", "statistic": "detected"},
    ),
    claim(
        "single_effects_drown_paired",
        "They do even if all models see the same batches.",
        {**NETWORK, "target": "paired", "statistic": "detected"},
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
    ),
    claim(
        "single_effects_drown_with_a_control",
        "They do with the published protocol if a control that lost nothing goes on too and is subtracted.",
        {**NETWORK, "target": "warm", "statistic": "detected"},
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
    ),
    claim(
        "pairing_raises_detection",
        "Pairing the batches raises the share of effects that exceed twice their standard deviation.",
        {**NETWORK, "statistic": "detection_gain"},
        paper=NOISE,
        published="not compared: batches were paired throughout",
        low=0.0,
    ),
    *(
        claim(
            f"{name}_{arm}",
            f"{said} of leave-one-out retraining from the start, batches {arm}.",
            {**NETWORK, "target": arm, "statistic": name},
            paper=NOISE,
            published="no number is printed",
        )
        for arm in ("unpaired", "paired")
        for name, said in (
            ("repeatability", "How far one draw repeats the order of the points,"),
            ("draws_needed", "How many draws must be averaged for a repeatability of 0.8"),
        )
    ),
    claim(
        "halves_are_predicted_unpaired",
        "Damped influence predicts what retraining without a random half does (LDS above 0.1) though each model draws "
        "its own batches.",
        {**HALVES, "target": "unpaired"},
        paper=GROUPS,
        published=LDS,
        low=0.1,
        arm="published",
    ),
    claim(
        "single_points_are_not_predicted_unpaired",
        "The same scores show nothing for single points: the interval of their mean correlation holds 0, so that its "
        "distance from 0, the number here, is 0; explained, if it leaves 0 once batches are paired.",
        {**SINGLE, "target": "unpaired", "statistic": "distance_from_zero"},
        paper=GROUPS,
        published=LDS,
        high=0.0,
        arm="published",
        control={**SINGLE, "target": "paired", "statistic": "distance_from_zero"},
        bare="distance of an interval from 0",
    ),
    claim(
        "single_points_unpaired",
        "How well the same scores rank single points, each model with its own batches.",
        {**SINGLE, "target": "unpaired", "statistic": "spearman"},
        paper=GROUPS,
        published=LDS,
        arm="published",
    ),
    claim(
        "single_points_are_predicted_paired",
        "With paired batches the same scores rank single points too.",
        {**SINGLE, "target": "paired", "statistic": "spearman"},
        paper=GROUPS,
        published="not compared",
        low=0.0,
    ),
    claim(
        "halves_are_predicted_paired",
        "With paired batches the LDS stays above 0.1.",
        {**HALVES, "target": "paired"},
        paper=GROUPS,
        published="not compared",
        low=0.1,
    ),
    *(
        claim(
            f"unrolled_is_near_perfect_{name}_{removed}",
            f"The derivative of the run ({said}) ranks {what} as retraining with the same seed does.",
            {**run, "share": share, "draw": "same", "statistic": "spearman"},
            paper=UNROLLED,
            published=NEAR_PERFECT,
            low=0.95,
        )
        for name, said, run in (("sgd", "SGD with momentum, rate 0.01", SGD), ("adam", "Adam, rate 0.001", ADAM))
        for removed, what, share in (("one", "single points", None), ("1_percent", "groups of 1%", 0.01))
    ),
    *(
        claim(
            f"another_seed_is_predicted_worse_{name}",
            f"It ranks single points worse for retraining with another seed ({said}): the difference.",
            {**run, "share": None, "statistic": "drop"},
            paper=UNROLLED,
            published="0.931 against 0.829 in an open replication",
            low=0.0,
        )
        for name, said, run in (("sgd", "SGD with momentum", SGD), ("adam", "Adam", ADAM))
    ),
    claim(
        "the_wrong_optimiser_predicts_worse",
        "The derivative of an SGD run from the same start with the same batches says less of Adam's truth than Adam's "
        "own: the difference.",
        {"part": "mismatch", "optimiser": "adam", "derivative_of": "sgd", "statistic": "drop"},
        paper="How Faithful Is Trajectory-Based Data Attribution? (2026)",
        published="knowing the optimiser improves Spearman by 10% to over 300%",
        low=0.0,
    ),
)
