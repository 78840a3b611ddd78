"""What is claimed about influence on a small convolutional network: Koh & Liang (2017), Figure 2 right."""

from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.setting import Setting

claim = partial(Claim, paper="Koh & Liang 2017, Fig. 2 right", study="convolutional_network", least="paper")
TOP = {"selection": "top", "statistic": "pearson"}

CLAIMS = (
    claim(
        name="influence_is_correlated_on_a_convolutional_network",
        statement="On a small convolutional network, not convex, influence with damping 0.01 correlates (Pearson) with "
        "retraining among the points it calls most influential; the printed size is that on MNIST.",
        where=TOP,
        low=0.6,
        sizes=(Setting("MNIST, within a tenth", {"data": "mnist"}, low=0.76, high=0.96),),
        published="Pearson 0.86 in the text, 0.8754 in the notebook",
    ),
    claim(
        name="influence_on_random_points_of_a_convolutional_network",
        statement="How well influence on the same network ranks points that nobody selected (Spearman), and how well "
        "retraining ranks them again when the network starts elsewhere, which the correlation must be read beside.",
        where={"selection": "random_points"},
        settings=(
            Setting("influence with retraining", {"statistic": "spearman"}),
            Setting("retraining with retraining", {"statistic": "repeatability"}),
        ),
        published="not shown: only the most influential points are drawn",
    ),
)
