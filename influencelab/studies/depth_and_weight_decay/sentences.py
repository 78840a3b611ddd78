"""Sentences on what depth, width and weight decay do, chosen by the numbers that they quote.

Each function is given the numbers of its sentence and returns it with a place for each; where an interval changes side,
so does the sentence.
"""

from collections.abc import Mapping, Sequence

from influencelab.statistics.measurement import Measurement
from influencelab.statistics.trend import direction

DECAYS = (0.005, 0.0001)
# The smallest changes of a correlation that are of interest: a layer, and a hidden unit.
LAYER, UNIT = 0.01, 0.001
# The share of the networks of a depth from which on they are said to train.
MOST = 0.8

Numbers = Sequence[Measurement]


def each_decay(trends: Numbers, words: Mapping[str, str]) -> str:
    """What happens at each weight decay, once where it is the same at both: `worsen at … and improve at …`."""
    said = [words[direction(trend, least=LAYER)] for trend in trends]
    both = (f"{word} at weight decay {decay:g}" for word, decay in zip(said, DECAYS, strict=True))
    return said[0] if said[0] == said[1] else " and ".join(both)


def of_training(numbers: Numbers) -> str:
    """Published networks: the shares that trained at one and eight layers; trends of all, and of those that trained."""
    head = "networks of every depth train" if numbers[1].value >= MOST else "deep networks stop training"
    words = {"falls": "falls too", "rises": "rises", "hardly changes": "hardly changes", "open": "may fall or not"}
    return (
        f"**Under the published protocol {head}.** The share of networks that get four fifths of their training "
        "points right is {} with one hidden layer and {} with eight. Signed ρ changes by {} a layer over the networks "
        f"that have one, and by {{}} among those that trained, where it {words[direction(numbers[3], least=LAYER)]}."
    )


def of_order(numbers: Numbers) -> str:
    """Ranks at minima with warm truth: at one and eight layers, and their trend, at each decay; and of how many."""
    words = {
        "hardly changes": "ranked nearly as well with eight layers as with one",
        "falls": "ranked worse with every layer",
        "rises": "ranked better with every layer",
        "open": "ranked worse or not with more layers, which is open",
    }
    return (
        f"**At minima on Iris, warm retraining is {each_decay((numbers[2], numbers[5]), words)}.** Over {{6.n}} "
        "networks a depth and weight decay, each with a split of its own, the mean rank correlation is {0} with one "
        "hidden layer and {1} with eight at the larger weight decay, {2} a layer; at the smaller one {3} and {4}, {5} "
        "a layer."
    )


def of_size(numbers: Numbers) -> str:
    """Pearson in the places of `of_order`, then the error at one and eight layers, which ranks hide."""
    words = {
        "hardly changes": "hardly change with depth",
        "falls": "worsen with depth",
        "rises": "improve with depth",
        "open": "change with depth or not, which is open,",
    }
    return (
        f"**Sizes {each_decay((numbers[2], numbers[5]), words)}.** On the same networks Pearson's correlation is {{}} "
        "with one hidden layer and {} with eight at the larger weight decay, {} a layer, and {} and {}, {} a layer, at "
        "the smaller one; the median RMS error, as a share of the RMS truth, goes from {} to {}, and from {} to {}."
    )


def of_anew(numbers: Numbers) -> str:
    """Ranks with cold truth in the places of `of_order`; then how well that truth repeats at one and eight layers."""
    words = {
        "hardly changes": "is ranked nearly as well with eight layers as with one",
        "falls": "loses agreement with every layer",
        "rises": "gains agreement with every layer",
        "open": "loses agreement with depth or not, which is open,",
    }
    return (
        f"**Retraining from the start {each_decay((numbers[2], numbers[5]), words)}.** Over networks with splits of "
        "their own the mean rank correlation is {} with one hidden layer and {} with eight at the larger weight decay, "
        "{} a layer; at the smaller one {} and {}, {} a layer. Part of that is the truth's: on one split the changes "
        "of two networks that differ in their start alone rank alike by {} and {} with one layer, and by {} and {} "
        "with eight."
    )


def of_decay(numbers: Numbers) -> str:
    """Gains of weight decay with one hidden layer: as published, and at minima with warm and with cold truth."""
    words = {
        "hardly changes": "gains nothing to speak of",
        "falls": "loses agreement",
        "rises": "gains agreement",
        "open": "gains agreement or not, which is open,",
    }
    return (
        f"**Weight decay {words[direction(numbers[0], least=LAYER)]} under the published protocol.** With one hidden "
        "layer it changes ρ by {} there. At minima, on splits of their own, ρ at the larger weight decay less that at "
        "the smaller one is {} with warm truth and {} with cold."
    )


def of_width(numbers: Numbers) -> str:
    """Trends along width: of ρ as published, of ρ at minima, and of Pearson at minima."""
    words = {
        "hardly changes": "hardly matters",
        "falls": "lowers agreement",
        "rises": "raises agreement",
        "open": "matters or not, which is open,",
    }
    published, ranks = (words[direction(each, least=UNIT)] for each in numbers[:2])
    return (
        f"**Width {published} under the published protocol and {ranks} at minima.** Each further hidden unit changes "
        "the rank correlation by {}, and at minima by {}; Pearson's correlation there by {} "
        f"({direction(numbers[2], least=UNIT)}). The two arms differ in more than minima: in activation, start, "
        "removals and test points."
    )
