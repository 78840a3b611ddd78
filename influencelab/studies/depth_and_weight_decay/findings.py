"""What the study `depth_and_weight_decay` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding, FindingTable

STUDY = "depth_and_weight_decay"

FINDINGS = (
    Finding(
        STUDY,
        "**The published picture is real.** With one hidden layer and weight decay, Basu et al.'s protocol "
        "gives a median rank correlation of {} over seeds; with each further layer it changes by {}.",
        (
            {"name": "published/median_spearman/1/0.005"},
            {"name": "published/slope/0.005"},
        ),
    ),
    Finding(
        STUDY,
        "**Depth alone does little.** Where fits and retrained models are brought to minima, the same slope "
        "is {} a layer, and {} at the smaller weight decay; the mean rank correlation at the greatest depth "
        "is {} and {}, and without the models that left for another basin {} and {}. The share of those "
        "models that converged is {} and {}.",
        (
            {"name": "controlled/warm/slope/0.005"},
            {"name": "controlled/warm/slope/0.0001"},
            {"name": "controlled/warm/spearman/8/0.005"},
            {"name": "controlled/warm/spearman/8/0.0001"},
            {"name": "controlled/warm/trusted_spearman/8/0.005"},
            {"name": "controlled/warm/trusted_spearman/8/0.0001"},
            {"name": "controlled/warm/converged/8/0.005"},
            {"name": "controlled/warm/converged/8/0.0001"},
        ),
    ),
    Finding(
        STUDY,
        "**Training again from the start asks another question.** Cold, the mean rank correlation at the "
        "greatest depth is {} and, at the smaller weight decay, {}.",
        (
            {"name": "controlled/cold/spearman/8/0.005"},
            {"name": "controlled/cold/spearman/8/0.0001"},
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
            {"name": "cold/controlled/cold/spearman/1/0.005"},
            {"name": "cold/controlled/cold/spearman/8/0.005"},
            {"name": "cold/controlled/cold/spearman/1/0.0001"},
            {"name": "cold/controlled/warm/spearman/1/0.0001"},
            {"name": "cold/controlled/cold/spearman/8/0.0001"},
        ),
    ),
    Finding(
        STUDY,
        "**Numerics can look like fragility.** Through the last layer with the penalty left out and a "
        "singular matrix inverted, as in Epifano et al.'s code, the rank correlation is {}; mended, on the "
        "same networks and removals, it is {}.",
        (
            {"name": "epifano/theirs/spearman/1/0.005"},
            {"name": "epifano/corrected/spearman/1/0.005"},
        ),
    ),
    Finding(
        STUDY,
        "**Width tells the same story.** Under the published protocol each further hidden unit changes the "
        "rank correlation by {}; at minima, by {}.",
        (
            {"name": "published/width_slope/1/0.005"},
            {"name": "controlled/warm/width_slope/1/0.005"},
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
        {},
        {},
    ),
)
