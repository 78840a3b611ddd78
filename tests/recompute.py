"""Compute the numbers on the pages of results again: `python tests/recompute.py [results]`, by NumPy, pandas and SciPy.

`numbers.csv` lists the numbers, `formulas.toml` says which table of its report each is made of, and how; no line of the
package that made them runs. A value must agree to a part in a million, or to what its table's digits allow; both ends
of its interval, by a bootstrap of this script's own, to 15% of its width, or to what so many draws and few values leave
open. A line a study says how many agree, and of the others why.
"""

import json
import sys
import tomllib
from collections import Counter, defaultdict
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

DRAWS, EXACT, WIDTH = 1200, 1e-6, 0.15
# Facts are rounded to 1e-5; of predictions in float32 that are all but equal, some change places.
DIGITS = {"depth_and_weight_decay": 5e-6, "leave_one_out": 5e-6, "where_the_error_comes_from": 2e-5}
# Made before a cause was mended: twin flowers ranked by rounding, differences cut at 1. What is run again agrees.
STALE = {("depth_and_weight_decay", "decay_gain"), ("similarity", "influence_less_rival")}


class Lacking(Exception):
    """No committed table holds what a number is made of."""


@cache
def read(path):
    """A table, read once, with all reals in double precision."""
    path = path if path.suffix else path.with_suffix(".parquet")
    if not path.is_file():
        raise Lacking(f"no {path.name}")
    table = pd.read_parquet(path) if path.suffix == ".parquet" else pd.DataFrame(json.loads(path.read_text())["calls"])
    return table.astype(dict.fromkeys(table.select_dtypes("float32"), float))


def statistic(name, x, y, w):
    """Of predicted x and actual y in each of some draws; w (draws, removals) says how often each was drawn."""
    if name == "spearman":
        r, s = (ranks(each, w) - w.sum(1, keepdims=True) / 2 for each in (x, y))
        return (w * r * s).sum(1) / np.sqrt((w * r * r).sum(1) * (w * s * s).sum(1))
    if name in ("relative_error", "rms_ratio"):
        above, below = (y - x, y) if name == "relative_error" else (y, x)
        return np.sqrt(w @ above**2 / (w @ below**2))
    n, x, y = w.sum(1), (x - x.mean()) / np.ptp(x), (y - y.mean()) / np.ptp(x)
    xx, yy, xy = (w @ (one * two) / n - (w @ one / n) * (w @ two / n) for one, two in ((x, x), (y, y), (x, y)))
    return xy / xx if name == "slope" else np.where(np.minimum(xx, yy) > 1e-15, xy / np.sqrt(xx * yy), np.nan)


def ranks(x, w):
    """The weight below each value and half of that at it; within 1e-7 of the range, values are tied to the least."""
    order, starts, step = np.argsort(x), [0], 1e-7 * np.ptp(x)
    for place, value in enumerate(x[order]):
        if value - x[order[starts[-1]]] >= step > 0:
            starts.append(place)
    total = np.add.reduceat(w[:, order], starts, axis=1)
    return (np.cumsum(total, 1) - total / 2)[:, np.searchsorted(starts, np.argsort(order), side="right") - 1]


@cache
def drawn(units, stream=0):
    """How often each of so many units is drawn in each draw, after a row of ones."""
    places = np.random.default_rng([2026, units, stream]).integers(0, units, (DRAWS, units))
    return np.stack([np.ones(units), *(np.bincount(each, minlength=units) for each in places)])


def crossed(table, nested=False):
    """The mean of a table whose rows and columns are drawn anew; of nested columns, that come with their rows."""
    table = np.asarray(table, dtype=float).reshape(len(table), -1)
    columns = np.ones(1) if nested or table.shape[1] == 1 else drawn(table.shape[1], 1)
    above, below = (drawn(len(table)) @ each * columns for each in (np.nan_to_num(table), ~np.isnan(table)))
    return above.sum(1) / below.sum(1)


def square(part, values):
    """A column as a table of removals and test points, in the order in which they stand."""
    return part.pivot_table(values, "train_id", "test_id", sort=False, observed=True).to_numpy(float)


def over_tests(x, y, name):
    """The mean over test points, or of `median_` the median, of a statistic over removals, both drawn anew."""
    w, parts = drawn(len(x)), zip(x.T, y.T, ~np.isnan(x + y).T, strict=True)
    table = np.stack([statistic(name.removeprefix("median_"), a[k], b[k], w[:, k]) for a, b, k in parts], 1)
    table, tests = table[:, ~np.isnan(table[0])], drawn(x.shape[1], 1)[:, ~np.isnan(table[0])]
    if name.startswith("median_"):
        return np.array([np.median(np.repeat(*each)) for each in zip(table, tests.astype(int), strict=True)])
    return (np.nan_to_num(table) * tests).sum(1) / (~np.isnan(table) * tests).sum(1)


def interval(draws):
    """The ends, of draws moved to have their median at the value, which stands first; or those that were given."""
    if len(draws) <= 3:
        return np.array([*draws[1:], np.nan, np.nan][:2])
    low, middle, high = np.nanquantile(draws[1:], [0.025, 0.5, 0.975])
    return np.array([low, high]) + draws[0] - middle


