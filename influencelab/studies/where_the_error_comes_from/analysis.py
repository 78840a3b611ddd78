"""The error of an influence function as a budget: its five terms over several networks, as numbers, tables, a figure.

Only experiments that all four retrainers trust count, everywhere alike, so that every number is about the same models.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy
import pandas
from jaxtyping import Float
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from influencelab.experiments.agreement import KEPT
from influencelab.experiments.comparison import array
from influencelab.experiments.line_plots import correlation_by_depth, draw_bars, drawing, legend_below
from influencelab.experiments.replication import correlations
from influencelab.experiments.trial import Outcome
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import FEWEST
from influencelab.statistics.display import readable
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.replicates import Replicates, difference, mean
from influencelab.studies.where_the_error_comes_from.decomposition import STEPS, TERMS, TRUTHS, Terms, terms_in

# Estimators of a decomposition and how each solves for the response.
SOLVERS = {"estimate": "LiSSA", "linearised": "exact"}
# Arms and the truths that they are drawn with, in words.
WORDS = {"published": "stopped early", "controlled": "at the minimum", "pbrf": "PBRF", "cold": "retraining anew"}


class Setting(NamedTuple):
    """Where a network stands in the study: the key of its outcomes, one a seed."""

    data: str
    arm: str
    depth: int
    weight_decay: float

    @property
    def stem(self) -> str:
        """`published/iris`: the first words of its numbers' names."""
        return f"{self.arm}/{self.data}"

    @property
    def title(self) -> str:
        """In words, without the depth."""
        return f"{self.data}, {WORDS.get(self.arm, self.arm)},\nweight decay {self.weight_decay:g}"


Cells = Mapping[Setting, Sequence[Outcome]]


def settings(outcomes: Mapping[tuple, Sequence[Outcome]]) -> dict[Setting, Sequence[Outcome]]:
    """The cells of grids whose keys are (data, arm, depth, weight decay), by names."""
    return {Setting(*key): found for key, found in outcomes.items()}


def shared(outcome: Outcome) -> Outcome:
    """The same outcome, in which a target trusts an experiment only where all four do."""
    valid = terms_in(outcome).valid
    return replace(outcome, trusted=dict.fromkeys(outcome.trusted, valid))


def agreement(outcomes: Sequence[Outcome], *, target: str, estimator: str = "estimate") -> Replicates:
    """Spearman's correlation of each network and test point, of an estimator with one of the truths."""
    selection = next(iter(outcomes[0].chosen))
    valid = [shared(outcome) for outcome in outcomes]
    return correlations(valid, selection=selection, estimator=estimator, target=target)


def misses(outcomes: Sequence[Outcome]) -> Replicates:
    """log of RMS(PBRF − estimate) / RMS(cold − PBRF) for each network and test point.

    Above stand the signed sum of linearisation and solver, below that of warm start, proximity and non-convergence.
    The logarithm makes twice and half as much equally far from alike, so that no test point rules the mean.
    """
    rows = []
    for terms in map(terms_in, outcomes):
        parts = list(terms.parts.values())
        above, below = root_mean_squares([sum(parts[3:]), sum(parts[:3])], terms)
        rows.append(numpy.log(numpy.where((above > 0) & (below > 0), above, numpy.nan) / below))
    return Replicates(values=numpy.stack(rows), test_ids=numpy.stack([array(each.test_ids) for each in outcomes]))


def shares(outcomes: Sequence[Outcome], term: str) -> Replicates:
    """RMS of one term over the sum of the five RMS, for each network and test point."""
    rows = []
    for terms in map(terms_in, outcomes):
        sizes = root_mean_squares(list(terms.parts.values()), terms)
        rows.append(sizes[TERMS.index(term)] / sizes.sum(0))
    return Replicates(values=numpy.stack(rows), test_ids=numpy.stack([array(each.test_ids) for each in outcomes]))


def root_mean_squares(parts: Sequence, terms: Terms) -> Float[numpy.ndarray, "t m"]:
    """The RMS of tables (r m) over the valid experiments; NaN where fewer than three are."""
    rows = array(terms.valid)
    if rows.sum() < FEWEST:
        return numpy.full((len(parts), terms.truth.shape[1]), numpy.nan)
    return numpy.stack([numpy.sqrt((array(part)[rows] ** 2).mean(0)) for part in parts])


def geometric_mean(logarithms: Replicates, bootstrap: Bootstrap | None) -> Measurement:
    """The exponential of the mean of logarithms."""
    return mean(logarithms, bootstrap=bootstrap).mapped(math.exp, "of logarithms")


