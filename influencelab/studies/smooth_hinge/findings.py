"""What the study `smooth_hinge` found, in words; every number is selected from its reports."""

from influencelab.runner.finding import Finding

STUDY = "smooth_hinge"

FINDINGS = (
    Finding(
        STUDY,
        "**A hinge works once it is bent a little.** On MNIST, influence through the true hinge correlates "
        "with retraining at {} and is {} times too large; through the paper's narrow bend it correlates at "
        "{}, through one a hundred times wider at {}. Over all test points, weights trained with the narrow "
        "bend reach {}, and a Newton step, which takes out each point's own curvature, {}.",
        (
            {"name": "mnist/published/0/first/pearson"},
            {"name": "mnist/published/0/first/overshoot"},
            {"name": "mnist/published/0.001/first/pearson"},
            {"name": "mnist/published/0.1/first/pearson"},
            {"name": "mnist/consistent/0.001/top/pearson"},
            {"name": "mnist/newton_step/0.001/top/pearson"},
        ),
    ),
    Finding(
        STUDY,
        "**How much to bend it can be told without retraining.** On data that had no part in finding it, a "
        "rule for the width of the bend gains {} of correlation over the paper's width, on average, and gives"
        " up {} to the best one.",
        (
            {"name": "rule/held_out/consistent/gain"},
            {"name": "rule/held_out/consistent/regret"},
        ),
    ),
)
