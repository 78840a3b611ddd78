"""`influencelab sketch`: which rows of a file drive a regression."""

import hashlib
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pandas
import scipy

from influencelab import make, names
from influencelab.app.cli.terminal import here
from influencelab.errors import InvalidParameter, MissingData, UnknownName
from influencelab.glm.checkpoint import NOTHING, Checkpoint
from influencelab.glm.choice import glm_influence
from influencelab.glm.family import Family
from influencelab.glm.influence import RowInfluence
from influencelab.glm.link import Link
from influencelab.glm.projection import Projection
from influencelab.glm.readable import largest_features
from influencelab.glm.regression import Regression, regress
from influencelab.glm.sketch import SketchedInfluence
from influencelab.glm.table import Table, rows_at
from influencelab.glm.tables.csv_table import CsvTable
from influencelab.glm.tables.npz_table import NpzTable
from influencelab.glm.tables.parquet_table import ParquetTable, opened
from influencelab.glm.tables.sparse_parquet_table import SparseParquetTable
from influencelab.glm.tables.svmlight_table import SvmlightTable
from influencelab.recipe import Progress, fingerprint
from influencelab.runner.provenance import sources_hash

SUFFIXES = {
    ".parquet": "Parquet",
    ".csv": "CSV",
    ".csv.gz": "CSV",
    ".svmlight": "svmlight",
    ".svm": "svmlight",
    ".libsvm": "svmlight",
    ".npz": "NumPy or SciPy",
}
# Columns of rows that are shown beside the scores; and how many make rows so wide that each is shown by its own.
SHOWN, WIDE = 6, 200


class Asked(NamedTuple):
    """What `influencelab sketch` was asked, as its options name it."""

    path: Path
    target: str
    family: str = "binomial"
    link: str = ""
    weights: str = ""
    offsets: str = ""
    weight_decay: float = 0.0
    intercept: bool = True
    k: int = 0
    projection: str = "sparse_sign"
    sketches: int = 3
    seed: int = 0
    workers: int = 0
    scheduler: str = ""


def table_of(asked: Asked) -> Table:
    """The rows of a file, by the end of its name.

    Raises:
        MissingData: there is no such file.
        InvalidParameter: a file of another kind, or without a target.
    """
    path, named = str(asked.path), asked.path.name.lower()
    if not asked.path.exists():
        raise MissingData(f"There is no file {path}. Give the path of a table.")
    kind = next((SUFFIXES[end] for end in SUFFIXES if named.endswith(end)), "Parquet" if asked.path.is_dir() else "")
    if not kind:
        raise InvalidParameter(
            f"{path} ends like no table, expected one of {', '.join(SUFFIXES)}. Rename or convert it."
        )
    if kind == "svmlight":
        return SvmlightTable(path)
    if kind == "NumPy or SciPy":
        return NpzTable(path, target=asked.target)
    if not asked.target:
        raise InvalidParameter("Which column is the response? Say so: --target y.")
    own: Any = {"target": asked.target, "weights": asked.weights, "offsets": asked.offsets}
    if kind == "CSV":
        return CsvTable(path, **own)
    lists = {"places", "values"} <= set(opened(path).schema.names)
    return SparseParquetTable(path, **own) if lists else ParquetTable(path, **own)


def family_of(asked: Asked) -> Family:
    """The family and its link, by name."""
    if asked.family not in names(Family):
        raise UnknownName(f"No family is named '{asked.family}'. There are: {', '.join(names(Family))}.")
    settings: dict[str, Any] = {}
    if asked.link:
        settings["link"] = make(Link, f"{asked.link.removesuffix('_link')}_link")
    return make(Family, asked.family, **settings)


def sketched(asked: Asked, *, out: Path | None, top: int, progress: Progress) -> str:
    """Fit, score every row, write the scores; returns what was done and the first rows, for a terminal.

    Raises:
        MissingData, InvalidData, InvalidParameter, UnknownName, NotConverged: what cannot be done, named.
    """
    if out is not None and not out.resolve().parent.is_dir():
        raise MissingData(
            f"There is no folder {out.resolve().parent} to write {out.name} in. Make it, or name another."
        )
    if out is not None and out.suffix not in (".parquet", ".csv"):
        raise InvalidParameter(f"{out} ends in '{out.suffix}', expected .parquet or .csv.")
    with kept_for(asked, out).until_done() as kept:
        fitted, found, took = scored(asked, kept, progress)
        scores = found.table()
        scores.insert(0, "row", numpy.arange(len(scores)))
        if out is not None:
            written(scores, out)
    first = found.top(top)
    told = [repr(fitted), f"Scores are {found.reason}.", took]
    told += [f"Wrote {out}: {len(scores):,} rows of {', '.join(scores.columns)}."] if out is not None else []
    return "\n".join([*(here().wrap(line) for line in told), "", shown(first, fitted)])


