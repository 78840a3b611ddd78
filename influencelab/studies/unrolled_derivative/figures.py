"""The figure of agreement against the learning rate."""

import pandas
from matplotlib.figure import Figure

from influencelab.experiments.line_plots import lines
from influencelab.studies.unrolled_derivative.analysis import DRAWN, REPEATS, in_words

BY_RATE = (
    "How well the derivative of a training run ranks removals as retraining does, from the same start with the same "
    "batches (its own draw) and from another. The dashed line is how well two draws agree with each other, which "
    "bounds what can be said of another draw; bars are 95% intervals, faint dots single networks."
)


def agreement_by_rate(table: pandas.DataFrame, networks: pandas.DataFrame) -> Figure:
    """Correlation of single removals against the learning rate, a panel a kind of run, and each network's own means."""
    single = (each[each["share"].isna() & each["statistic"].isin(DRAWN)] for each in (table, networks))
    words, dots = map(in_words, single)
    names = {"x": "learning_rate", "hue": "score", "panel": "run", "neutral": [REPEATS]}
    return lines(words, dots=dots, across="learning rate", caption=BY_RATE, **names)
