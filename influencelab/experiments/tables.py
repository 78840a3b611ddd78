"""Tables of outcomes: their statistics, as numbers a claim can find and as tables to read, and samples of pairs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy
import pandas
from pandas.io.formats.style import Styler

from influencelab.experiments.trial import Outcome
from influencelab.statistics.agreement import UNBOUNDED
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.display import readable
from influencelab.statistics.measurement import Measurement, Statistic

# Pairs of one comparison that a report keeps; more are sampled.
KEPT = 12_000


# Names of kinds as a reader says them.
WORDS = {
    "exact": "influence (exact)",
    "conjugate_gradient": "influence (conjugate gradients)",
    "lissa": "influence (LiSSA, stochastic)",
    "newton_step": "one Newton step",
    "arnoldi": "influence (Lanczos, low rank)",
    "ekfac": "influence (Kronecker factors)",
    "tracin": "gradient products along the run (TracIn)",
    "unrolled": "derivative of the whole run (unrolled)",
    "last_layer": "influence (last layer)",
    "gradient_dot": "gradient product",
    "gradient_cosine": "gradient cosine",
    "same_label": "same label",
    "random_points": "random points",
    "top": "most influential",
    "everything": "all points",
    "highest_loss": "largest training loss",
    "percentile": "middling influence",
    "within_class_spearman": "Spearman within class",
    "sign_agreement": "same sign",
    "pearson": "Pearson",
    "spearman": "Spearman",
}


@dataclass(frozen=True, eq=False)
class Summary:
    """One estimator on one selection of one trial.

    Attributes:
        name: data and setting, such as `digits` at weight decay 0.01.
        selection: which removals.
        setting: what the trial was varied by, such as `/0.01`; empty for a single trial. It ends the names of numbers.
        comparison: predicted beside actual.
        statistics: of their agreement, by name.
    """

    name: str
    selection: str
    setting: str
    comparison: Comparison
    statistics: Mapping[str, Statistic]

    def numbers(self) -> dict[str, Measurement]:
        """`digits/top/exact/spearman/0.01` and its like: means over test points; of the slope the median too."""
        stem = f"{self.name}/{self.selection}/{self.comparison.estimator}"
        found = {}
        for name, statistic in self.statistics.items():
            if name in UNBOUNDED and self.comparison.unit == "none":
                continue  # a size means nothing for a score without a unit
            found[f"{stem}/{name}{self.setting}"] = statistic.pooled
            if name == "slope":
                found[f"{stem}/median_{name}{self.setting}"] = statistic.median
        return found


def summaries(outcome: Outcome, name: str, *, setting: str = "", bootstrap: Bootstrap | None = None) -> list[Summary]:
    """Every estimator on every selection of a trial.

    Args:
        name: of the data, the first word of every number's name.
        setting: the value the trial was varied to, the last word.
    """
    found = []
    for selection in outcome.chosen:
        for estimator in outcome.predicted:
            comparison = outcome.comparison(selection, estimator)
            statistics = comparison.statistics(bootstrap)
            found.append(Summary(name, selection, f"/{setting}" if setting else "", comparison, statistics))
    return found


def summaries_by_setting(
    outcomes: Mapping[str, Outcome], name: str, *, bootstrap: Bootstrap | None = None
) -> list[Summary]:
    """The same for every trial of a sweep, whose settings are the keys."""
    return [
        part
        for setting, outcome in outcomes.items()
        for part in summaries(outcome, name, setting=setting, bootstrap=bootstrap)
    ]


def numbers(parts: Iterable[Summary]) -> dict[str, Measurement]:
    """All their numbers together."""
    return {name: number for part in parts for name, number in part.numbers().items()}


def display_name(name: str) -> str:
    """A kind's name for people."""
    return WORDS.get(name, name.replace("_", " "))


def agreement_table(parts: Sequence[Summary]) -> Styler:
    """A row a summary: the statistics a reader looks at first, each with its interval."""
    shown = ("pearson", "spearman", "within_class_spearman", "slope", "sign_agreement")
    rows = [
        {
            "weight decay" if part.setting else "data": part.setting.removeprefix("/") or part.name,
            "removed": display_name(part.selection),
            "predicted by": display_name(part.comparison.estimator),
            **{
                display_name(name): part.statistics[name].pooled.rounded()
                for name in shown
                if name in part.statistics and not (name in UNBOUNDED and part.comparison.unit == "none")
            },
            "pairs": f"{int(part.comparison.mask.sum()):,}",
        }
        for part in parts
    ]
    return readable(pandas.DataFrame(rows), caption="Means over test points, with 95% intervals")


def pairs_table(parts: Sequence[Summary], *, seed: int = 0) -> pandas.DataFrame:
    """The pairs behind the numbers, in float32: all of a comparison, or a random sample of `KEPT` where it has more."""
    generator = numpy.random.default_rng(seed)
    tables = []
    for part in parts:
        table = part.comparison.table()
        if len(table) > KEPT:
            table = table.iloc[numpy.sort(generator.permutation(len(table))[:KEPT])]
        table.insert(0, "estimator", part.comparison.estimator)
        table.insert(0, "removed", part.selection)
        table.insert(0, "data", f"{part.name}{part.setting}")
        tables.append(table)
    whole = pandas.concat(tables, ignore_index=True)
    small = dict.fromkeys(("predicted", "actual"), "float32") | dict.fromkeys(("test_id", "train_id"), "int32")
    return whole.astype(small | dict.fromkeys(("data", "removed", "estimator"), "category"))


def fit_table(outcomes: Mapping[str, Outcome], *, varied: str = "trial") -> Styler:
    """A row a trial: how well the model was fitted, and whether the retrained models are truth.

    Args:
        outcomes: each trial by its name.
        varied: what the names are, such as `weight decay`.
    """
    rows = []
    for name, outcome in outcomes.items():
        facts, truth = outcome.facts, next(iter(outcome.facts["targets"].values()))
        rows.append(
            {
                varied: name,
                "n": f"{facts['n']:,}",
                "parameters": f"{facts['p']:,}",
                "effective": f"{facts['effective_parameters']:.1f}",
                "objective (nats)": f"{facts['fit_loss']:.4f}",
                "‖∇J‖ of the fit": f"{facts['fit_grad_norm']:.0e}",
                "accuracy (train, test)": f"{facts['train_accuracy']:.3f}, {facts['test_accuracy']:.3f}",
                "retrained": f"{facts['removals']:,}",
                "converged": f"{truth['converged']:,}",
                "largest ‖∇J‖": f"{truth['largest_grad_norm']:.0e}",
                "seconds": f"{truth['seconds']:.1f}",
            }
        )
    return readable(pandas.DataFrame(rows), caption="Every fit, and every model retrained from it")
