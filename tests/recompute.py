"""Compute the numbers on the pages of results again: `python tests/recompute.py [results]`, by NumPy, pandas and SciPy.

`numbers.csv` lists the numbers, `formulas.toml` says which table of its report each is made of, and how; no line of the
package that made them runs. A value must agree to a part in a million, or to what its table's digits allow (`DIGITS`);
both ends of its interval, drawn anew by a bootstrap of this script's own, to 15% of its width or, where few distinct
values leave gaps, to what as many draws leave open. A line a study says of how many numbers the tables are there.
"""

import json
import sys
import tomllib
from collections import Counter
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

DRAWS, EXACT, WIDTH = 2000, 1e-6, 0.15
SCORES = Path(__file__).parents[1] / "influencelab/studies/libraries_compared/scores/scores.npz"
# Facts are rounded to 1e-5; of predictions in float32 that are all but equal, some change places.
DIGITS = {"depth_and_weight_decay": 5e-6, "leave_one_out": 5e-6, "where_the_error_comes_from": 2e-5}
# What was made before a cause was mended, and agrees when its study is run again.
STALE = {
    ("depth_and_weight_decay", "decay_gain"): "twin flowers, whose predictions are one, were ranked by rounding",
    ("similarity", "influence_less_rival"): "intervals of differences were cut at 1",
}
THEN = {"exp": np.exp, "inverse": lambda each: 1 / each}
np.seterr(all="ignore")


class Lacking(Exception):
    """No committed table holds what a number is made of."""


@cache
def read(path):
    """A table, read once, with all reals in double precision."""
    if not path.is_file():
        raise Lacking(f"no {path.name}")
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.DataFrame(json.loads(path.read_text())["calls"])
    return table.astype(dict.fromkeys(table.select_dtypes("float32"), float))


# Statistics of predicted x and actual y in each of some draws; w (draws, removals) says how often each was drawn.
def spread(x, y, w):
    """Covariance, and variances of x and y."""
    n, x, y = w.sum(1), x - x.mean(), y - y.mean()
    mx, my = w @ x / n, w @ y / n
    return w @ (x * y) / n - mx * my, w @ x**2 / n - mx**2, w @ y**2 / n - my**2


def pearson(x, y, w):
    xy, xx, yy = spread(x / np.ptp(x), y / np.ptp(y), w)
    return np.where((xx > 1e-15) & (yy > 1e-15), xy / np.sqrt(xx * yy), np.nan)


def slope(x, y, w):
    return np.divide(*spread(x / np.ptp(x), y / np.ptp(x), w)[:2])


def spearman(x, y, w):
    r, s = (ranks(each, w) - w.sum(1, keepdims=True) / 2 for each in (x, y))
    return (w * r * s).sum(1) / np.sqrt((w * r * r).sum(1) * (w * s * s).sum(1))


def ranks(x, w):
    """The weight below each value and half of that at it; what is within 1e-7 of the range of a group's least is tied."""
    order, starts = np.argsort(x), []
    for place, value in enumerate(x[order]):
        if not starts or value - least >= 1e-7 * np.ptp(x):
            least, starts = value, [*starts, place]  # noqa: F841
    group = np.searchsorted(starts, np.argsort(order), side="right") - 1
    total = np.add.reduceat(w[:, order], starts, axis=1)
    return (np.cumsum(total, 1) - total / 2)[:, group]


def relative_error(x, y, w):
    return np.sqrt(w @ (y - x) ** 2 / (w @ y**2))


def rms_ratio(x, y, w):
    return np.sqrt(w @ y**2 / (w @ x**2))


STATISTICS = {each.__name__: each for each in (pearson, slope, spearman, relative_error, rms_ratio)}


# Means, and the same in draws of what they are over.
@cache
def drawn(units, stream=0):
    """How often each of so many units is drawn in each draw, after a row of ones."""
    places = np.random.default_rng([2026, units, stream]).integers(0, units, (DRAWS, units))
    return np.stack([np.ones(units), *(np.bincount(each, minlength=units) for each in places)]).astype(float)


def mean(table, weights):
    weights = np.where(np.isnan(table), 0, weights)
    return (np.nan_to_num(table) * weights).sum(1) / weights.sum(1)


def median(table, weights):
    return np.array([np.nanmedian(np.repeat(*each)) for each in zip(table, weights.astype(int), strict=True)])