# Numbers, for claims.
def numbers(cells: Cells, bootstrap: Bootstrap | None = None) -> dict[str, Measurement]:
    """`published/iris/estimate/pbrf/spearman/4/0.005` and its like, of each setting and of all settings of an arm.

    The names of the latter are without the last two words.
    """
    found: dict[str, Measurement] = {}
    whole: dict[str, list[Outcome]] = {}
    for setting, outcomes in cells.items():
        whole.setdefault(setting.stem, []).extend(outcomes)
        found |= numbers_of(outcomes, setting.stem, bootstrap, ending=f"/{setting.depth}/{setting.weight_decay:g}")
    for stem, outcomes in whole.items():
        found |= numbers_of(outcomes, stem, bootstrap)
    return found


def numbers_of(
    outcomes: Sequence[Outcome], stem: str, bootstrap: Bootstrap | None, *, ending: str = ""
) -> dict[str, Measurement]:
    """The correlations, their difference, the ratio of the terms and the terms' shares of some networks."""
    found = {}
    for estimator in SOLVERS:
        tables = {target: agreement(outcomes, target=target, estimator=estimator) for target in TRUTHS}
        for target, table in tables.items():
            found[f"{stem}/{estimator}/{target}/spearman{ending}"] = with_precision(mean(table, bootstrap=bootstrap))
        gain = difference(tables["pbrf"], tables["cold"], paired=True, bootstrap=bootstrap)
        found[f"{stem}/{estimator}/pbrf_over_cold{ending}"] = with_precision(gain)
    ratio = geometric_mean(misses(outcomes), bootstrap)
    found[f"{stem}/estimate/ratio{ending}"] = with_precision(ratio, "geometric mean over networks and test points")
    for term in TERMS:
        share = mean(shares(outcomes, term), bootstrap=bootstrap)
        found[f"{stem}/share/{term.replace(' ', '_')}{ending}"] = with_precision(share)
    return found


def with_precision(found: Measurement, how: str = "mean over networks and test points") -> Measurement:
    """The number, its half-width in the note: what a claim that stays open would need to be less."""
    width = found.half_width
    return found.described(f"{how}, ± {width:.2g}" if math.isfinite(width) else how)


# Tables and the figure.
def trust_table(cells: Cells) -> Styler:
    """A row a setting: how far the fits are from a minimum, and how many experiments each retrainer trusts."""
    rows = []
    for setting, outcomes in cells.items():
        facts = [outcome.facts for outcome in outcomes]
        trusted = {target: sum(int(outcome.trusted[target].sum()) for outcome in outcomes) for target in TRUTHS}
        rows.append(
            {
                **described(setting),
                "networks": len(outcomes),
                "parameters": facts[0]["p"],
                "largest ‖∇J‖ of a fit": f"{max(fact['fit_grad_norm'] for fact in facts):.0e}",
                "removals": sum(fact["removals"] for fact in facts),
                **{f"trusted: {target}": count for target, count in trusted.items()},
                "by all four": sum(int(terms_in(outcome).valid.sum()) for outcome in outcomes),
                "LiSSA residual": f"{max(f['estimates']['estimate']['largest_residual'] for f in facts):.2g}",
            }
        )
    return readable(
        pandas.DataFrame(rows), caption="Every fit, and the experiments that each retrainer trusts; the last must all"
    )


def sum_table(cells: Cells) -> Styler:
    """A row a setting: the largest gap, in nats, between the five terms' sum and truth − estimate, found apart."""
    rows = [
        {
            **described(setting),
            "largest |five terms − (cold − estimate)| (nats)": f"{max(map(largest_gap, outcomes)):.1e}",
            "RMS of cold − estimate (nats)": f"{math.sqrt(square_mean([error(outcome) for outcome in outcomes])):.1e}",
        }
        for setting, outcomes in cells.items()
    ]
    return readable(pandas.DataFrame(rows), caption="The check that nothing is lost: the terms sum to the error")


def largest_gap(outcome: Outcome) -> float:
    """How far, at most, the sum of the terms is from cold − estimate, in nats."""
    total = sum(array(part) for part in terms_in(outcome).parts.values())
    return float(numpy.abs(total - error(outcome)).max())


def error(outcome: Outcome) -> Float[numpy.ndarray, "r m"]:
    """Cold − estimate of every experiment, straight from the outcome, in nats."""
    return array(outcome.actual["cold"]) - array(outcome.predicted["estimate"])


def square_mean(tables: Sequence[Float[numpy.ndarray, "r m"]]) -> float:
    """The mean of the squares of all tables together."""
    return float((numpy.concatenate([table.ravel() for table in tables]) ** 2).mean())


def term_table(cells: Cells, bootstrap: Bootstrap | None = None) -> Styler:
    """A row a setting: the share of each term with its interval, and the two parts of the error against each other."""
    rows = []
    for setting, outcomes in cells.items():
        parts = {term: mean(shares(outcomes, term), bootstrap=bootstrap).rounded() for term in TERMS}
        ratio = geometric_mean(misses(outcomes), bootstrap)
        rows.append({**described(setting), **parts, "(4+5) / (1–3)": ratio.rounded()})
    caption = "Shares of the terms' RMS, means over networks and test points; and RMS of terms 4+5 over that of 1–3"
    return readable(pandas.DataFrame(rows), caption=caption)


