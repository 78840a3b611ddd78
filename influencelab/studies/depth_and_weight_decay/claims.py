"""What is claimed, and was found, about influence in deeper, wider and less regularised networks."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable

# The settings that most claims share: the whole study rather than a slice of it, then what is along depth, between two
# weight decays, and along width.
PUBLISHED = {"data": "iris", "part": None, "arm": "published", "estimator": "exact", "target": "warm"}
CONTROLLED = {**PUBLISHED, "arm": "controlled"}
SLOPE = {"statistic": "spearman_per_layer", "width": 5}
GAIN = {"statistic": "decay_gain", "depth": 1, "width": 5}
WIDTH_SLOPE = {"statistic": "spearman_per_unit", "depth": 1, "weight_decay": 0.005}
SHALLOW = {"statistic": "median_spearman", "depth": 1, "width": 5, "weight_decay": 0.005}

claim = partial(Claim, study="depth_and_weight_decay", paper="Basu et al. 2021, Iris")
falls = partial(claim, high=0.0, unit="per layer", published="falls when depth exceeds about 5; no interval")
rises = partial(claim, low=0.0, published="Spearman 0.97 with weight decay against 0.508 without; one network each")
narrows = partial(
    claim,
    high=0.0,
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
        where={**PUBLISHED, **SHALLOW},
        low=0.9,
        published="Spearman 0.97 at depth 1, width 5, with weight decay; one network",
    ),
    falls(
        name="depth_lowers_agreement",
        statement="Under the published protocol signed ρ falls with depth: its slope per hidden layer is below 0.",
        where={**PUBLISHED, **SLOPE, "weight_decay": 0.005},
        control={"arm": "controlled"},
        negligible=0.01,
    ),
    *(
        falls(
            name=f"depth_lowers_agreement_{target}_at_{decay.replace('.', '_')}",
            statement=f"The same slope where every network is at a minimum, all points are removed and the truth is "
            f"retraining {how}, at weight decay {decay}.",
            where={**CONTROLLED, **SLOPE, "target": target, "weight_decay": float(decay)},
        )
        for target, how in (("warm", "from the fit to the minimum"), ("cold", "from the start to a minimum"))
        for decay in ("0.005", "0.0001")
    ),
    rises(
        name="weight_decay_raises_agreement",
        statement="With one hidden layer, weight decay 0.005 raises ρ over none, under the published protocol.",
        where={**PUBLISHED, **GAIN},
        control={"arm": "controlled"},
        negligible=0.05,
    ),
    *(
        rises(
            name=f"weight_decay_raises_agreement_{target}",
            statement=f"With one hidden layer, weight decay 0.005 raises ρ over 0.0001 where every network is at a "
            f"minimum and the truth is {target} retraining.",
            where={**CONTROLLED, **GAIN, "target": target},
        )
        for target in ("warm", "cold")
    ),
    narrows(
        name="width_lowers_agreement",
        statement="With one hidden layer signed ρ falls as it widens from 5 to 50 units, under the published protocol.",
        where={**PUBLISHED, **WIDTH_SLOPE},
        control={"arm": "controlled"},
        negligible=0.001,
    ),
    narrows(
        name="width_lowers_agreement_warm",
        statement="The same where every network is at a minimum and retraining goes on to one.",
        where={**CONTROLLED, **WIDTH_SLOPE},
    ),
)

DECAYS = (0.005, 0.0001)
DEEPEST = {**CONTROLLED, "depth": 8, "width": 5}
# The slices whose networks have test flowers of their own.
OWN_FLOWERS = {**CONTROLLED, "part": "cold", "width": 5, "statistic": "spearman"}

finding = partial(Finding, "depth_and_weight_decay")
FINDINGS = (
    finding(
        "**The published picture is real.** With one hidden layer and weight decay, Basu et al.'s protocol "
        "gives a median rank correlation of {} over seeds; with each further layer it changes by {}.",
        ({**PUBLISHED, **SHALLOW}, {**PUBLISHED, **SLOPE, "weight_decay": 0.005}),
    ),
    finding(
        "**Depth alone does little.** Where fits and retrained models are brought to minima, the same slope "
        "is {} a layer, and {} at the smaller weight decay; the mean rank correlation at the greatest depth "
        "is {} and {}, and without the models that left for another basin {} and {}. The share of those "
        "models that converged is {} and {}.",
        (
            *({**CONTROLLED, **SLOPE, "weight_decay": decay} for decay in DECAYS),
            *(
                {**DEEPEST, "statistic": statistic, "weight_decay": decay}
                for statistic in ("spearman", "trusted_spearman", "converged")
                for decay in DECAYS
            ),
        ),
    ),
    finding(
        "**Training again from the start asks another question.** Cold, the mean rank correlation at the "
        "greatest depth is {} and, at the smaller weight decay, {}.",
        tuple({**DEEPEST, "target": "cold", "statistic": "spearman", "weight_decay": decay} for decay in DECAYS),
    ),
    finding(
        "**Cold, networks differ.** Over hundreds of them, each with test flowers of its own, the mean rank "
        "correlation is {} with one hidden layer and {} with eight; at the smaller weight decay it is {} with"
        " one layer already, where warm it is {}, and {} with eight. The line above rests on ten networks, "
        "all asked about the same flowers; where the two disagree, trust the hundreds. The table below has "
        "every depth.",
        tuple(
            {**OWN_FLOWERS, "target": target, "depth": depth, "weight_decay": decay}
            for target, depth, decay in (
                ("cold", 1, 0.005),
                ("cold", 8, 0.005),
                ("cold", 1, 0.0001),
                ("warm", 1, 0.0001),
                ("cold", 8, 0.0001),
            )
        ),
    ),
    finding(
        "**Width tells the same story.** Under the published protocol each further hidden unit changes the "
        "rank correlation by {}; at minima, by {}.",
        ({**PUBLISHED, **WIDTH_SLOPE}, {**CONTROLLED, **WIDTH_SLOPE}),
    ),
)
TABLES = (
    FindingTable(
        "depth_and_weight_decay",
        "Mean signed rank correlation of influence with retraining, over networks with test flowers of their own, "
        "every training flower removed in turn:",
        "hidden layers",
        {name: {"depth": depth} for name, depth in (("one", 1), ("two", 2), ("four", 4), ("six", 6), ("eight", 8))},
        {
            f"{target}, {size} weight decay": {**OWN_FLOWERS, "target": target, "weight_decay": decay}
            for size, decay in zip(("larger", "smaller"), DECAYS, strict=True)
            for target in ("warm", "cold")
        },
    ),
)
