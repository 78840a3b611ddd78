"""What is claimed of depth at matched difficulty, and was found; bands were written before the first run."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting

STUDY = "matched_difficulty"
DECAYS, MATCHED = (5e-3, 1e-4), ("train_loss", "effective_dimension")
OWN = {"data": "iris", "width": 5, "estimator": "exact", "target": "warm"}
# The smallest changes of interest a layer: of log10 RMS error / RMS truth (5%), and of Pearson's correlation.
ERROR, LAYER = 0.02, 0.01
NAMED = {"train_loss": "equal train loss", "effective_dimension": "equal effective dimension"}

claim = partial(
    Claim,
    study=STUDY,
    paper="influencelab, beside Basu et al. 2021",
    published="falls when depth exceeds about 5; difficulty not matched",
)


def settings(*arms: str) -> tuple[Setting, ...]:
    """A setting for each arm and weight decay of one layer."""
    return tuple(
        Setting(f"{NAMED.get(arm, arm)}, weight decay {decay:g}", {"arm": arm, "weight_decay": decay})
        for arm in arms
        for decay in DECAYS
    )


CLAIMS = (
    claim(
        name="depth_raises_error_at_one_weight_decay",
        statement="At one weight decay RMS error / RMS truth of influence rises with depth; explained where it does "
        "not at equal train loss.",
        where={**OWN, "statistic": "log_error_of_depth"},
        settings=settings("unmatched"),
        control={"arm": "train_loss"},
        low=0.0,
        negligible=ERROR,
        unit="decades per layer",
    ),
    claim(
        name="depth_raises_error_at_matched_difficulty",
        statement="Where weight decay is chosen so that train loss, or the effective dimension, is that of one layer, "
        "RMS error / RMS truth still rises with depth.",
        where={**OWN, "statistic": "log_error_of_depth"},
        settings=settings(*MATCHED),
        low=0.0,
        negligible=ERROR,
        unit="decades per layer",
    ),
    claim(
        name="depth_lowers_pearson_at_matched_difficulty",
        statement="There Pearson's correlation still falls with depth.",
        where={**OWN, "statistic": "pearson_of_depth"},
        settings=settings(*MATCHED),
        high=0.0,
        negligible=LAYER,
        unit="per layer",
    ),
    claim(
        name="depth_raises_error_with_covariates_held",
        statement="With effective dimension / n, the smallest curvature, the largest leverage and the share that left "
        "the basin held, the error still rises with depth, at one weight decay and at matched difficulty.",
        where={**OWN, "statistic": "log_error_of_depth_held"},
        settings=settings("unmatched", *MATCHED),
        low=0.0,
        negligible=ERROR,
        unit="decades per layer",
    ),
)


def numbers(statistic: str, *arms: str) -> tuple[dict[str, object], ...]:
    """A statistic at each weight decay, arm by arm."""
    return tuple({**OWN, "statistic": statistic, "arm": arm, "weight_decay": decay} for arm in arms for decay in DECAYS)


FINDINGS = (
    Finding(
        STUDY,
        "**What is left of depth at matched difficulty.** A layer changes the decimal logarithm of RMS error / RMS "
        "truth by {} and {} at weight decay 0.005 and 0.0001; where the weight decay of each depth gives the train "
        "loss of one layer, by {} and {}; where it gives its effective dimension, by {} and {}.",
        numbers("log_error_of_depth", "unmatched", *MATCHED),
    ),
    Finding(
        STUDY,
        "**With what depth may act through held** (effective dimension, smallest curvature, largest leverage, share "
        "that left the basin) these are {} and {}; {} and {}; {} and {}.",
        numbers("log_error_of_depth_held", "unmatched", *MATCHED),
    ),
)