def agreement_table(cells: Cells, bootstrap: Bootstrap | None = None) -> Styler:
    """A row a setting and solver: Spearman's correlation with each truth, and PBRF less retraining anew."""
    rows = []
    for setting, outcomes in cells.items():
        for estimator, solver in SOLVERS.items():
            tables = {target: agreement(outcomes, target=target, estimator=estimator) for target in TRUTHS}
            intervals = {target: mean(table, bootstrap=bootstrap).rounded() for target, table in tables.items()}
            gain = difference(tables["pbrf"], tables["cold"], paired=True, bootstrap=bootstrap)
            rows.append({**described(setting), "solver": solver, **intervals, "pbrf − cold": gain.rounded()})
    return readable(pandas.DataFrame(rows), caption="Signed Spearman correlation of influence with each truth")


def described(setting: Setting) -> dict[str, object]:
    """The first columns of every table."""
    return {
        "data": setting.data,
        "fit": WORDS.get(setting.arm, setting.arm),
        "hidden layers": setting.depth,
        "weight decay": f"{setting.weight_decay:g}",
    }


def budget_figure(cells: Cells) -> Figure:
    """A panel for each data, arm and weight decay, a bar a depth: which terms the error is made of.

    Above each bar stands the RMS of the whole error over that of the truth: 1 is an error as large as what happened.
    """
    titles = list(dict.fromkeys(setting.title for setting in cells))
    figure, axes = drawing(len(titles), width=2.75, height=4.6)
    for axis, title in zip(axes, titles, strict=True):
        sizes, totals = {}, {}
        for setting, outcomes in cells.items():
            if setting.title == title:
                sizes[setting.depth], totals[setting.depth] = pooled(outcomes)
        draw_bars(axis, pandas.DataFrame(sizes).T, totals=pandas.DataFrame(totals).T)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("hidden layers")
    axes[0].set_ylabel("share of the terms' RMS sizes\n(above: RMS of the error / RMS of the truth)")
    legend_below(figure, axes)
    return figure


def pooled(outcomes: Sequence[Outcome]) -> tuple[dict[str, float], dict[str, float]]:
    """The RMS of each term, and of their sum and the truth, over all networks, experiments and test points, in nats."""
    found = [terms_in(outcome) for outcome in outcomes]
    valid = [{name: array(part)[array(terms.valid)] for name, part in terms.parts.items()} for terms in found]
    sizes = {term: math.sqrt(square_mean([parts[term] for parts in valid])) for term in TERMS}
    total = math.sqrt(square_mean([numpy.sum(list(parts.values()), axis=0) for parts in valid]))
    truth = math.sqrt(square_mean([array(terms.truth[terms.valid]) for terms in found]))
    return sizes, {"total": total, "truth": truth}


def agreement_figure(cells: Cells, data: str, bootstrap: Bootstrap | None = None) -> Figure:
    """A panel a weight decay: influence against PBRF and against retraining anew, by depth, for each arm."""
    panels: dict[str, dict[str, dict[float, Replicates]]] = {}
    for setting, outcomes in cells.items():
        if setting.data == data:
            panel = panels.setdefault(f"weight decay {setting.weight_decay:g}", {})
            for target in ("pbrf", "cold"):
                line = panel.setdefault(f"{WORDS.get(setting.arm, setting.arm)}: {WORDS[target]}", {})
                line[setting.depth] = agreement(outcomes, target=target)
    return correlation_by_depth(panels, bootstrap=bootstrap)


def changes_table(cells: Cells, *, seed: int = 0) -> pandas.DataFrame:
    """What each step says of each valid pair, in nats, which the terms are differences of: a sample of `KEPT`."""
    tables = []
    for setting, outcomes in cells.items():
        for network, outcome in enumerate(outcomes):
            rows = array(terms_in(outcome).valid)
            steps = {**outcome.actual, **outcome.predicted}
            changes = {name: array(steps[name])[rows].ravel().astype("float32") for name in (*STEPS, "estimate")}
            points = {
                "train_id": array(outcome.train_ids)[rows].repeat(len(outcome.test_ids)),
                "test_id": numpy.tile(array(outcome.test_ids), rows.sum()),
            }
            tables.append(pandas.DataFrame({**setting._asdict(), "network": network, **points, **changes}))
    whole = pandas.concat(tables, ignore_index=True)
    generator = numpy.random.default_rng(seed)
    some = whole.iloc[numpy.sort(generator.permutation(len(whole))[:KEPT])]
    small = dict.fromkeys(("train_id", "test_id"), "int32") | dict.fromkeys(("arm", "data"), "category")
    return some.astype(small)
