"""What a smoothing path says: agreement at every t, what each loses to the best one, and the test of the rule."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf

import numpy
import pandas
from pandas.io.formats.style import Styler

from influencelab.experiments.trial import Outcome
from influencelab.statistics.agreement import statistic
from influencelab.statistics.bootstrap import Bootstrap
from influencelab.statistics.comparison import Comparison
from influencelab.statistics.correlation import pearson
from influencelab.statistics.display import readable
from influencelab.statistics.measurement import Measurement, Statistic, from_columns
from influencelab.studies.smooth_hinge.smoothing_path import ARMS, TRUTH, path_name
from influencelab.studies.smooth_hinge.strain import rule

# The t of the paper's figure, and the one it recommends.
PUBLISHED = (0.0, 0.001, 0.1)
FIXED = 0.001
# The arms that the rule for t is tested on: it is a rule for influence.
RULED = ("published", "consistent")
# How a path is looked at: the paper's test point and its own top removals; all test points; random support vectors.
VIEWS = ("first", "top", "support_vectors")


def pairs_of(outcome: Outcome, view: str, estimator: str) -> Comparison:
    """Predicted beside actual, as one of `VIEWS` looks at them."""
    found = outcome.comparison("top" if view == "first" else view, estimator, TRUTH)
    if view == "first":
        found = replace(found, mask=found.mask & (numpy.arange(found.m) == 0))
    return found.without_empty_tests()


def widths_of(outcome: Outcome) -> list[float]:
    """Every t > 0 of a path, rising."""
    return sorted({each["t"] for each in outcome.facts["smoothing"].values() if each["t"]})


def path_table(outcome: Outcome, view: str, *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """A row for each arm and t: Pearson and slope with intervals, carriers, strain, what is lost to the best t.

    `lost` is Pearson at the arm's best t less that at this one, on the same resamples; the choice of the best is not
    resampled, so that the best itself has no interval.
    """
    rows = []
    for arm in ARMS:
        found = {t: pairs_of(outcome, view, path_name(arm, t)) for t in [0.0, *widths_of(outcome)]}
        value = {t: statistic(pairs, "pearson", bootstrap=bootstrap).pooled for t, pairs in found.items()}
        best = max(value, key=lambda t: value[t].value)
        for t, pairs in found.items():
            slope = statistic(pairs, "slope", bootstrap=bootstrap).pooled
            lost = advantage(found[best], pairs, bootstrap=bootstrap).pooled
            described = outcome.facts["smoothing"][path_name(arm, t)]
            rows.append(
                {"view": view, "arm": arm, "t": t}
                | value[t].columns("pearson")
                | slope.columns("slope")
                | lost.columns("lost")
                | {"best": t == best, "carriers": described["carriers"], "strain": described["strain"]}
            )
    return pandas.DataFrame(rows)


def advantage(one: Comparison, other: Comparison, *, bootstrap: Bootstrap, measure: Callable = pearson) -> Statistic:
    """How much better one prediction agrees than another of the same removals, on the same resamples."""

    def difference(pairs: Comparison, weights: numpy.ndarray) -> numpy.ndarray:
        return measure(pairs, weights) - measure(replace(pairs, predicted=other.predicted), weights)

    return statistic(one, difference, bootstrap=bootstrap)


def path_numbers(name: str, outcome: Outcome, tables: Mapping[str, pandas.DataFrame]) -> dict[str, Measurement]:
    """`mnist/published/0.001/first/pearson` and its like; carriers and strain of each fit beside them."""
    found = {}
    for view, table in tables.items():
        for row in table.to_dict("records"):
            stem = f"{name}/{row['arm']}/{row['t']:g}"
            n = int(pairs_of(outcome, view, path_name(row["arm"], row["t"])).mask.sum())
            for what in ("pearson", "slope", "lost"):
                found[f"{stem}/{view}/{what}"] = from_columns(row, what, n=n, note=NOTES[what])
            found[f"{stem}/carriers"] = Measurement(row["carriers"], note="points that carry curvature, effectively")
            if row["strain"] == row["strain"]:
                found[f"{stem}/strain"] = Measurement(row["strain"], note="RMS move of margins in units of t")
    return found


NOTES = {
    "pearson": "mean over test points; 95% bootstrap over removals and, where there are several, test points",
    "slope": "mean over test points of the slope of actual on predicted; 95% bootstrap as for Pearson",
    "lost": "Pearson at the best t of this path less that at this t; 95% bootstrap of the difference",
}


def headline_numbers(name: str, outcome: Outcome, *, bootstrap: Bootstrap) -> dict[str, Measurement]:
    """What the paper's three panels are summed up by, for each arm: overshoot at t = 0, and the drop from 0.001 to 0.1.

    Overshoot is RMS predicted over RMS actual on the first test point's top removals; the drop is also told as a mean
    over all test points, since one has little power.
    """
    found = {}
    for arm in ARMS:
        at = {t: pairs_of(outcome, "first", path_name(arm, t)) for t in PUBLISHED}
        ratio = statistic(at[0.0], "rms_ratio", bootstrap=bootstrap).pooled
        over = ratio.mapped(lambda each: 1 / each if each > 0 else inf, "inverse")
        n = int(at[0.0].mask.sum())
        note = "RMS predicted over RMS actual; 95% bootstrap over removals"
        found[f"{name}/{arm}/0/first/overshoot"] = replace(over.finite(), n=n, note=note)
        for view in ("first", "top"):
            near, far = (pairs_of(outcome, view, path_name(arm, t)) for t in (FIXED, 0.1))
            drop = advantage(near, far, bootstrap=bootstrap).pooled
            note = f"Pearson at t = 0.001 less that at 0.1, {SEEN[view]}; 95% bootstrap of the difference"
            found[f"{name}/{arm}/{view}/drop"] = replace(drop, n=int(near.mask.sum()), note=note)
    return found


def rule_table(outcomes: Mapping[str, Outcome], *, bootstrap: Bootstrap) -> pandas.DataFrame:
    """A row for each data set and arm: the rule's t, the oracle's, and Pearson on support vectors at each.

    The rule sees the consistent fits only. The oracle is the t of the largest Pearson on these very removals, and so
    flatters itself; `gain` is the rule's Pearson less that of t = 0.001, `regret` the oracle's less the rule's.
    """
    rows = []
    for cell, outcome in outcomes.items():
        chosen = chosen_width(outcome)
        for arm in RULED:
            pairs = {t: pairs_of(outcome, "support_vectors", path_name(arm, t)) for t in widths_of(outcome)}
            value = {t: statistic(each, "pearson", bootstrap=bootstrap).pooled for t, each in pairs.items()}
            oracle = max(value, key=lambda t: value[t].value)
            rows.append(
                {"cell": cell, "arm": arm, "t_rule": chosen, "t_oracle": oracle, "n": int(pairs[chosen].mask.sum())}
                | value[FIXED].columns("fixed")
                | value[chosen].columns("rule")
                | value[oracle].columns("oracle")
                | advantage(pairs[chosen], pairs[FIXED], bootstrap=bootstrap).pooled.columns("gain")
                | advantage(pairs[oracle], pairs[chosen], bootstrap=bootstrap).pooled.columns("regret")
            )
    return pandas.DataFrame(rows)


def chosen_width(outcome: Outcome) -> float:
    """The t that the rule takes, from the strains of the consistent fits."""
    described = outcome.facts["smoothing"].values()
    strains = {each["t"]: each["strain"] for each in described if each["arm"] == "consistent" and each["t"]}
    return rule({t: inf if strain is None else strain for t, strain in strains.items()})


def rule_numbers(table: pandas.DataFrame, *, held_out: Sequence[str]) -> dict[str, Measurement]:
    """`rule/wine-0.01/consistent/gain` and its like, and the means over the data sets that had no part in the rule.

    Args:
        table: of `rule_table`.
        held_out: its cells that were not looked at when the rule was found.
    """
    found = {}
    for row in table.to_dict("records"):
        stem = f"rule/{row['cell']}/{row['arm']}"
        for what in ("t_rule", "t_oracle"):
            found[f"{stem}/{what}"] = Measurement(row[what])
        for what in ("fixed", "rule", "oracle", "gain", "regret"):
            note = "Pearson on support vectors; 95% bootstrap"
            found[f"{stem}/{what}"] = from_columns(row, what, n=row["n"], note=note)
    for arm in RULED:
        part = table.loc[(table["arm"] == arm) & table["cell"].isin(held_out)]
        for what in ("gain", "regret"):
            found[f"rule/held_out/{arm}/{what}"] = mean_over_cells(part, what)
    return found


def mean_over_cells(table: pandas.DataFrame, what: str) -> Measurement:
    """The mean of a difference over data sets, these very ones, whose errors are independent."""
    value = table[what].to_numpy()
    half = (table[f"{what}_high"] - table[f"{what}_low"]).to_numpy() / 2
    width = float(numpy.sqrt((half**2).sum()) / len(value))
    middle = float(value.mean())
    note = f"mean over {len(value)} data sets and decays; 95%, from their own intervals taken as independent"
    return Measurement(middle, middle - width, middle + width, n=len(value), note=note).finite()


def agreement_at(tables: Mapping[str, pandas.DataFrame], *, published: Mapping[float, str]) -> Styler:
    """Both arms at the paper's three t, each view in a column, beside what the paper printed.

    Args:
        tables: of `path_table`, by view.
        published: the paper's Pearson at each t.
    """
    rows = []
    for arm in ARMS:
        for t in PUBLISHED:
            cells = {}
            for view, table in tables.items():
                row = table[(table["arm"] == arm) & (table["t"] == t)].iloc[0]
                cells[SEEN[view]] = from_columns(row, "pearson").rounded()
            rows.append({"arm": arm, "t": f"{t:g}", "paper": published[t]} | cells)
    return readable(pandas.DataFrame(rows), caption="Pearson of predicted and actual change, with 95% intervals")


SEEN = {
    "first": "first test point, top removals",
    "top": "all test points, top removals",
    "support_vectors": "all test points, random support vectors",
}


def cell_said(cell: str) -> str:
    """`breast cancer, 0.01` for `breast_cancer-0.01`."""
    name, _, decay = cell.rpartition("-")
    return f"{name.replace('_', ' ')}, {decay}"


def shown_pairs(outcomes: Mapping[str, Outcome]) -> pandas.DataFrame:
    """Every removal and test point of each path, with what both arms predict at the paper's three t, in float32."""
    parts = []
    for name, outcome in outcomes.items():
        looked_at = outcome.chosen["top"] | outcome.chosen["support_vectors"]
        rows, columns = (looked_at & outcome.trusted[TRUTH][:, None]).nonzero(as_tuple=True)
        predicted = {f"{arm}_{t:g}": outcome.predicted[path_name(arm, t)] for arm in ARMS for t in PUBLISHED}
        values = {"actual": outcome.actual[TRUTH], **predicted}
        table = {label: value[rows, columns].numpy().astype(numpy.float32) for label, value in values.items()}
        chosen = {label: outcome.chosen[label][rows, columns].numpy() for label in ("top", "support_vectors")}
        ids = {"test_id": outcome.test_ids[columns].numpy(), "train_id": outcome.train_ids[rows].numpy()}
        parts.append(pandas.DataFrame({"data": name, **ids, **chosen, **table}))
    found = pandas.concat(parts, ignore_index=True)
    return found.astype({"data": "category"})
