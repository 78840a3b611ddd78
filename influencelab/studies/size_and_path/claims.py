"""What is claimed of the two laws, and was found; bands and smallest effects were written before the first run."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting
from influencelab.statistics.measurements import Where

STUDY = "size_and_path"
DEPTHS, DECAYS, SIZE_DECAY = (1, 2, 4, 8), (5e-3, 1e-4), 1e-3
SIZE = {"arm": "size", "data": "digits", "target": "warm", "estimator": "exact", "weight_decay": SIZE_DECAY}
PATH = {"arm": "path", "data": "iris", "target": "warm"}
ALL = {**PATH, "share": 1.0, "depth": None}

claim = partial(Claim, study=STUDY, paper="influencelab, beside Koh & Liang 2017", published="not compared")


def layers(**where: object) -> tuple[Setting, ...]:
    """A setting for each depth."""
    return tuple(Setting(f"{depth} hidden layers", {**where, "depth": depth}) for depth in DEPTHS)


def decays(name: str, where: Where) -> tuple[Setting, ...]:
    """A setting for each weight decay of the paths."""
    return tuple(Setting(f"{name}, weight decay {decay:g}", {**where, "weight_decay": decay}) for decay in DECAYS)


CLAIMS = (
    claim(
        name="agreement_improves_as_a_power_of_size",
        statement="At every depth 1 − Pearson falls as n to a power: by a tenth or more for each doubling (exponent "
        "0.15).",
        where={**SIZE, "statistic": "pearson_exponent"},
        settings=layers(),
        low=0.15,
        negligible=0.1,
    ),
    claim(
        name="error_falls_as_one_over_size",
        statement="At every depth RMS error / RMS truth falls as 1/n, as where a removal's effect is a series in 1/n.",
        where={**SIZE, "statistic": "relative_error_exponent"},
        settings=layers(),
        low=0.75,
        high=1.25,
    ),
    claim(
        name="depth_lowers_the_exponent_of_size",
        statement="Deeper networks gain less from more points: the exponent of RMS error / RMS truth falls with depth.",
        where={**SIZE, "statistic": "relative_error_exponent_per_layer", "depth": None},
        high=0.0,
        negligible=0.02,
        unit="per layer",
    ),
    claim(
        name="newton_step_gains_more_from_size",
        statement="The error of the Newton step falls faster with n than that of influence, network by network.",
        where={**SIZE, "estimator": "newton_step", "statistic": "relative_error_exponent_gain"},
        settings=layers(),
        low=0.0,
        negligible=0.1,
    ),
    claim(
        name="error_grows_in_proportion_along_a_removal",
        statement="While at most 0.3 of a point's weight is taken, the relative error of influence grows in proportion "
        "to what is taken (exponent 1).",
        where={**PATH, "statistic": "error_exponent"},
        settings=tuple(each for depth in DEPTHS for each in decays(f"{depth} layers", {"depth": depth})),
        low=0.75,
        high=1.25,
    ),
    claim(
        name="depth_moves_removals_into_other_basins",
        statement="Of removals that converge, more end in another basin with every layer.",
        where={**ALL, "statistic": "left_basin_per_layer"},
        settings=decays("whole removals", {}),
        low=0.0,
        negligible=0.002,
        unit="per layer",
    ),
    claim(
        name="second_order_warns_of_wrong_removals",
        statement="Of removals whose effect influence gets wrong by more than half, the second-order term of the fit "
        "alone warns of four fifths, and of four fifths of the others it does not.",
        where={**ALL, "estimator": "second_order"},
        settings=tuple(each for name in ("sensitivity", "specificity") for each in decays(name, {"statistic": name})),
        low=0.8,
    ),
    claim(
        name="second_order_warns_better_than_leverage",
        statement="The second-order term tells wrong removals from right ones better than their leverage does: the "
        "difference of the areas under their ROC curves.",
        where={**ALL, "statistic": "auc_gain"},
        settings=decays("whole removals", {}),
        low=0.0,
        negligible=0.02,
    ),
)

finding = partial(Finding, STUDY)
FINDINGS = (
    finding(
        "**How fast influence improves with data.** On digits RMS error / RMS truth falls as n to the power −{} with "
        "one hidden layer and −{} with four, 1 − Pearson as n to the power −{} and −{}; a Newton step adds {} and {} "
        "to the exponent of the error.",
        (
            *(
                {**SIZE, "depth": depth, "statistic": f"{name}_exponent"}
                for name in ("relative_error", "pearson")
                for depth in (1, 4)
            ),
            *(
                {**SIZE, "estimator": "newton_step", "depth": depth, "statistic": "relative_error_exponent_gain"}
                for depth in (1, 4)
            ),
        ),
    ),
    finding(
        "**Where basins change along a removal.** On Iris at weight decay 0.005 the share of removals that ends in "
        "another basin is {} with one hidden layer and {} with eight; with a tenth of the weight taken {} and {}.",
        tuple(
            {**PATH, "weight_decay": 5e-3, "depth": depth, "share": share, "statistic": "left_basin", "estimator": None}
            for share in (1.0, 0.1)
            for depth in (1, 8)
        ),
    ),
    finding(
        "**A warning from the fit alone.** Of removals that influence gets wrong by more than half the second-order "
        "term warns of {} at weight decay 0.005 and {} at 0.0001, and is silent on {} and {} of the others; the area "
        "under its ROC curve is {} and {} more than that of leverage.",
        (
            *(
                {**ALL, "estimator": "second_order", "statistic": name, "weight_decay": decay}
                for name in ("sensitivity", "specificity")
                for decay in DECAYS
            ),
            *({**ALL, "statistic": "auc_gain", "estimator": None, "weight_decay": decay} for decay in DECAYS),
        ),
    ),
)
