"""Claims and a finding about influence on a small convolutional network: Koh & Liang (2017), Figure 2 right."""

from collections.abc import Sequence
from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement

STUDY = "convolutional_network"
claim = partial(Claim, paper="Koh & Liang 2017, Fig. 2 right", study=STUDY, least="paper")
TOP, RANDOM = {"selection": "top", "statistic": "pearson"}, {"selection": "random_points", "statistic": "spearman"}
REPEATED = {"selection": "random_points", "statistic": "repeatability"}

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
        settings=(Setting("influence with retraining", RANDOM), Setting("retraining with retraining", REPEATED)),
        published="not shown: only the most influential points are drawn",
    ),
)


def order_and_size(numbers: Sequence[Measurement]) -> str:
    """Whether effects that influence calls largest have its size, in the words that the slope's interval supports."""
    low, high = (1.0 if end is None else end for end in (numbers[1].low, numbers[1].high))
    size = "too small" if low > 1 else "too large" if high < 1 else "not shown to be wrong"
    return (
        f"**Influence orders what happens to a small convolutional network; its sizes are {size}.** Among the points "
        "called most influential Pearson's correlation is {}, and losses change by {} times what is predicted. Among "
        "random points Spearman's is {}, where a network that starts elsewhere repeats the truth itself at {}."
    )


FINDINGS = (Finding(STUDY, order_and_size, (TOP, {**TOP, "statistic": "slope"}, RANDOM, REPEATED)),)