def rows_of(line, formula):
    """The rows of a table that have a number's settings, or those that are put in their place."""
    table, queries = read(line.folder / formula["table"]), formula.get("query", {})
    where = line.where | {name: None if value == "" else value for name, value in formula.get("set", {}).items()}
    if formula["table"].startswith("replicates"):  # a setting that a number lacks is missing in its rows
        where = dict.fromkeys(set(table) - {"seed", "test_id", "value", *formula.get("rows", ())}) | where
    for name in (set(where) & set(table)) - set(queries):
        real = isinstance(where[name], float) and table[name].dtype.kind == "f"
        same = np.isclose(table[name], where[name]) if real else table[name] == where[name]
        table = table[table[name].isna() if where[name] is None else same]
    for name, words in queries.items():
        table = table.query(words[where[name]], engine="python")
    if table.empty:
        raise Lacking(f"{formula['table']} is of other settings")
    return table


def filled(formula, where):
    """A formula with the number's own settings in it."""
    if isinstance(formula, dict):
        return {name: filled(each, where) for name, each in formula.items()}
    return formula.format(**where) if isinstance(formula, str) else formula


def computed(line, formula):
    """A number by a formula, and its draws or its ends."""
    if "lacking" in formula:
        raise Lacking(formula["lacking"])
    whole = {"table": "pairs", "x": "predicted", "y": "actual"} | {n: v for n, v in formula.items() if n != "less"}
    try:
        found = globals()[whole.get("special", "by_value" if "value" in whole else "by_pairs")](line, whole)
    except (Lacking, NameError) as error:
        return computed(line, formula.get("or", {"lacking": error}))
    if "less" in formula:
        found = found - computed(line, whole | formula["less"] | {"set": whole.get("set", {}) | formula["less"]})
    if "then" in formula:
        value, *ends = getattr(np, formula["then"])(np.array([found[0], *interval(found)]))
        return value, *sorted(ends)
    return found


def by_value(line, formula):
    """The mean of a column over rows and columns, or what is calculated of all of it."""
    part, columns, nested = rows_of(line, formula), formula.get("columns", "test_id"), "units" in formula
    value = part.eval(formula["value"], engine="python")
    if np.ndim(value) == 0:
        return (float(value),)
    if nested and len(part) < line.n:
        raise Lacking("some of the draws")
    part, rows = part.assign(found=np.asarray(value, dtype=float)), formula.get("rows", "seed")
    if columns not in part or part[columns].isna().all() or columns == rows:
        return crossed(part["found"])
    table = part.pivot(index=rows, columns=columns, values="found")
    return crossed(table.T if nested and len(table) == 1 else table, nested)


def by_pairs(line, formula):
    """Predicted beside actual changes: of one model over removals and test points, or of each seed."""
    part = rows_of(line, formula).rename(columns={formula[name]: name for name in ("x", "y")})
    part = part if formula.get("columns", True) else part.assign(test_id=0, train_id=range(len(part)))
    name, seeds = formula.get("measure", line.statistic), formula.get("seeds", [])
    if len(read(line.folder / formula["table"])) == 12_000 or (len(part) < line.n and not seeds):
        raise Lacking("a sample of the pairs")
    if seeds and len(part[seeds].drop_duplicates()) > 1:
        return by_seed(part.groupby([*seeds, "test_id"], observed=True), name)
    if "units" in formula:
        units = part["draw" if part["draw"].nunique() > 1 else "train_id"].rank(method="dense").astype(int) - 1
        return statistic(name, part["x"].to_numpy(), part["y"].to_numpy(), drawn(units.max() + 1)[:, units])
    return over_tests(square(part, "x"), square(part, "y"), name)


def by_seed(parts, name):
    """A statistic of each seed and test point, and their mean; each may have one test point of its own."""
    plain = name.removeprefix("median_")
    ready = ((key, own["x"].to_numpy(), own["y"].to_numpy()) for key, own in parts)
    table = pd.Series({key: statistic(plain, x, y, np.ones((1, len(x))))[0] for key, x, y in ready}).unstack()
    if plain == name:
        return crossed(table, nested=bool(table.count(axis=1).max() == 1))
    known = np.sort(np.nanmean(table, axis=1))  # between two in order, whose places a binomial law gives
    place = max(0, int(stats.binom.ppf(0.025, len(known), 0.5)) - 1)
    return np.median(known), known[place], known[-1 - place]


