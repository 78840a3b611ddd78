"""What is claimed about leave-one-out retraining as a target: its noise, groups in its place, the run's derivative."""

from influencelab.runner.claim import Claim

STUDY = "retraining_noise"
NOISE = "Nguyen et al. 2023"
GROUPS = "dattri (Deng et al. 2024), MLP"
UNROLLED = "MAGIC (Ilyas & Engstrom 2025)"
OVERSHADOWED = "the influence of single samples is often overshadowed by noise; low-noise pairs are rare"
LDS = "LDS 0.26 where the correlation with leave-one-out is 0.02 (conjugate gradients)"
NEAR_PERFECT = "LDS near 1 for small drops; an open replication: 0.931, across seeds 0.829"
# Hidden layers and learning rate at which a claim is judged.
PUBLISHED = "1/0.001"


def claim(
    name: str,
    statement: str,
    quantity: str,
    *,
    paper: str,
    published: str,
    low: float | None = None,
    high: float | None = None,
    arm: str = "controlled",
    control: str = "",
    bare: str = "no interval",
) -> Claim:
    """A claim of this study that its standard profile decides."""
    return Claim(
        name=name,
        paper=paper,
        statement=statement,
        study=STUDY,
        where={"name": quantity},
        low=low,
        high=high,
        published=published,
        least="standard",
        arm=arm,
        control={"name": control} if control else None,
        bare=bare,
    )


CLAIMS = (
    claim(
        "single_effects_drown_as_published",
        "With the published protocol (training goes on from the fit, batches paired, no control) fewer than a tenth of "
        "the effects of one point on one test loss exceed twice their standard deviation over seeds.",
        f"noise/published/detected/{PUBLISHED}",
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
        arm="published",
    ),
    claim(
        "single_effects_drown_unpaired",
        "So do the effects of retraining from the start where each model draws its own batches; explained, if paired "
        "batches take that away.",
        f"noise/unpaired/detected/{PUBLISHED}",
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
        arm="published",
        control=f"noise/paired/detected/{PUBLISHED}",
    ),
    claim(
        "single_effects_drown_paired",
        "They do even if all models see the same batches.",
        f"noise/paired/detected/{PUBLISHED}",
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
    ),
    claim(
        "single_effects_drown_with_a_control",
        "They do with the published protocol if a control that lost nothing goes on too and is subtracted.",
        f"noise/warm/detected/{PUBLISHED}",
        paper=NOISE,
        published=OVERSHADOWED,
        high=0.1,
    ),
    claim(
        "pairing_raises_detection",
        "Pairing the batches raises the share of effects that exceed twice their standard deviation.",
        f"noise/gain/{PUBLISHED}",
        paper=NOISE,
        published="not compared: batches were paired throughout",
        low=0.0,
    ),
    *(
        claim(
            f"{name}_{arm}",
            f"{said} of leave-one-out retraining from the start, batches {arm}.",
            f"noise/{arm}/{name}/{PUBLISHED}",
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
        "groups/unpaired/influence/spearman/0.5",
        paper=GROUPS,
        published=LDS,
        low=0.1,
        arm="published",
    ),
    claim(
        "single_points_are_not_predicted_unpaired",
        "The same scores show nothing for single points: the interval of their mean correlation holds 0, so that its "
        "distance from 0, the number here, is 0; explained, if it leaves 0 once batches are paired.",
        "groups/unpaired/influence/stands_off/one",
        paper=GROUPS,
        published=LDS,
        high=0.0,
        arm="published",
        control="groups/paired/influence/stands_off/one",
        bare="distance of an interval from 0",
    ),
    claim(
        "single_points_unpaired",
        "How well the same scores rank single points, each model with its own batches.",
        "groups/unpaired/influence/spearman/one",
        paper=GROUPS,
        published=LDS,
        arm="published",
    ),
    claim(
        "single_points_are_predicted_paired",
        "With paired batches the same scores rank single points too.",
        "groups/paired/influence/spearman/one",
        paper=GROUPS,
        published="not compared",
        low=0.0,
    ),
    claim(
        "halves_are_predicted_paired",
        "With paired batches the LDS stays above 0.1.",
        "groups/paired/influence/spearman/0.5",
        paper=GROUPS,
        published="not compared",
        low=0.1,
    ),
    *(
        claim(
            f"unrolled_is_near_perfect_{name}_{removed}",
            f"The derivative of the run ({said}) ranks {what} as retraining with the same seed does.",
            f"unrolled/{key}/same",
            paper=UNROLLED,
            published=NEAR_PERFECT,
            low=0.95,
        )
        for name, said, rate in (("sgd", "SGD with momentum, rate 0.01", "0.01"), ("adam", "Adam, rate 0.001", "0.001"))
        for removed, what, key in (
            ("one", "single points", f"{name}/1/{rate}"),
            ("1_percent", "groups of 1%", f"{name}_0.01"),
        )
    ),
    *(
        claim(
            f"another_seed_is_predicted_worse_{name}",
            f"It ranks single points worse for retraining with another seed ({said}): the difference.",
            f"unrolled/{key}/drop",
            paper=UNROLLED,
            published="0.931 against 0.829 in an open replication",
            low=0.0,
        )
        for name, said, key in (("sgd", "SGD with momentum", "sgd/1/0.01"), ("adam", "Adam", "adam/1/0.001"))
    ),
    claim(
        "the_wrong_optimiser_predicts_worse",
        "The derivative of an SGD run from the same start with the same batches says less of Adam's truth than Adam's "
        "own: the difference.",
        "unrolled/adam_by_sgd/loss",
        paper="How Faithful Is Trajectory-Based Data Attribution? (2026)",
        published="knowing the optimiser improves Spearman by 10% to over 300%",
        low=0.0,
    ),
)
