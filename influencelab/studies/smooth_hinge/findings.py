"""What the study `smooth_hinge` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding

STUDY = "smooth_hinge"
FIRST = {"data": "mnist", "arm": "published", "selection": "first_test_point"}
ALL = {"data": "mnist", "selection": "top", "t": 0.001, "statistic": "pearson"}
HELD_OUT = {"data": "held_out", "arm": "consistent"}

FINDINGS = (
    Finding(
        STUDY,
        "**A hinge works once it is bent a little.** On MNIST, influence through the true hinge correlates "
        "with retraining at {} and is {} times too large; through the paper's narrow bend it correlates at "
        "{}, through one a hundred times wider at {}. Over all test points, weights trained with the narrow "
        "bend reach {}, and a Newton step, which takes out each point's own curvature, {}.",
        (
            {**FIRST, "t": 0.0, "statistic": "pearson"},
            {**FIRST, "t": 0.0, "statistic": "overshoot"},
            {**FIRST, "t": 0.001, "statistic": "pearson"},
            {**FIRST, "t": 0.1, "statistic": "pearson"},
            {**ALL, "arm": "consistent"},
            {**ALL, "arm": "newton_step"},
        ),
    ),
    Finding(
        STUDY,
        "**How much to bend it can be told without retraining.** On data that had no part in finding it, a "
        "rule for the width of the bend gains {} of correlation over the paper's width, on average, and gives"
        " up {} to the best one.",
        ({**HELD_OUT, "statistic": "gain"}, {**HELD_OUT, "statistic": "regret"}),
    ),
)