def slices(line, _):
    """Networks with splits of their own, from the ρ of each that the slices of the study keep."""
    if line.profile != "paper_joined":
        raise Lacking("it is of no slice")
    facts = [json.loads(path.read_text()) for path in sorted(line.folder.parent.glob("paper_*/facts.json"))]
    cells = [cell for each in facts for cell in each.get("spearman_by_network", ()) if cell.get("part") == "cold"]
    rho = {(e["target"], e["weight_decay"], e["depth"]): np.array(e["spearman"], float) for e in cells}
    target, decay, depth = (line.where.get(name) for name in ("target", "weight_decay", "depth"))
    if line.statistic == "decay_gain":
        return crossed([a - b for a, b in zip(rho[target, 0.005, depth], rho[target, 0.0001, depth], strict=False)])
    if line.statistic == "spearman_per_layer":
        parts = {key[2]: each for key, each in rho.items() if key[:2] == (target, decay)}
        x, w = np.repeat([*parts], [*map(len, parts.values())]), [drawn(len(each), x) for x, each in parts.items()]
        return statistic("slope", x.astype(float), np.concatenate([*parts.values()]), np.concatenate(w, axis=1))
    own = rho[target, decay, depth]
    return (np.isnan(own).mean(),) if line.statistic == "undefined" else crossed(own)


def flips(line, _):
    """Shares of attacked pictures that flip, with Wilson's interval, and two of them."""
    table, names = read(line.folder / "attacks.parquet"), [line.where.get(name) for name in ("estimator", "rival")]
    flipped = table[table["budget"] <= line.where["budget"]].groupby(["arm", "test"])["flipped"].max().unstack(0)
    n, counts = len(flipped), [int(flipped[name].sum()) for name in names if name]
    shares = [(count / n, *stats.binomtest(count, n).proportion_ci(method="wilson")) for count in counts]
    if line.statistic == "flip_rate":
        return shares[0]
    (p, low, high), (q, least, most) = shares
    if line.statistic == "ahead":
        return p - q, max(-1, p - q - np.hypot(p - low, most - q)), min(1, p - q + np.hypot(high - p, q - least))
    a, b = (count + 0.5 for count in counts)
    width = np.exp(stats.norm.ppf(0.975) * np.sqrt(1 / a + 1 / b - 2 / (n + 0.5)))
    return a / b, a / b / width, a / b * width


def scaled(line, formula):
    """The slope in nats, or of scores as a library returned them, a row a training or a test point."""
    x, y = (square(rows_of(line, formula), name) for name in ("predicted", "actual"))
    if line.where["scale"] == "as returned":
        x = np.load(line.folder / formula["scores"])["{data}/{estimator}".format(**line.where)].astype(float)
        x = (x if x.shape[1] == y.shape[1] else x.T)[: len(y)]
    return over_tests(x, y, "median_slope")


def of_others(line, numbers):
    """A number that is made of others of the list: a difference, a ratio, or a mean over units."""
    other, own = json.loads(line.other), [each for each in numbers if each.folder == line.folder and not each.other]

    def found(change):
        return [each for each in own if all(each.where.get(n) == v for n, v in (line.where | change).items())]

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
    """What is wrong with a number; an end may be three errors of a share of draws away, of ours and 500 of theirs."""
    if not abs(draws[0] - line.value) <= DIGITS.get(line.study, EXACT) * abs(line.value):
        return f"{line.value} is {draws[0]}"
    ends, given = interval(draws), np.array([line.low, line.high])
    close = abs(ends - given) <= WIDTH * np.ptp(given)
    if np.isnan(line.low) or len(draws) == 1 or np.all(close):
        return ""
    shares = np.clip([[0.025], [0.975]] + np.sqrt(0.025 * 0.975 * (1 / DRAWS + 1 / 500)) * np.array([-3, 3]), 0, 1)
    near = np.nanquantile(draws[1:], shares) + draws[0] - np.nanmedian(draws[1:]) if len(draws) > 3 else shares * np.nan
    return "" if np.all(close | ((near[:, 0] - 1e-9 <= given) & (given <= near[:, 1] + 1e-9))) else f"{given} is {ends}"


@np.errstate(all="ignore")
def main(results, study="*"):
    """Check every number, print a line a study and each disagreement; whether there is one that nothing explains."""
    formulas, said, wrong = tomllib.loads((results / "formulas.toml").read_text()), defaultdict(Counter), []
    table = pd.read_csv(results / "numbers.csv").fillna({"other": ""})
    table["where"] = [json.loads(each) for each in table["settings"]]
    table["folder"] = [results / one / two for one, two in zip(table["study"], table["profile"], strict=True)]
    numbers = [each for each in table.itertuples() if fnmatch(each.study, study)]
    for line in numbers:
        known, count = formulas.get(line.study, {}).items(), said[line.study]
        fits = (each for name, each in known if fnmatch(line.statistic, name) or fnmatch(line.settings, name))
        formula = next(fits, {"lacking": "a formula"})
        try:
            amiss = fault(line, of_others(line, numbers) if line.other else computed(line, filled(formula, line.where)))
        except Lacking as lack:
            count[f"lacking {lack}"] += 1
            continue
        count["stale" if amiss and (line.study, line.statistic) in STALE else "wrong" if amiss else "agree"] += 1
        wrong += [f"{line.study} {line.profile} {line.statistic} {line.settings}: {amiss}"] if amiss else []
    for name, count in said.items():
        others = (f"; {number} {why}" for why, number in sorted(count.items()) if why != "agree")
        print(f"{name}: {count['agree']} of {count.total()} agree", *others, sep="")
    print(*wrong, sep="\n")
    return any(count["wrong"] for count in said.values())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parents[1] / "results", *sys.argv[2:]))
