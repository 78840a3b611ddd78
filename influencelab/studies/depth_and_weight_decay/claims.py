"""What is claimed, and was found, about influence in deeper, wider and less regularised networks."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.studies.depth_and_weight_decay import sentences
from influencelab.studies.depth_and_weight_decay.sentences import DECAYS, LAYER, UNIT

# The settings that most claims share: the whole study rather than a slice of it.
PUBLISHED = {"data": "iris", "part": None, "arm": "published", "estimator": "exact", "target": "warm"}
CONTROLLED = {**PUBLISHED, "arm": "controlled"}
# The slices whose networks have splits and test flowers of their own, joined.
OWN = {**CONTROLLED, "part": "own_splits", "width": 5}
GAIN = {"statistic": "decay_gain", "depth": 1, "width": 5}
WIDTH = {"depth": 1, "weight_decay": 0.005}
SHALLOW = {"depth": 1, "width": 5, "weight_decay": 0.005}

claim = partial(Claim, study="depth_and_weight_decay", paper="Basu et al. 2021, Iris")
# Less than the smallest change of interest is no fall, however surely it is below 0.
falls = partial(claim, high=-LAYER, unit="per layer", published="falls when depth exceeds about 5; no interval")
rises = partial(claim, low=LAYER, published="Spearman 0.97 with weight decay against 0.508 without; one network each")
narrows = partial(
    claim,
    where={**PUBLISHED, **WIDTH, "statistic": "spearman_per_unit"},
    high=-UNIT,
    least="paper",
    unit="per unit of width",
    published="falls from width 8 to 50; no interval (the 50 networks a width of Epifano et al.: 0.38 to −0.03, sd 0.5 "
    "to 0.66)",
)

CLAIMS = (
    claim(
        name="shallow_influence_is_accurate",
        statement="With one hidden layer of 5 units and weight decay 0.005 the median network's influence ranks "
        "removals as the published retraining does.",
        where={**PUBLISHED, **SHALLOW, "statistic": "median_spearman"},
        low=0.9,
        published="Spearman 0.97 at depth 1, width 5, with weight decay; one network",
    ),
    *(
        falls(
            name=name,
            statement=f"Under the published protocol signed ρ falls with depth, {who}.",
            where={**PUBLISHED, "width": 5, "weight_decay": 0.005, "statistic": f"{statistic}_per_layer"},
        )
        for name, statistic, who in (
            ("depth_lowers_agreement", "spearman_of_trained", "among the networks that trained"),
            ("depth_lowers_agreement_of_all", "spearman", "over all that have a ρ, trained or not"),
        )
    ),
    *(
        falls(
            name=f"depth_lowers_{name}_at_{decay:g}".replace(".", "_"),
            statement=f"{what} falls with depth where every network is at a minimum, has a split of its own, all "
            f"points are removed and the truth is retraining {how}, at weight decay {decay:g}.",
            where={**OWN, "target": target, "statistic": f"{statistic}_per_layer", "weight_decay": decay},
        )
        for name, statistic, what, target, how in (
            ("ranks_warm", "spearman", "Signed ρ", "warm", "from the fit to the minimum"),
            ("lines_warm", "pearson", "Pearson's correlation, which sizes decide too,", "warm", "from the fit"),
            ("ranks_cold", "spearman", "Signed ρ", "cold", "from the start to a minimum"),
        )
        for decay in DECAYS
    ),
    rises(
        name="weight_decay_raises_agreement",
        statement="With one hidden layer, weight decay 0.005 raises ρ over none, under the published protocol.",
        where={**PUBLISHED, **GAIN},
    ),
    claim(
        name="weight_decay_raises_agreement_as_much",
        statement="It does so by as much as the two published networks differ, within 0.1.",
        where={**PUBLISHED, **GAIN},
        low=0.36,
        high=0.56,
        published="0.97 − 0.508 = 0.46",
    ),
    *(
        rises(
            name=f"weight_decay_raises_agreement_{target}",
            statement="With one hidden layer, weight decay 0.005 raises ρ over 0.0001 where every network is at a "
            f"minimum, has a split of its own and the truth is {target} retraining.",
            where={**OWN, **GAIN, "target": target},
        )
        for target in ("warm", "cold")
    ),
    narrows(
        name="width_lowers_agreement",
        statement="With one hidden layer signed ρ falls as it widens from 5 to 50 units, under the published protocol.",
    ),
    *(
        narrows(
            name=f"width_lowers_{statistic}_warm",
            statement=f"{statistic.capitalize()}'s correlation does where every network is at a minimum, all points "
            "are removed and retraining goes on to a minimum.",
            where={**CONTROLLED, **WIDTH, "statistic": f"{statistic}_per_unit"},
        )
        for statistic in ("spearman", "pearson")
    ),
)

ENDS = (1, 8)


def along_depth(statistic: str, **settings: object) -> tuple[dict[str, object], ...]:
    """A statistic with one hidden layer, with eight, and a layer, at each weight decay."""
    return tuple(
        {**OWN, **settings, **each, "weight_decay": decay}
        for decay in DECAYS
        for each in (
            *({"statistic": statistic, "depth": depth} for depth in ENDS),
            {"statistic": f"{statistic}_per_layer"},
        )
    )


finding = partial(Finding, "depth_and_weight_decay")
COLD = {**CONTROLLED, "target": "cold", "width": 5, "statistic": "repeatability"}
FINDINGS = (
    finding(
        sentences.of_training,
        (
            *(
                {**PUBLISHED, "statistic": "trained", "width": 5, "depth": depth, "weight_decay": 0.005}
                for depth in ENDS
            ),
            *(
                {**PUBLISHED, "statistic": f"{which}_per_layer", "width": 5, "weight_decay": 0.005}
                for which in ("spearman", "spearman_of_trained")
            ),
        ),
    ),
    finding(
        sentences.of_order,
        (*along_depth("spearman"), {**OWN, "statistic": "undefined", "depth": 1, "weight_decay": DECAYS[0]}),
    ),
    finding(
        sentences.of_size,
        (
            *along_depth("pearson"),
            *(
                {**OWN, "statistic": "median_relative_error", "depth": depth, "weight_decay": decay}
                for decay in DECAYS
                for depth in ENDS
            ),
        ),
    ),
    finding(
        sentences.of_anew,
        (
            *along_depth("spearman", target="cold"),
            *({**COLD, "depth": depth, "weight_decay": decay} for depth in ENDS for decay in DECAYS),
        ),
    ),
    finding(
        sentences.of_decay,
        (
            {**PUBLISHED, **GAIN},
            *({**OWN, "statistic": "decay_gain", "depth": 1, "target": target} for target in ("warm", "cold")),
        ),
    ),
    finding(
        sentences.of_width,
        (
            {**PUBLISHED, **WIDTH, "statistic": "spearman_per_unit"},
            *({**CONTROLLED, **WIDTH, "statistic": f"{name}_per_unit"} for name in ("spearman", "pearson")),
        ),
    ),
)
MEASURES = {
    "spearman": "Mean rank correlation (order)",
    "pearson": "Mean Pearson correlation (line)",
    "median_slope": "Median slope of actual on predicted change (size; 1 is right)",
    "median_relative_error": "Median RMS error as a share of the RMS truth (size; 0 is right)",
}
TABLES = tuple(
    FindingTable(
        "depth_and_weight_decay",
        f"{words}, every network with a split of its own and every training flower removed in turn; in parentheses the "
        "number of networks:",
        "hidden layers",
        {name: {"depth": depth} for name, depth in (("one", 1), ("two", 2), ("four", 4), ("six", 6), ("eight", 8))},
        {
            f"{target}, {size} weight decay": {**OWN, "statistic": statistic, "target": target, "weight_decay": decay}
            for size, decay in zip(("larger", "smaller"), DECAYS, strict=True)
            for target in ("warm", "cold")
        },
        counted={"statistic": "undefined"},
    )
    for statistic, words in MEASURES.items()
)
