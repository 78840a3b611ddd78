"""What is claimed, and was found, about depth on other data and in other networks than those of Iris."""

from collections.abc import Sequence
from functools import partial
from itertools import product

from influencelab.runner.claim import Claim
from influencelab.runner.finding import Finding, FindingTable
from influencelab.runner.setting import Setting
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.trend import direction

STUDY = "beyond_iris"
# The name under which means over data sets stand, and the set they leave out: what is asked is whether it is alone.
POOLED, REFERENCE = "all but iris", "iris"
# The smallest changes a layer that are of interest, of Spearman's and of Pearson's correlation.
RANK, LINE = 0.01, 0.02
STRONG, WEAK = 0.005, 0.0001
# Each network, and the width of its layers, or of one layer with as many parameters.
WIDTHS = {"tanh": 5, "tanh_equal": 16, "softplus": 5, "gelu": 5, "residual": 5, "normalised": 5}
WORDS = {
    "tanh": "tanh",
    "tanh_equal": "tanh, parameters held",
    "softplus": "softplus",
    "gelu": "gelu",
    "residual": "residual tanh",
    "normalised": "normalised tanh",
}
SHARED = {"data": POOLED, "part": None, "estimator": "exact", "target": "warm"}


def each_network(statistic: str, *decays: float) -> tuple[Setting, ...]:
    """A setting for each network at each of these weight decays."""
    return tuple(
        Setting(
            f"{words}, weight decay {decay:g}",
            {"network": name, "width": WIDTHS[name], "weight_decay": decay, "statistic": statistic},
        )
        for name, words in WORDS.items()
        for decay in decays
    )


claim = partial(Claim, paper="Basu et al. 2021, beyond Iris", study=STUDY, where=SHARED, unit="per layer")
CLAIMS = (
    claim(
        name="depth_lowers_ranks_beyond_iris",
        statement="At minima, with warm truth, signed ρ falls with depth on other data and in other networks; data "
        "sets are what is drawn.",
        settings=each_network("spearman_per_layer", STRONG, WEAK),
        high=0.0,
        negligible=RANK,
        published="falls when depth exceeds about 5, on Iris; no interval",
    ),
    claim(
        name="depth_lowers_lines_beyond_iris",
        statement="At minima, with warm truth and weight decay 0.005, Pearson's correlation falls with depth on "
        "other data and in other networks; data sets are what is drawn.",
        settings=each_network("pearson_per_layer", STRONG),
        high=0.0,
        negligible=LINE,
        published="not compared",
    ),
    claim(
        name="depth_raises_lines_at_small_weight_decay_beyond_iris",
        statement="At minima, with warm truth and weight decay 0.0001, Pearson's correlation rises with depth on "
        "other data and in other networks; data sets are what is drawn.",
        settings=each_network("pearson_per_layer", WEAK),
        low=0.0,
        negligible=LINE,
        published="not compared",
    ),
)

Numbers = Sequence[Measurement]
TANH = {**SHARED, "network": "tanh", "width": WIDTHS["tanh"]}


def said(trends: Numbers, words: dict[str, str], *, least: float) -> str:
    """What happens at the larger and at the smaller weight decay, once where it is the same."""
    strong, weak = (words[direction(trend, least=least)] for trend in trends)
    return f"{strong} at both weight decays" if strong == weak else f"{strong} at {STRONG:g} and {weak} at {WEAK:g}"


def of_order(numbers: Numbers) -> str:
    """Trends of ρ over data sets and on Iris, at each weight decay; and of how many sets."""
    words = {
        "hardly changes": "hardly changes with depth",
        "falls": "falls with depth",
        "rises": "rises with depth",
        "open": "changes with depth or not, which is open,",
    }
    return (
        f"**Beyond Iris order {said(numbers[:2], words, least=RANK)}.** Over {{4.n}} other data sets, tanh networks at "
        "minima and warm truth, the rank correlation changes by {0} a layer at weight decay 0.005 (on Iris {2}), and "
        "by {1} at 0.0001 (on Iris {3})."
    )


def of_lines(numbers: Numbers) -> str:
    """The same of Pearson's correlation."""
    words = {
        "hardly changes": "hardly change with depth",
        "falls": "worsen with depth",
        "rises": "improve with depth",
        "open": "change with depth or not, which is open,",
    }
    return (
        f"**Beyond Iris sizes {said(numbers[:2], words, least=LINE)}.** Pearson's correlation changes by {{0}} a layer "
        "at weight decay 0.005 (on Iris {2}), and by {1} at 0.0001 (on Iris {3})."
    )


FINDINGS = tuple(
    Finding(
        STUDY,
        sentence,
        tuple(
            {**TANH, "data": data, "statistic": f"{name}_per_layer", "weight_decay": decay}
            for data, decay in (*product((POOLED, REFERENCE), (STRONG, WEAK)), *counted)
        ),
    )
    for sentence, name, counted in ((of_order, "spearman", [(POOLED, STRONG)]), (of_lines, "pearson", []))
)
TABLES = tuple(
    FindingTable(
        STUDY,
        f"{title} of one more hidden layer, mean over data sets but Iris:",
        "network",
        {
            f"weight decay {decay:g}": {"weight_decay": decay, "statistic": f"{name}_per_layer"}
            for decay in (STRONG, WEAK)
        },
        {words: {**SHARED, "network": name, "width": WIDTHS[name]} for name, words in WORDS.items()},
    )
    for name, title in (
        ("spearman", "Change of Spearman's correlation"),
        ("pearson", "Change of Pearson's correlation"),
    )
)
