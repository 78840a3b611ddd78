"""The error of an influence function as a budget: its five terms over several networks, as numbers and tables.

Only experiments that all four retrainers trust count, everywhere alike, so that every number is about the same models.
Networks are given by cell, those of one setting together: `{(data, arm, depth, weight decay): outcomes}`.
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
import pandas
from jaxtyping import Float
from pandas.io.formats.style import Styler

from influencelab.experiments import replication
from influencelab.experiments.comparison import array
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.tables import KEPT
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import FEWEST
from influencelab.statistics.display import readable
from influencelab.statistics.measurements import row, tidy
from influencelab.statistics.replicates import Replicates, difference, mean
from influencelab.studies.where_the_error_comes_from.decomposition import STEPS, TERMS, TRUTHS, terms_in, valid_in

NAMES: tuple[str, ...] = ("data", "arm", "depth", "weight_decay")
Cells = Mapping[tuple[str, str, int, float], Sequence[Outcome]]
MEAN = "mean over networks and test points"
# Arms, estimators, truths and what compares them, as people say it.
WORDS = {
    "published": "stopped early",
    "controlled": "at the minimum",
    "estimate": "LiSSA",
    "linearised": "exact solver",
    "pbrf": "PBRF",
    "cold": "retraining anew",
    "pbrf_over_cold": "PBRF − retraining anew",
    "ratio": "(4+5) / (1–3)",
}
HEADS = {"arm": "fit", "depth": "hidden layers", "estimator": "solved by"}


def agreement(outcomes: Sequence[Outcome], *, target: str, estimator: str = "estimate") -> dict[str, Replicates]:
    """How an estimator agrees with one of the truths: the four measures of each network and test point."""
    shared = [replace(each, trusted=dict.fromkeys(each.trusted, valid_in(each))) for each in outcomes]
    return replication.agreement(shared, selection=next(iter(outcomes[0].chosen)), estimator=estimator, target=target)


def term_sizes(outcome: Outcome) -> Float[numpy.ndarray, "7 m"]:
    """RMS over valid experiments of the five terms, of the last two's sum and of the first three's; NaN below three."""
    rows = array(valid_in(outcome))
    if rows.sum() < FEWEST:
        return numpy.full((7, len(outcome.test_ids)), numpy.nan)
    parts = numpy.stack([array(part)[rows] for part in terms_in(outcome).values()])
    return numpy.sqrt((numpy.stack([*parts, parts[3:].sum(0), parts[:3].sum(0)]) ** 2).mean(1))


def term_statistics(outcomes: Sequence[Outcome]) -> dict[str, Replicates]:
    """The share of each term in the sum of their RMS, and `ratio`, for each network and test point.

    `ratio` is log of RMS(PBRF − estimate) / RMS(cold − PBRF): above stand the signed sum of linearisation and solver,
    below that of warm start, proximity and non-convergence. The logarithm makes twice and half as much equally far
    from alike, so that no test point rules the mean.
    """
    *sizes, above, below = numpy.stack([term_sizes(outcome) for outcome in outcomes], axis=1)
    tables = {term: size / sum(sizes) for term, size in zip(TERMS, sizes, strict=True)}
    tables["ratio"] = numpy.log(numpy.where((above > 0) & (below > 0), above, numpy.nan) / below)
    test_ids = numpy.stack([array(outcome.test_ids) for outcome in outcomes])
    return {name: Replicates(values=values, test_ids=test_ids) for name, values in tables.items()}


def measurements(cells: Cells, bootstrap: Bootstrap | None = None) -> pandas.DataFrame:
    """The numbers of each setting as a tidy table, and of each arm on a data set, without depth and weight decay."""
    whole: dict[tuple[str, str], list[Outcome]] = {}
    for (data, arm, *_), outcomes in cells.items():
        whole.setdefault((data, arm), []).extend(outcomes)
    groups = [(dict(zip(NAMES, key, strict=False)), group) for key, group in (*cells.items(), *whole.items())]
    return tidy(line for settings, outcomes in groups for line in rows_of(outcomes, bootstrap, settings))


def rows_of(
    outcomes: Sequence[Outcome], bootstrap: Bootstrap | None, settings: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """The correlations, their difference, the ratio of the terms and the terms' shares of some networks."""
    for estimator in ("estimate", "linearised"):
        own = {**settings, "estimator": estimator}
        tables = {target: agreement(outcomes, target=target, estimator=estimator) for target in TRUTHS}
        for target, measures in tables.items():
            for measure, table in measures.items():
                found = mean(table, bootstrap=bootstrap).described(MEAN)
                yield row(found.with_half_width(), **own, target=target, statistic=measure)
        response, anew = (tables[target]["spearman"] for target in ("pbrf", "cold"))
        gain = difference(response, anew, paired=True, bootstrap=bootstrap).described(MEAN)
        yield row(gain.with_half_width(), **own, statistic="pbrf_over_cold")
    own = {**settings, "estimator": "estimate"}
    sizes = {name: mean(table, bootstrap=bootstrap) for name, table in term_statistics(outcomes).items()}
    ratio = sizes.pop("ratio").mapped(math.exp, "of logarithms").described(f"geometric {MEAN}")
    yield row(ratio.with_half_width(), **own, statistic="ratio")
    for term, share in sizes.items():
        yield row(share.described(MEAN).with_half_width(), **own, term=term, statistic="share")