def scored(
    asked: Asked, kept: Checkpoint, progress: Progress
) -> tuple[Regression, RowInfluence | SketchedInfluence, str]:
    """The model, the influence of every row on it, and how long each took, in words."""
    began = clocks()
    how: Any = {"workers": asked.workers, "scheduler": asked.scheduler, "progress": progress, "kept": kept}
    table, family = table_of(asked), family_of(asked)
    fitted = regress(table, family=family, weight_decay=asked.weight_decay, intercept=asked.intercept, **how)
    between = clocks()
    projection = make(Projection, f"{asked.projection}_projection", k=asked.k, seed=asked.seed) if asked.k else None
    found = glm_influence(fitted, projection=projection, sketches=asked.sketches, **how)
    fit, scores = between - began, clocks() - between
    took = f"Fitted in {fit[0]:.1f} s ({fit[1]:.1f} s of processors), scored in {scores[0]:.1f} s ({scores[1]:.1f} s)"
    return fitted, found, f"{took}: {fitted.n / scores[0]:,.0f} rows a second."


def clocks() -> numpy.ndarray:
    """Seconds by the clock, and of all processors in this process."""
    return numpy.array([time.perf_counter(), time.process_time()])


def kept_for(asked: Asked, out: Path | None) -> Checkpoint:
    """Where finished parts are kept: beside the scores, by the file's content, the settings of the fit and the code."""
    if out is None or not asked.path.exists():
        return NOTHING
    files = sorted(path for path in asked.path.rglob("*") if path.is_file()) if asked.path.is_dir() else [asked.path]
    files += [Path(asked.target)] if asked.path.suffix == ".npz" and asked.target else []
    digests = [digest_of(path) for path in files if path.exists()]
    same = asked._replace(path="", k=0, projection="", sketches=0, seed=0, workers=0, scheduler="")
    key = fingerprint([*same, digests, sources_hash(), numpy.__version__, scipy.__version__])
    return Checkpoint(out.resolve().with_name(f".{out.name}.{key[:16]}.parts"))


def digest_of(path: Path) -> str:
    """A hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def written(scores: pandas.DataFrame, out: Path) -> None:
    """Write a table whole or not at all."""
    partial = out.with_name(f".{out.name}.partial")
    try:
        if out.suffix == ".csv":
            scores.to_csv(partial, index=False)
        else:
            scores.to_parquet(partial, index=False)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def shown(first: pandas.DataFrame, fitted: Regression) -> str:
    """The first rows with their values: of some columns those that are farthest from 0; of many each row's own."""
    places = first.index.to_numpy()
    rows = rows_at(fitted.table, places)
    names_of = fitted.table.columns or tuple(f"x{number}" for number in range(rows.x.shape[1]))
    wide = rows.x.shape[1] > WIDE
    largest = numpy.sort(numpy.argsort(-numpy.abs(rows.x).max(0), kind="stable")[: 0 if wide else SHOWN])
    values = pandas.DataFrame(rows.x[:, largest], index=first.index, columns=[names_of[each] for each in largest])
    if wide:
        values["largest features"] = largest_features(rows.x, names_of, most=SHOWN)
    table = pandas.concat([first, pandas.Series(rows.y, index=first.index, name="response"), values], axis=1)
    table.index.name = "row"
    rest = 0 if wide else rows.x.shape[1] - len(largest)
    digits = {name: digits_of(table[name].to_numpy()) for name in table.columns if name != "largest features"}
    text = table.round(digits).to_string()
    return text + (f"\n… and {rest:,} more columns" if rest > 0 else "")


def digits_of(values: numpy.ndarray) -> int:
    """Decimals that show four digits of the largest."""
    largest = float(numpy.abs(values).max(initial=0.0))
    return 4 if not 0 < largest < math.inf else max(0, 3 - math.floor(math.log10(largest)))
