"""What the study `depth_and_weight_decay` found, in words; every number is selected from its reports."""

from functools import partial

from influencelab.runner.finding import Finding, FindingTable
from influencelab.studies.depth_and_weight_decay.claims import CONTROLLED, PUBLISHED, SHALLOW, SLOPE, WIDTH_SLOPE

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