def replicated(cells: Cells) -> list[replication.Measured]:
    """What the numbers of each setting are made of: ρ with every truth, and the logarithm of the ratio of terms."""
    parts: list[replication.Measured] = []
    for key, outcomes in cells.items():
        settings = dict(zip(NAMES, key, strict=True))
        for estimator, target in itertools.product(("estimate", "linearised"), TRUTHS):
            own = {**settings, "estimator": estimator, "target": target, "statistic": "spearman"}
            parts.append((own, agreement(outcomes, target=target, estimator=estimator)["spearman"]))
        parts.append(({**settings, "estimator": "estimate", "statistic": "ratio"}, term_statistics(outcomes)["ratio"]))
    return parts


def in_words(measured: pandas.DataFrame, across: str, *, statistics: Sequence[str]) -> pandas.DataFrame:
    """The rows of single settings with these statistics in words; one of no value across stands under its own name."""
    rows: Any = measured[measured["depth"].notna() & measured["statistic"].isin(statistics)]
    if across != "statistic":
        rows = rows.assign(**{across: rows[across].fillna(rows["statistic"])}).drop(columns="statistic")
    return rows.replace(WORDS).rename(columns=HEADS)


def trust_table(cells: Cells) -> Styler:
    """A row a setting: how good the fits are, the experiments that each retrainer trusts, and the sum of the terms."""
    rows = []
    for (data, arm, depth, decay), outcomes in cells.items():
        facts = [outcome.facts for outcome in outcomes]
        trusted = [sum(int(outcome.trusted[target].sum()) for outcome in outcomes) for target in TRUTHS]
        rows.append(
            {
                "data": data,
                "fit": WORDS.get(arm, arm),
                "hidden layers": depth,
                "weight decay": f"{decay:g}",
                "networks": len(outcomes),
                "parameters": facts[0]["p"],
                "largest ‖∇J‖ of a fit": f"{max(fact['fit_grad_norm'] for fact in facts):.0e}",
                "LiSSA residual": f"{max(fact['estimates']['estimate']['largest_residual'] for fact in facts):.2g}",
                "removals": sum(fact["removals"] for fact in facts),
                f"trusted ({', '.join(TRUTHS)})": ", ".join(map(str, trusted)),
                "by all four": sum(int(valid_in(outcome).sum()) for outcome in outcomes),
                "RMS of the error (nats)": f"{pooled(outcomes)['error']:.1e}",
                "largest |five terms − error| (nats)": f"{max(map(largest_gap, outcomes)):.1e}",
            }
        )
    caption = "Every fit, the experiments that each retrainer trusts, and the error, cold − estimate"
    return readable(pandas.DataFrame(rows), caption=caption)


def largest_gap(outcome: Outcome) -> float:
    """How far, at most, the five terms' sum is from cold − estimate, found apart, in nats: nothing may be lost."""
    gap = sum(terms_in(outcome).values()) - (outcome.actual["cold"] - outcome.predicted["estimate"])
    return float(gap.abs().max())


def pooled(outcomes: Sequence[Outcome]) -> dict[str, float]:
    """The RMS of each term, of their sum (`error`) and of the truth, over all networks and valid pairs, in nats."""
    squares: dict[str, list[numpy.ndarray]] = {}
    for outcome in outcomes:
        terms = terms_in(outcome)
        for name, table in {**terms, "error": sum(terms.values()), "truth": outcome.actual["cold"]}.items():
            squares.setdefault(name, []).append(array(table[valid_in(outcome)]).ravel() ** 2)
    return {name: math.sqrt(numpy.concatenate(found).mean()) for name, found in squares.items()}


def changes_table(cells: Cells, *, seed: int = 0) -> pandas.DataFrame:
    """What each step says of each valid pair, in nats, which the terms are differences of: a sample of `KEPT`."""
    tables = {}
    for key, outcomes in cells.items():
        for network, outcome in enumerate(outcomes):
            valid, steps = array(valid_in(outcome)), {**outcome.actual, **outcome.predicted}
            pairs = pandas.MultiIndex.from_product([array(outcome.train_ids)[valid], array(outcome.test_ids)])
            changes = {name: array(steps[name])[valid].ravel() for name in STEPS}
            tables[*key, network] = pandas.DataFrame(changes, index=pairs, dtype="float32")
    whole = pandas.concat(tables, names=[*NAMES, "network", "train_id", "test_id"]).reset_index()
    some = numpy.sort(numpy.random.default_rng(seed).permutation(len(whole))[:KEPT])
    small = dict.fromkeys(("train_id", "test_id"), "int32") | dict.fromkeys(("arm", "data"), "category")
    return whole.iloc[some].astype(small)
