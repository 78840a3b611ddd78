"""What is claimed about influence on a small convolutional network: Koh & Liang (2017), Figure 2 right."""

from functools import partial

from influencelab.runner.claim import Claim

claim = partial(Claim, paper="Koh & Liang 2017, Fig. 2 right", study="convolutional_network", least="paper")
TOP = {"selection": "top", "statistic": "pearson"}
PRINTED = "Pearson 0.86 in the text, 0.8754 in the notebook"

CLAIMS = (
    claim(
        name="influence_is_correlated_on_a_convolutional_network",
        statement="On a small convolutional network, not convex, influence with damping 0.01 correlates (Pearson) with "
        "retraining among the points it calls most influential.",
        where=TOP,
        low=0.6,
        published=PRINTED,
    ),
    claim(
        name="influence_is_as_good_as_published_on_a_convolutional_network",
        statement="That correlation is the published one, within a tenth.",
        where={"data": "mnist", **TOP},
        low=0.76,
        high=0.96,
        published=PRINTED,
    ),
    claim(
        name="influence_on_random_points_of_a_convolutional_network",
        statement="What the same network gives on points that nobody selected (Spearman).",
        where={"selection": "random_points", "statistic": "spearman"},
        published="not shown: only the most influential points are drawn",
    ),
    claim(
        name="truth_of_a_convolutional_network_repeats",
        statement="How well the effects of removing those random points repeat when the network starts elsewhere "
        "(Spearman): what the correlation above must be read beside.",
        where={"selection": "random_points", "statistic": "repeatability"},
        published="not measured",
    ),
)
