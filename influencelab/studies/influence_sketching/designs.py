"""The regressions of this study: rows with planted mistakes, connections of a network, mails; sparse, 0 or 1."""

import hashlib
import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

import numpy
import scipy.sparse
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from influencelab.data.sources._archives import files_in
from influencelab.data.sources.enron1 import NAME, archive, mails_in
from influencelab.errors import InvalidParameter, UnknownName
from influencelab.glm.projection import hashed
from influencelab.studies.influence_sketching.connections import connections

Sparse = Any
Tests = tuple[Sparse, Float[numpy.ndarray, " m"]]
# Columns that words, bigrams and crosses are hashed to.
WIDE = 2**17
# Rows of a collection that are never trained on, and of the published test set of connections that are looked at.
HELD_OUT = 5_000
# Of planted rows: shares that are mislabelled and that have many rare features; features of a row, and of one of these.
FLIPPED, OUTLYING, TERMS, MANY = 0.02, 0.02, 15, 60
# Columns of connections that stand crossed with all others.
SERVICE = 2


@dataclass(frozen=True, eq=False)
class Design:
    """Training rows, and test rows by the name of their part.

    Attributes:
        name: of the data.
        x: features (n p), sparse; columns that no training row has are kept.
        y: classes, 0.0 or 1.0.
        tests: features and classes of each test part.
        planted: which rows were made what; empty of real data.
        names: what each training row is.
        counts: rows of the whole collection, by what they are.
    """

    name: str
    x: Sparse
    y: Float[numpy.ndarray, " n"]
    tests: Mapping[str, Tests]
    names: tuple[str, ...]
    planted: Mapping[str, Bool[numpy.ndarray, " n"]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    def content_hash(self) -> str:
        """SHA-256 of training and test rows."""
        found = hashlib.sha256()
        for x, y in ((self.x, self.y), *self.tests.values()):
            for part in (x.indptr.astype(numpy.int64), x.indices.astype(numpy.int64), x.data.astype(float), y):
                found.update(numpy.ascontiguousarray(part).tobytes())
        return found.hexdigest()


def design(data: str, *, rows: int, columns: int, seed: int) -> Design:
    """One draw of so many training rows; `columns` counts those of planted rows, whose p is no property of the data.

    Raises:
        UnknownName: no such data.
        InvalidParameter: more rows than there are.
    """
    if data == "planted":
        return planted(rows, columns, seed=seed)
    if data in ("kddcup99", "kddcup99_crossed"):
        return of_connections(data, rows, seed=seed)
    if data == "enron1":
        return of_mails(rows, seed=seed)
    raise UnknownName(f"There is no data set '{data}' here. There are: planted, kddcup99, kddcup99_crossed, enron1.")


def planted(rows: int, columns: int, *, seed: int) -> Design:
    """Rows of words as texts have them, of which a few are mislabelled, or have many rare words and the right label."""
    generator = numpy.random.default_rng((seed, 0))
    effects = generator.normal(size=columns) * 2.0
    count = max(1, round(FLIPPED * rows)), max(1, round(OUTLYING * rows))
    places = generator.permutation(rows)
    flipped, outlying = (numpy.isin(numpy.arange(rows), each) for each in (places[: count[0]], places[-count[1] :]))
    x = words(generator, columns, many=outlying)
    y = drawn(generator, x, effects)
    wrong = numpy.where(flipped, 1 - y, y)
    test = words(generator, columns, many=numpy.zeros(5 * rows, dtype=bool))
    kinds = {"flipped": flipped, "outlying": outlying}
    called = numpy.select([flipped, outlying], ["mislabelled", "many rare features"], "plain")
    return Design(
        *("planted", x, wrong, {"held_out": (test, drawn(generator, test, effects))}),
        names=tuple(f"row {place}, {what}" for place, what in enumerate(called)),
        planted=kinds,
    )


def words(generator: numpy.random.Generator, columns: int, *, many: Bool[numpy.ndarray, " n"]) -> Sparse:
    """Which of the columns each row has: column j with a chance that falls as 1 / (j + 5); some rows have many rare."""
    common = 1 / (numpy.arange(columns) + 5.0)
    rare = numpy.arange(columns) >= columns // 2
    found = []
    for each in many:
        size, chance = (min(MANY, columns // 4), rare / rare.sum()) if each else (TERMS, common / common.sum())
        found.append(numpy.unique(generator.choice(columns, size=size, p=chance)))
    ends = numpy.concatenate([[0], numpy.cumsum([len(each) for each in found])])
    places = numpy.concatenate(found)
    return marked(places, ends, columns)


def drawn(generator: numpy.random.Generator, x: Sparse, effects: Float[numpy.ndarray, " p"]) -> numpy.ndarray:
    """Classes by a logistic model of these rows."""
    return (generator.uniform(size=x.shape[0]) < expit(x @ effects)).astype(float)


def block(total: int, rows: int, held_out: int, *, seed: int) -> tuple[Int[numpy.ndarray, " n"], numpy.ndarray]:
    """Training rows of this draw, none of which another draw has, and those that are never trained on.

    Raises:
        InvalidParameter: there are not so many.
    """
    order = numpy.random.default_rng(0).permutation(total)
    most = (total - held_out) // (seed + 1)
    if not 0 < rows <= most:
        raise InvalidParameter(f"rows is {rows} in draw {seed}, expected 1 … {most}: no two draws share a row.")
    return order[seed * rows : (seed + 1) * rows], order[total - held_out :]


def of_connections(data: str, rows: int, *, seed: int) -> Design:
    """Indicators of the levels of all columns; crossed, also of those with each service, hashed."""
    pool, published = connections()
    train, held_out = block(len(pool.attack), rows, HELD_OUT, seed=seed)
    other = numpy.random.default_rng(1).permutation(len(published.attack))[:HELD_OUT]
    made = crossed if data.endswith("crossed") else indicators
    parts = {"train": (pool, train), "held_out": (pool, held_out), "published": (published, other)}
    found = {part: (made(of.levels[some]), of.attack[some]) for part, (of, some) in parts.items()}
    x, y = found.pop("train")
    counts = {"training_rows": pool.published, "test_rows": published.published}
    counts |= {"distinct_training_rows": len(pool.attack), "distinct_test_rows": len(published.attack)}
    names = tuple(f"row {each}, {pool.labels[each]}" for each in train)
    return Design(data, x, y, found, names=names, counts=counts)


@lru_cache(maxsize=1)
def starts() -> Int[numpy.ndarray, " c"]:
    """The first place of each column's levels among all; one level more than training has is for those unseen."""
    pool, _ = connections()
    return numpy.concatenate([[0], numpy.cumsum(pool.levels.max(0) + 2)])


def indicators(levels: Int[numpy.ndarray, "n c"]) -> Sparse:
    """A 1 in the place of each row's level in each column."""
    ends = starts()
    return ones(ends[:-1] + levels, int(ends[-1]))


def crossed(levels: Int[numpy.ndarray, "n c"]) -> Sparse:
    """The same and a 1 for each level together with the row's service, in places that a hash says."""
    column = numpy.arange(levels.shape[1])[None]
    alone = hashed(0, column, levels)
    both = hashed(1, column, levels, levels[:, [SERVICE]])
    return ones((numpy.hstack([alone, both]) % numpy.uint64(WIDE)).astype(numpy.int64), WIDE)


def marked(places: Int[numpy.ndarray, " k"], ends: Int[numpy.ndarray, " e"], columns: int) -> Sparse:
    """A 1 in each of these places, which `ends` part into rows; in indices of 32 bits, which liblinear asks for."""
    narrow = places.astype(numpy.int32), ends.astype(numpy.int32)
    return scipy.sparse.csr_array((numpy.ones(len(places)), *narrow), shape=(len(ends) - 1, columns))


def ones(places: Int[numpy.ndarray, "n k"], columns: int) -> Sparse:
    """A 1 in each of the places of a row; places that meet count once."""
    ends = numpy.arange(0, places.size + 1, places.shape[1])
    found = marked(places.ravel(), ends, columns)
    found.sum_duplicates()
    found.data[:] = 1
    return found


def of_mails(rows: int, *, seed: int) -> Design:
    """Which words and bigrams a mail has, hashed; another split of the mails each draw, the rest is for testing."""
    x, y, names = mails()
    if not 0 < rows < len(y):
        raise InvalidParameter(f"rows is {rows}, expected 1 … {len(y) - 1} mails, so that one is left for testing.")
    order = numpy.random.default_rng((seed, 1)).permutation(len(y))
    train, test = order[:rows], order[rows:]
    return Design("enron1", x[train], y[train], {"held_out": (x[test], y[test])}, tuple(names[each] for each in train))


@lru_cache(maxsize=1)
def mails() -> tuple[Sparse, Float[numpy.ndarray, " n"], tuple[str, ...]]:
    """All mails of Enron1: presence of words and bigrams, hashed to `WIDE` columns; 1.0 is spam."""
    files = files_in(archive("enron1"), name=NAME)
    texts, labels = mails_in(files)
    found = [terms(text) for text in texts]
    ends = numpy.concatenate([[0], numpy.cumsum([len(each) for each in found])])
    x = marked(numpy.concatenate(found), ends, WIDE)
    kinds = ("ham", "spam")
    names = tuple(
        f"{kinds[label]}: {text.splitlines()[0].removeprefix('Subject: ')[:60]}"
        for text, label in zip(texts, labels, strict=True)
    )
    return x, labels.astype(float), names


def terms(text: str) -> Int[numpy.ndarray, " k"]:
    """The columns of a text's words and pairs of neighbours."""
    own = re.findall(r"\w\w+", text.lower())
    both = {*own, *(f"{first} {second}" for first, second in itertools.pairwise(own))}
    return numpy.unique(numpy.array([column(each) for each in both], dtype=numpy.int64))


@cache
def column(term: str) -> int:
    """The column that a term is hashed to, anywhere the same."""
    return int.from_bytes(hashlib.blake2b(term.encode(), digest_size=4).digest(), "big") % WIDE
