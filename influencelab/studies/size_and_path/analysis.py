"""Two laws: how the error of influence falls with the number of points, and how it grows along a removal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy
import pandas
from sklearn.metrics import roc_auc_score

from influencelab.data.source import Source
from influencelab.data.sources.digits import Digits
from influencelab.data.sources.mnist import Mnist
from influencelab.data.sources.pooled import Pooled
from influencelab.errors import InvalidData
from influencelab.experiments import seed_agreement
from influencelab.experiments.grid import Key, grid, with_setting
from influencelab.experiments.outcome import Outcome
from influencelab.experiments.removal_path import SECOND_ORDER, RemovalPath, target_at
from influencelab.experiments.seed_agreement import AgreementQuery, Cell, Row, by_test_point, network_pairs, typical
from influencelab.experiments.trial import Trial
from influencelab.runner.report_writer import ReportWriter
from influencelab.statistics.bootstrap import ANYWHERE, Bootstrap
from influencelab.statistics.clustered import CONSTANT, regression
from influencelab.statistics.measurement import Measurement
from influencelab.statistics.measurements import row, tidy

# A table of pandas, whose declared types know neither keys of groups nor conditions on columns.
Table = Any
ESTIMATORS = ("exact", "newton_step")
WARNINGS = (SECOND_ORDER, "leverage")
# What falls with the number of points: 1 less a correlation, and the error itself.
FALLING = ("pearson", "spearman", "relative_error")
# The number of points at which levels are given.
AT = 1000
# A removal whose relative error is larger than this is one that influence gets wrong; and what a warning says of it.
WRONG = 0.5
# The largest share that is on the way where first order holds, over which its error's exponent is taken.
BEGINNING = 0.3
LINE = ["estimator", "weight_decay", "depth"]
# Removals of paths that a report keeps.
KEPT = 20_000
# A leverage that comes as near to 1 as this warns no more than that.
LEAST = 1e-6
# A correlation this near 1 is 1: retrained models are found to about so much.
FINEST = 1e-10


def source(data: str, tests: int) -> Source:
    """Digits, or those of MNIST as means over 4 × 4 pixels, so that networks of one width have as few parameters."""
    digits: Source = Digits() if data == "digits" else Pooled(inner=Mnist(), side=4)
    return replace(digits, scaling="unit", test_size=tests)


def trials(
    size: Trial,
    path: RemovalPath,
    *,
    sizes: Sequence[int],
    depths: Sequence[int],
    decays: Sequence[float],
    seeds: int,
    path_decays: Sequence[float],
    path_seeds: int,
) -> dict[Key, Any]:
    """Trials by ("size", n, depth, weight decay, seed), paths by ("path", their n, …): each seed draws a split."""
    axes = {"source.train_size": sizes, "task.depth": depths, "task.weight_decay": decays, "seed": range(seeds)}
    found: dict[Key, Any] = grid({"size": size}, axes) if seeds else {}
    way = {"source.train_size": [path.trial.source.train_size], "task.depth": depths, "task.weight_decay": path_decays}
    if path_seeds:
        inner = {f"trial.{name}": values for name, values in (way | {"seed": range(path_seeds)}).items()}
        found |= grid({"path": path}, inner)
    prefixes = {"size": "", "path": "trial."}
    return {key: with_setting(each, f"{prefixes[key[0]]}source.seed", key[-1]) for key, each in found.items()}


def whole(outcomes: Mapping[Key, Outcome]) -> dict[Key, Outcome]:
    """The outcomes with the truth at the end of the way alone, of which estimates speak in one unit."""
    return {key: replace(each, actual={"warm": each.actual["warm"]}) for key, each in outcomes.items()}


def size_cells(outcomes: Mapping[Key, Outcome], *, data: str) -> list[Cell]:
    """The cells of the law of size: influence, and the Newton step beside it, at every number of points."""
    asked = {(("size", n), *rest): each for (arm, n, *rest), each in widths(outcomes).items() if arm == "size"}
    named = {"arm": "size", "data": data}
    queries = [
        AgreementQuery(("size", n), {**named, "train_size": n}, estimator=estimator, selection="random_points")
        for estimator in ESTIMATORS
        for n in dict.fromkeys(key[0][1] for key in asked)
    ]
    return seed_agreement.cells_of(queries, asked)


def widths(outcomes: Mapping[Key, Outcome]) -> dict[Key, Outcome]:
    """The outcomes by keys that hold a width too, as cells are sorted by; all of an arm have one."""
    return {(arm, n, depth, 0, decay, seed): each for (arm, n, depth, decay, seed), each in outcomes.items()}


def networks(cells: Iterable[Cell]) -> pandas.DataFrame:
    """A row a network: 1 less its mean correlations, and the RMS error over RMS truth of its median test point."""
    parts = []
    for cell in cells:
        values = {name: typical(cell.measures[name]).per_seed() for name in FALLING}
        for name in ("pearson", "spearman"):
            values[name] = numpy.maximum(1 - values[name], FINEST)
        settings = {name: value for name, value in cell.settings.items() if name != "width"}
        parts.append(pandas.DataFrame({**settings, "seed": list(cell.outcomes), **values}))
    return pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame()


def size_rows(table: Table, *, bootstrap: Bootstrap) -> list[Row]:
    """Of each falling measure its exponent a in c · (n / 1000)^−a, its level c, and what depth does to the exponent."""
    found: list[Row] = []
    if table["train_size"].nunique() < 2:
        return found
    shared = {"arm": "size", "data": table["data"].iloc[0], "target": "warm"}
    for keys, part in table.groupby(LINE, sort=False):
        own = {**shared, **dict(zip(LINE, keys, strict=True))}
        for name in FALLING:
            fitted = logarithmic(part, name, power(part), bootstrap=bootstrap)
            slope = fitted["size"].mapped(lambda value: -value, f"of log {name} on log n, sign turned")
            found.append(row(slope, **own, statistic=f"{name}_exponent"))
            level = fitted[CONSTANT].mapped(lambda value: 10.0**value, f"the line at n = {AT}")
            found.append(row(level, **own, statistic=f"{name}_level"))
    for keys, part in table.groupby(LINE[:2], sort=False):
        if part["depth"].nunique() > 1:
            own = {**shared, **dict(zip(LINE[:2], keys, strict=True))}
            columns = power(part) | {"depth": part["depth"].to_numpy(float)}
            columns["both"] = columns["size"] * columns["depth"]
            for name in FALLING:
                fitted = logarithmic(part, name, columns, bootstrap=bootstrap)
                change = fitted["both"].mapped(lambda value: -value, "change of the exponent a layer")
                found.append(row(change, **own, statistic=f"{name}_exponent_per_layer"))
    return found + gain_rows(table, shared, bootstrap=bootstrap)


def gain_rows(table: Table, shared: Mapping[str, Any], *, bootstrap: Bootstrap) -> list[Row]:
    """How much larger the exponent of the Newton step is than that of influence, network by network."""
    index = ["weight_decay", "depth", "train_size", "seed"]
    one, other = (table.loc[table["estimator"] == name].set_index(index)[list(FALLING)] for name in ESTIMATORS)
    ratio = (other / one).reset_index()
    found = []
    for keys, part in ratio.groupby(["weight_decay", "depth"], sort=False):
        own = {**shared, "estimator": ESTIMATORS[1], **dict(zip(("weight_decay", "depth"), keys, strict=True))}
        for name in FALLING:
            fitted = logarithmic(part, name, power(part), bootstrap=bootstrap)
            gain = fitted["size"].mapped(lambda value: -value, "exponent of the Newton step less that of influence")
            found.append(row(gain, **own, statistic=f"{name}_exponent_gain"))
    return found


def logarithmic(
    part: Table, name: str, columns: Mapping[str, numpy.ndarray], *, bootstrap: Bootstrap
) -> dict[str, Measurement]:
    """The logarithm of one column of networks regressed on others, splits drawn anew; NaN where too few have one."""
    values = numpy.log10(part[name].to_numpy(dtype=float))
    try:
        return regression(columns, values, units=part["seed"].to_numpy(), bootstrap=bootstrap)
    except InvalidData as error:
        return dict.fromkeys((CONSTANT, *columns), Measurement(float("nan"), note=f"no line: {error}"))


def power(part: Table) -> dict[str, numpy.ndarray]:
    """The column on which logarithms are regressed."""
    return {"size": numpy.log10(part["train_size"].to_numpy(float) / AT)}


def removals(outcomes: Mapping[Key, Outcome], shares: Sequence[float]) -> pandas.DataFrame:
    """A row a removal and share ε: how wrong influence and second order were, over test points, and warnings.

    Errors are RMS error / RMS truth. The second-order warning is what it says influence misses, as a share of its own
    prediction; that of leverage h is ε h / (1 − ε h). Both are of the fit alone. `left` says that the model converged
    in another basin; one that did not converge has no row, and neither has any of a fit that is no minimum.
    """
    parts = []
    for (arm, _, depth, decay, seed), outcome in outcomes.items():
        if arm != "path" or not outcome.facts["fit_converged"]:
            continue
        first, whole_way = (outcome.predicted[name].numpy() for name in ("exact", SECOND_ORDER))
        leverage = numpy.array(outcome.facts["leverages"])
        for share in (*shares, 1.0):
            target = target_at("warm", share)
            truth, kept = outcome.actual[target].numpy(), outcome.converged[target].numpy()
            line, bent = share * first, share * first + share**2 * (whole_way - first)
            columns = {
                "train_id": outcome.train_ids.numpy(),
                "error": rms(truth - line) / rms(truth),
                "second_order_error": rms(truth - bent) / rms(truth),
                SECOND_ORDER: rms(bent - line) / rms(bent),
                "leverage": share * leverage / (1 - share * leverage).clip(min=LEAST),
                "left": ~outcome.trusted[target].numpy(),
            }
            settings = {"depth": depth, "weight_decay": decay, "seed": seed, "share": share}
            parts.append(pandas.DataFrame({**settings, **columns})[kept])
    return pandas.concat(parts, ignore_index=True) if parts else pandas.DataFrame()


def rms(table: numpy.ndarray) -> numpy.ndarray:
    """Root mean square over test points, never 0."""
    return numpy.sqrt((table**2).mean(1)).clip(min=numpy.finfo(float).tiny)


def ways(table: Table) -> pandas.DataFrame:
    """A row a network and share: the share that left, median errors, the share that is wrong, and how warnings do."""
    names = ["weight_decay", "depth", "share", "seed"]
    if table.empty:
        return table
    return pandas.DataFrame(
        [dict(zip(names, keys, strict=True)) | way(part) for keys, part in table.groupby(names, sort=False)]
    )


def way(part: Table) -> dict[str, float]:
    """The same of one network at one share; what a warning catches is NaN where nothing was wrong, or all."""
    wrong = (part["error"] > WRONG).to_numpy()
    found: dict[str, float] = {"left_basin": part["left"].mean(), "wrong": wrong.mean()}
    found |= {name: part[name].median() for name in ("error", "second_order_error")}
    for name in WARNINGS:
        warned, mixed = (part[name] > WRONG).to_numpy(), 0 < wrong.mean() < 1
        found[f"sensitivity/{name}"] = warned[wrong].mean() if wrong.any() else numpy.nan
        found[f"specificity/{name}"] = (~warned)[~wrong].mean() if not wrong.all() else numpy.nan
        found[f"auc/{name}"] = float(roc_auc_score(wrong, part[name])) if mixed else numpy.nan
    found["auc_gain"] = found[f"auc/{SECOND_ORDER}"] - found["auc/leverage"]
    return found


def path_rows(table: Table, *, data: str, bootstrap: Bootstrap) -> list[Row]:
    """Means over networks at each share, the exponent of errors in ε, trends along depth, and what warnings catch."""
    shared, found = {"arm": "path", "data": data, "target": "warm"}, []
    values = [name for name in table if name not in ("weight_decay", "depth", "share", "seed")]
    for keys, part in table.groupby(["weight_decay", "depth", "share"], sort=False):
        own = {**shared, **dict(zip(("weight_decay", "depth", "share"), keys, strict=True))}
        for name in values:
            found.append(row(mean_over(part, name, bootstrap=bootstrap), **own, **named(name)))
    for (decay, depth), part in table.loc[table["share"] <= BEGINNING].groupby(["weight_decay", "depth"], sort=False):
        own = {**shared, "weight_decay": decay, "depth": depth}
        for name in ("error", "second_order_error") if part["share"].nunique() > 1 else ():
            columns = {"share": numpy.log10(part["share"].to_numpy())}
            fitted = logarithmic(part, name, columns, bootstrap=bootstrap)
            found.append(row(fitted["share"], **own, statistic=f"{name}_exponent"))
    for (decay, share), part in table.groupby(["weight_decay", "share"], sort=False):
        own = {**shared, "weight_decay": decay, "share": share}
        for name in values:
            if name.startswith(("sensitivity", "specificity", "auc")):
                found.append(row(mean_over(part, name, bootstrap=bootstrap), **own, **named(name)))
        if part["depth"].nunique() > 1:
            columns, units = {"depth": part["depth"].to_numpy(float)}, part["seed"].to_numpy()
            fitted = regression(columns, part["left_basin"].to_numpy(), units=units, bootstrap=bootstrap)
            found.append(row(fitted["depth"], **own, statistic="left_basin_per_layer"))
    return found


def named(name: str) -> dict[str, str]:
    """The statistic, and the warning that it is of: `auc/leverage`."""
    statistic, _, warning = name.partition("/")
    return {"statistic": statistic, "estimator": warning} if warning else {"statistic": statistic}


def mean_over(part: Table, name: str, *, bootstrap: Bootstrap) -> Measurement:
    """The mean over splits and depths that have a value; splits are drawn anew, their depths come with them."""
    table = part.pivot(index="seed", columns="depth", values=name)
    within = ANYWHERE if name.endswith(("error", "gain")) else (0.0, 1.0)
    over = f"bootstrap over {len(table)} splits"
    found = bootstrap.mean(table.to_numpy(), nested=("tests",), within=within, over=over)
    return found.described(f"mean over {len(table)} splits and {table.shape[1]} depths")


def measurements(
    cells: Sequence[Cell], table: Table, way: Table, *, path_data: str, bootstrap: Bootstrap
) -> pandas.DataFrame:
    """Every number of the study, as a tidy table; of what was not run there is none."""
    found: list[Row] = []
    if cells:
        agreement = seed_agreement.agreement_rows(cells, bootstrap=bootstrap)
        found += [{name: value for name, value in line.items() if name != "width"} for line in agreement]
        found += size_rows(table, bootstrap=bootstrap)
    if len(way):
        found += path_rows(way, data=path_data, bootstrap=bootstrap)
    return tidy(found)


def keep(draft: ReportWriter, cells: Sequence[Cell], networks: Table, removals: Table, way: Table) -> None:
    """Keep what the numbers are made of: a row a network of either law, and pairs and removals behind these."""
    if cells:
        draft.pairs(networks, name="by_size")
        draft.pairs(by_test_point(cells).drop(columns="width"), name="by_test_point")
        draft.pairs(network_pairs(cells))
    if len(way):
        # A column of rates has no value where nothing was wrong, or all.
        draft.pairs(way.dropna(axis="columns", how="all"), name="by_path")
        some = removals.sample(min(KEPT, len(removals)), random_state=0).sort_index()
        errors = ["error", "second_order_error", *WARNINGS]
        draft.pairs(some.astype(dict.fromkeys(errors, "float32")), name="removals")