def crossed(table, nested=False):
    """The mean of a table whose rows and columns are drawn anew; of nested columns, that come with their rows."""
    table = np.asarray(table, dtype=float).reshape(len(table), -1)
    columns = np.ones(1) if nested or table.shape[1] == 1 else drawn(table.shape[1], 1)
    above, below = (drawn(len(table)) @ each * columns for each in (np.nan_to_num(table), ~np.isnan(table)))
    return above.sum(1) / below.sum(1)


def square(part, values):
    """A column as a table of removals and test points, in the order in which they stand."""
    index = {"index": "train_id", "columns": "test_id", "sort": False, "observed": True}
    return part.pivot_table(values=values, **index).to_numpy(float)


def over_tests(x, y, statistic, over=mean):
    """The mean over test points of a statistic over removals, both drawn anew."""
    w, known = drawn(len(x)), ~np.isnan(x + y)
    parts = zip(x.T, y.T, known.T, strict=True)
    table = np.stack([STATISTICS[statistic](a[k], b[k], w[:, k]) for a, b, k in parts], 1)
    return over(np.where(np.isnan(table[0]), np.nan, table), drawn(x.shape[1], 1))


def interval(draws):
    """The ends, of draws moved to have their median at the value, which stands first; or those that were given."""
    if isinstance(draws, tuple):
        return np.array([*draws[1:], np.nan, np.nan][:2])
    low, middle, high = np.nanquantile(draws[1:], [0.025, 0.5, 0.975])
    return np.array([low, high]) + draws[0] - middle


class Number:
    """A line of the list, with the tables of its report."""

    def __init__(self, line, results):
        self.line, self.folder = line, results / line.study / line.profile
        self.where = json.loads(line.settings) | {"statistic": line.statistic}

    def filled(self, text):
        """A text with the number's own settings in it."""
        return text.format(**self.where) if isinstance(text, str) else text

    def rows_of(self, formula):
        """The rows of a table that have its settings; none for what an empty one stands for."""
        table, where, queries = read(self.folder / f"{formula['table']}"), dict(self.where), formula.get("query", {})
        where |= {name: self.filled(value) or None for name, value in formula.get("set", {}).items()}
        for name, value in where.items():
            if name in table and name not in queries:
                real = isinstance(value, float) and table[name].dtype.kind == "f"
                same = np.isclose(table[name], value) if real else table[name] == value
                table = table[table[name].isna() if value is None else same]
        if formula["table"].startswith("replicates"):  # a setting that the number lacks is missing in its rows too
            others = [name for name in table if name not in (*where, "seed", "test_id", "value")]
            table = table[table[[name for name in others if name not in formula.get("rows", ())]].isna().all(axis=1)]
        for name, words in queries.items():
            table = table.query(words[where[name]], engine="python")
        if table.empty:
            raise Lacking(f"{formula['table']} is of other settings")
        return table

    def computed(self, formula):
        """The number by a formula, before its draws anew or its ends."""
        if "lacking" in formula:
            raise Lacking(formula["lacking"])
        whole = {"table": "pairs.parquet", "x": "predicted", "y": "actual"} | formula
        whole["table"] += "" if "." in whole["table"] else ".parquet"
        try:
            way = "special" if "special" in whole else "by_value" if "value" in whole else "by_pairs"
            found = SPECIAL[whole["special"]](self) if way == "special" else getattr(self, way)(whole)
        except Lacking:
            if "or" not in formula:
                raise
            return self.computed(formula["or"])
        if "less" in formula:
            own = {name: value for name, value in formula["less"].items() if name in ("x", "value")}
            changed = {name: value for name, value in formula["less"].items() if name not in own}
            other = {name: value for name, value in formula.items() if name != "less"} | own
            found = found - self.computed(other | {"set": formula.get("set", {}) | changed})
        if "then" in formula:
            ends = THEN[formula["then"]](np.array([found[0], *interval(found)]))
            return ends[0], *sorted(ends[1:])
        return found

    def by_value(self, formula):
        """The mean of a column over rows and columns, or what is calculated of all of it."""
        part, rows, columns = self.rows_of(formula), formula.get("rows", "seed"), formula.get("columns", "test_id")
        try:
            value = part.eval(self.filled(formula["value"]), engine="python")
        except NameError as error:
            raise Lacking(str(error)) from error
        if np.ndim(value) == 0:
            return (float(value),)
        part = part.assign(found=np.asarray(value, dtype=float))
        if columns not in part or part[columns].isna().all() or columns == rows:
            return crossed(part["found"])
        table = part.pivot(index=rows, columns=columns, values="found")
        if "units" in formula and len(table) == 1:
            table = table.T
        return crossed(table, nested="units" in formula)

    def by_pairs(self, formula):
        """Predicted beside actual changes: of one model, or of each seed."""
        part, columns = self.rows_of(formula), formula.get("columns", "test_id")
        names = {self.filled(formula[name]): name for name in ("x", "y")}
        part = part.rename(columns=names).assign(**{} if columns else {"test_id": 0})
        statistic = self.filled(formula.get("measure", self.line.statistic))
        over, statistic = (median, statistic[7:]) if statistic.startswith("median_") else (mean, statistic)
        over = median if formula.get("over") == "median" else over
        if "units" in formula:
            units = part["draw" if part["draw"].nunique() > 1 else "train_id"].rank(method="dense").astype(int) - 1
            self.must_have(len(part))
            x, y = part["x"].to_numpy(), part["y"].to_numpy()
            return STATISTICS[statistic](x, y, drawn(units.max() + 1)[:, units])
        if "seeds" in formula and part[formula["seeds"]].drop_duplicates().shape[0] > 1:
            return self.by_seed(part, statistic, over, formula["seeds"])
        self.must_have(len(part))
        return over_tests(square(part, "x"), square(part, "y"), statistic, over)

    def by_seed(self, part, statistic, over, seeds):
        """A statistic of each seed and test point, and their mean; each may have one test point of its own."""
        found = {}
        for key, own in part.groupby([*seeds, "test_id"], observed=True):
            found[key] = STATISTICS[statistic](own["x"].to_numpy(), own["y"].to_numpy(), np.ones((1, len(own))))[0]
        table = pd.Series(found).unstack()
        self.must_have(table.count().sum())
        if over is median:  # between two in order, whose places a binomial law gives
            known = np.sort(np.nanmean(table, axis=1))
            place = max(0, int(stats.binom.ppf(0.025, len(known), 0.5)) - 1)
            return np.median(known), known[place], known[-1 - place]
        return crossed(table, nested=bool(table.count(axis=1).max() == 1))

    def must_have(self, size):
        """Refuse a sample of what the number is made of."""
        if size < self.line.n:
            raise Lacking("a sample of the pairs")


