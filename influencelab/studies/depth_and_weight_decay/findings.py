"""What the study `depth_and_weight_decay` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding, FindingTable
from influencelab.studies.depth_and_weight_decay.claims import CONTROLLED, LAST_LAYER, PUBLISHED, SLOPE, WIDTH_SLOPE

STUDY = "depth_and_weight_decay"
DEEPEST = {**CONTROLLED, "depth": 8, "width": 5}
# The slices whose networks have test flowers of their own.
OWN_FLOWERS = {**CONTROLLED, "part": "cold", "width": 5, "statistic": "spearman"}

FINDINGS = (
    Finding(
        STUDY,
        "**The published picture is real.** With one hidden layer and weight decay, Basu et al.'s protocol "
        "gives a median rank correlation of {} over seeds; with each further layer it changes by {}.",
        (
            {**PUBLISHED, "width": 5, "statistic": "median_spearman", "depth": 1, "weight_decay": 0.005},
            {**PUBLISHED, **SLOPE, "weight_decay": 0.005},
        ),
    ),
    Finding(
        STUDY,
        "**Depth alone does little.** Where fits and retrained models are brought to minima, the same slope "
        "is {} a layer, and {} at the smaller weight decay; the mean rank correlation at the greatest depth "
        "is {} and {}, and without the models that left for another basin {} and {}. The share of those "
        "models that converged is {} and {}.",
        (
            {**CONTROLLED, **SLOPE, "weight_decay": 0.005},
            {**CONTROLLED, **SLOPE, "weight_decay": 0.0001},
            *(
                {**DEEPEST, "statistic": statistic, "weight_decay": decay}
                for statistic in ("spearman", "trusted_spearman", "converged")
                for decay in (0.005, 0.0001)
            ),
        ),
    ),
    Finding(
        STUDY,
        "**Training again from the start asks another question.** Cold, the mean rank correlation at the "
        "greatest depth is {} and, at the smaller weight decay, {}.",
        (
            {**DEEPEST, "target": "cold", "statistic": "spearman", "weight_decay": 0.005},
            {**DEEPEST, "target": "cold", "statistic": "spearman", "weight_decay": 0.0001},
        ),
    ),
    Finding(
        STUDY,
        "**Cold, networks differ.** Over hundreds of them, each with test flowers of its own, the mean rank "
        "correlation is {} with one hidden layer and {} with eight; at the smaller weight decay it is {} with"
        " one layer already, where warm it is {}, and {} with eight. The line above rests on ten networks, "
        "all asked about the same flowers; where the two disagree, trust the hundreds. The table below has "
        "every depth.",
        (
            {**OWN_FLOWERS, "target": "cold", "depth": 1, "weight_decay": 0.005},
            {**OWN_FLOWERS, "target": "cold", "depth": 8, "weight_decay": 0.005},
            {**OWN_FLOWERS, "target": "cold", "depth": 1, "weight_decay": 0.0001},
            {**OWN_FLOWERS, "target": "warm", "depth": 1, "weight_decay": 0.0001},
            {**OWN_FLOWERS, "target": "cold", "depth": 8, "weight_decay": 0.0001},
        ),
    ),
    Finding(
        STUDY,
        "**Numerics can look like fragility.** Through the last layer with the penalty left out and a "
        "singular matrix inverted, as in Epifano et al.'s code, the rank correlation is {}; mended, on the "
        "same networks and removals, it is {}.",
        (
            {**LAST_LAYER, "estimator": "theirs", "statistic": "spearman"},
            {**LAST_LAYER, "estimator": "corrected", "statistic": "spearman"},
        ),
    ),
    Finding(
        STUDY,
        "**Width tells the same story.** Under the published protocol each further hidden unit changes the "
        "rank correlation by {}; at minima, by {}.",
        (
            {**PUBLISHED, **WIDTH_SLOPE},
            {**CONTROLLED, **WIDTH_SLOPE},
        ),
    ),
)

# A row for each number of hidden layers, a column for each truth and weight decay.
TABLES = (
    FindingTable(
        STUDY,
        "Mean signed rank correlation of influence with retraining, over networks with test flowers of their own, "
        "every training flower removed in turn:",
        "hidden layers",
        {name: {"depth": depth} for name, depth in (("one", 1), ("two", 2), ("four", 4), ("six", 6), ("eight", 8))},
        {
            f"{target}, {size} weight decay": {**OWN_FLOWERS, "target": target, "weight_decay": decay}
            for size, decay in (("larger", 0.005), ("smaller", 0.0001))
            for target in ("warm", "cold")
        },
    ),
)
