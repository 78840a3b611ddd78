"""What is claimed, and was found, about influence in deeper, wider and less regularised networks."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting
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
falls = partial(
    claim,
    high=0.0,
    negligible=LAYER,
    unit="per layer",
    published="falls when depth exceeds about 5; no interval",
)
rises = partial(
    claim,
    low=0.0,
    negligible=LAYER,
    published="Spearman 0.97 with weight decay against 0.508 without; one network each",
)


def each(name: str, **settings: object) -> tuple[Setting, ...]:
    """A setting for each weight decay."""
    return tuple(Setting(f"{name}, weight decay {decay:g}", {**settings, "weight_decay": decay}) for decay in DECAYS)


CLAIMS = (
    claim(
        name="shallow_influence_is_accurate",
        statement="With one hidden layer of 5 units and weight decay 0.005 the median network's influence ranks "
        "removals as the published retraining does.",
        where={**PUBLISHED, **SHALLOW},
        settings=(Setting("median network", {"statistic": "median_spearman"}),),
        sizes=(Setting("mean over networks, against 0.97", {"statistic": "spearman"}, low=0.92, high=1.0),),
        low=0.9,
        published="Spearman 0.97 at depth 1, width 5, with weight decay; one network",
    ),
    falls(
        name="depth_lowers_agreement",
        statement="Under the published protocol signed ρ falls with depth, weight decay 0.005: over the networks that "
        "have one, over those that trained (four fifths of their training points right), and at equal ‖∇J‖.",
        where={**PUBLISHED, "width": 5, "weight_decay": 0.005},
        settings=(
            Setting("networks that trained", {"statistic": "spearman_of_trained_per_layer"}),
            Setting("all that have a ρ", {"statistic": "spearman_per_layer"}),
            Setting("all, ‖∇J‖ held", {"statistic": "spearman_given_gradient_per_layer"}),
        ),
    ),
    falls(
        name="depth_lowers_ranks_at_minima",
        statement="Where every network is at a minimum, all points are removed and retraining goes on to a minimum, "
        "signed ρ falls with depth; every network has a split of its own.",
        where={**OWN, "statistic": "spearman_per_layer"},
        settings=each("warm"),
        published="not compared",
    ),
    falls(
        name="depth_lowers_lines_at_minima",
        statement="On the same networks Pearson's correlation, which sizes decide too, falls with depth.",
        where={**OWN, "statistic": "pearson_per_layer"},
        settings=each("warm"),
        published="not compared",
    ),
    falls(
        name="depth_lowers_agreement_with_training_anew",
        statement="Where networks are retrained from the start, to a minimum, signed ρ falls with depth; every network "
        "has a split of its own.",
        where={**OWN, "statistic": "spearman_per_layer", "target": "cold"},
        settings=each("cold"),
    ),
    rises(
        name="weight_decay_raises_agreement",
        statement="With one hidden layer, weight decay 0.005 raises ρ over none, under the published protocol.",
        where={**PUBLISHED, **GAIN},
        sizes=(Setting("against 0.97 − 0.508 = 0.46", low=0.36, high=0.56),),
    ),
    rises(
        name="weight_decay_raises_agreement_at_minima",
        statement="With one hidden layer, weight decay 0.005 raises ρ over 0.0001 where every network is at a minimum "
        "and has a split of its own.",
        where={**OWN, **GAIN},
        settings=tuple(Setting(target, {"target": target}) for target in ("warm", "cold")),
        published="not compared",
    ),
    claim(
        name="width_lowers_agreement",
        statement="With one hidden layer agreement falls as it widens from 5 to 50 units. The two arms differ in "
        "activation, start, removals and test points too.",
        where={**PUBLISHED, **WIDTH},
        settings=(
            Setting("ρ, published protocol", {"statistic": "spearman_per_unit"}),
            Setting("ρ, at minima, warm", {"arm": "controlled", "statistic": "spearman_per_unit"}),
            Setting("Pearson, at minima, warm", {"arm": "controlled", "statistic": "pearson_per_unit"}),
        ),
        high=0.0,
        negligible=UNIT,
        least="paper",
        unit="per unit of width",
        published="falls from width 8 to 50; no interval (the 50 networks a width of Epifano et al.: 0.38 to −0.03, sd "
        "0.5 to 0.66)",
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