def slices(number):
    """Networks with splits of their own, from the ρ of each that the slices of the study keep."""
    if number.line.profile != "paper_joined":
        raise Lacking("it is of no slice")
    facts = [json.loads(path.read_text()) for path in sorted(number.folder.parent.glob("paper_*/facts.json"))]
    cells = [cell for each in facts for cell in each.get("spearman_by_network", ()) if cell.get("part") == "cold"]
    where = number.where
    rho = {
        (e["weight_decay"], e["depth"]): np.array(e["spearman"], float) for e in cells if e["target"] == where["target"]
    }
    if number.line.statistic == "decay_gain":
        one, two = rho[0.005, where["depth"]], rho[0.0001, where["depth"]]
        return crossed([a - b for a, b in zip(one, two, strict=False)])
    if number.line.statistic == "spearman_per_layer":
        line = {layers: each for (decay, layers), each in rho.items() if decay == where["weight_decay"]}
        x, w = np.repeat([*line], [*map(len, line.values())]), [drawn(len(each), x) for x, each in line.items()]
        return slope(x.astype(float), np.concatenate([*line.values()]), np.concatenate(w, axis=1))
    own = rho[where["weight_decay"], where["depth"]]
    return (np.isnan(own).mean(),) if number.line.statistic == "undefined" else crossed(own)


def flips(number):
    """Shares of attacked pictures that flip, with Wilson's interval, and two of them."""
    table, where = read(number.folder / "attacks.parquet"), number.where
    flipped = table[table["budget"] <= where["budget"]].groupby(["arm", "test"])["flipped"].max().unstack(0)
    n, counts = len(flipped), [int(flipped[where[name]].sum()) for name in ("estimator", "rival") if name in where]
    shares = [(count / n, *stats.binomtest(count, n).proportion_ci(method="wilson")) for count in counts]
    if number.line.statistic == "flip_rate":
        return shares[0]
    (p, low, high), (q, least, most) = shares
    if number.line.statistic == "ahead":
        return p - q, max(-1, p - q - np.hypot(p - low, most - q)), min(1, p - q + np.hypot(high - p, q - least))
    a, b = (count + 0.5 for count in counts)
    width = np.exp(stats.norm.ppf(0.975) * np.sqrt(1 / a + 1 / b - 2 / (n + 0.5)))
    return a / b, a / b / width, a / b * width


