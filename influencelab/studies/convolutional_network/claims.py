"""Claims and a finding about influence on a small convolutional network: Koh & Liang (2017), Figure 2 right."""

from collections.abc import Sequence
from functools import partial

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement
from influencelab.studies.convolutional_network.analysis import MINIMUM

STUDY = "convolutional_network"
claim = partial(Claim, paper="Koh & Liang 2017, Fig. 2 right", study=STUDY, least="paper")
PRINTED = {"network": None}
TOP = {"selection": "top", "statistic": "pearson", **PRINTED}
RANDOM = {"selection": "random_points", "statistic": "spearman", **PRINTED}
REPEATED = {"selection": "random_points", "statistic": "repeatability", **PRINTED}
AT_MINIMUM = {"network": MINIMUM}

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
    claim(
        name="influence_is_correlated_at_a_minimum_of_a_convolutional_network",
        statement="On a convolutional network of the same size at a true minimum (gelu, residual, larger weight decay, "
        "biases penalised) influence without damping correlates (Pearson) with retraining to a minimum among the "
        "points it calls most influential; the printed size is that on MNIST.",
        where={**TOP, **AT_MINIMUM},
        low=0.6,
        sizes=(Setting("MNIST, within a tenth", {"data": "mnist"}, low=0.76, high=0.96),),
        published="Pearson 0.86 in the text, 0.8754 in the notebook, of a network that need not be at a minimum",
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


def at_a_minimum(numbers: Sequence[Measurement]) -> str:
    """Whether every fit was at a minimum, of what size, and what influence is worth there."""
    head = "is at a true minimum" if numbers[0].value == 1 else "is not always at a minimum"
    return (
        f"**A convolutional network that is smooth, residual and fully penalised {head}, and there influence can be "
        "judged.** Of its fits {} have every curvature above 0 ({} parameters, {} points, ‖∇J‖ {} at most, smallest "
        "curvature {}). Among the points called most influential Pearson's correlation is {} and the slope {}; among "
        "random points Spearman's is {}."
    )


FINDINGS = (
    Finding(STUDY, order_and_size, (TOP, {**TOP, "statistic": "slope"}, RANDOM, REPEATED)),
    Finding(
        STUDY,
        at_a_minimum,
        (
            *(
                {**AT_MINIMUM, "statistic": name}
                for name in ("fits_at_a_minimum", "parameters", "train", "largest_gradient", "smallest_curvature")
            ),
            {**TOP, **AT_MINIMUM},
            {**TOP, **AT_MINIMUM, "statistic": "slope"},
            {**RANDOM, **AT_MINIMUM},
        ),
    ),
)