def scaled(number):
    """The slope in nats, or of scores as a library returned them, a row a training or a test point."""
    part = number.rows_of({"table": "pairs.parquet", "set": {"scale": ""}})
    x, y = (square(part, name) for name in ("predicted", "actual"))
    if number.where["scale"] == "as returned":
        scores = np.load(SCORES)["{data}/{estimator}".format(**number.where)].astype(float)
        x = (scores if scores.shape[1] == x.shape[1] else scores.T)[: len(x)]
    return over_tests(x, y, "slope", median)


def of_others(number, numbers):
    """A number that is made of others of the list: a difference, a ratio, or a mean over units."""
    line, other = number.line, json.loads(number.line.other)

    def found(change):
        same = [
            each for each in numbers if (each.study, each.profile, each.made) == (line.study, line.profile, "measured")
        ]
        known = [(json.loads(each.settings) | {"statistic": each.statistic}, each) for each in same]
        return [each for own, each in known if all(own.get(k) == v for k, v in (number.where | change).items())]

    if line.made == "mean over":
        ((name, values),) = other.items()
        means = [np.mean([each.value for each in found({name: value})]) for value in values]
        half = stats.t.ppf(0.975, len(means) - 1) * stats.sem(means)
        return np.mean(means), np.mean(means) - half, np.mean(means) + half
    (one,), (two,) = found({}), found(other)
    if line.made == "less":
        return one.value - two.value, one.low - two.high, one.high - two.low
    every = [a / b for a in (one.low, one.high) for b in (two.low, two.high)]
    return one.value / two.value, min(every), max(every)


def fault(line, draws):
    """What is wrong with a number of the list; nothing if it is what was found."""
    if not abs(draws[0] - line.value) <= DIGITS.get(line.study, EXACT) * abs(line.value):
        return f"{line.value} is {draws[0]}"
    ends, given = interval(draws), np.array([line.low, line.high])
    if np.isnan(line.low) or len(draws) == 1 or max(abs(ends - given)) <= WIDTH * np.ptp(given):
        return ""
    # Of few distinct values: no farther than three standard errors of a share of so many draws.
    shares = np.array([[0.025], [0.975]]) + np.sqrt(0.025 * 0.975 / 1000) * np.array([-3, 3])
    near = np.nanquantile(draws[1:], shares) + draws[0] - np.nanmedian(draws[1:]) if len(draws) > 3 else shares * np.nan
    return "" if np.all((near[:, 0] <= given) & (given <= near[:, 1])) else f"{given} is {ends}"


def main(results):
    """Check every number, print a line a study and each disagreement; 1 if there is one."""
    formulas, said, wrong = tomllib.loads((results / "formulas.toml").read_text()), {}, []
    blank = dict.fromkeys(("value", "low", "high", "n"), "")
    numbers = list(pd.read_csv(results / "numbers.csv", keep_default_na=False, na_values=blank).itertuples())
    for line in numbers:
        known, count = formulas.get(line.study, {}).items(), said.setdefault(line.study, Counter())
        formula = next((each for pattern, each in known if fnmatch(line.statistic, pattern)), {"lacking": "a formula"})
        number = Number(line, results)
        try:
            draws = number.computed(formula) if line.made == "measured" else of_others(number, numbers)
        except Lacking as lack:
            count[f"not: {lack}"] += 1
            continue
        amiss = fault(line, draws)
        count["stale" if amiss and (line.study, line.statistic) in STALE else "wrong" if amiss else "agree"] += 1
        wrong += [f"{line.study} {line.profile} {line.statistic} {line.settings}: {amiss}"] if amiss else []
    for study, count in said.items():
        print(f"{study}: {count.pop('agree', 0)} of {count.total()} agree", *sorted(count.items()), sep="; ")
    print(*wrong, sep="\n")
    return any("wrong" in count for count in said.values())


SPECIAL = {each.__name__: each for each in (slices, flips, scaled)}

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if sys.argv[1:] else Path(__file__).parents[1] / "results")))
