"""KDD Cup 1999: connections of a network, normal or attacks; each that comes several times is kept once."""

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy
import pandas
from jaxtyping import Float, Int

from influencelab.data.download import RemoteFile, unpacked
from influencelab.errors import InvalidData

HOME = "https://archive.ics.uci.edu/dataset/130/kdd+cup+1999+data"
MIRRORS = ("http://kdd.ics.uci.edu/databases/kddcup99/",)
# A tenth of the training set, and the test set with its corrected labels.
TRAIN = RemoteFile(
    *("kddcup99", "kddcup.data_10_percent.gz", "c421989ff187d340c1265ac3080a3229", HOME, MIRRORS),
    content_md5="eb43ac454e61166f88aad7943ef1e079",
)
TEST = RemoteFile(
    *("kddcup99", "corrected.gz", "eda94feeebfb21637338f599c1bf18be", HOME, MIRRORS),
    content_md5="ec403704b5d9a59184adf1099372b160",
)
NORMAL = "normal."
COLUMNS = (
    *("duration", "protocol_type", "service", "flag", "src_bytes", "dst_bytes", "land", "wrong_fragment", "urgent"),
    *("hot", "num_failed_logins", "logged_in", "num_compromised", "root_shell", "su_attempted", "num_root"),
    *("num_file_creations", "num_shells", "num_access_files", "num_outbound_cmds", "is_host_login", "is_guest_login"),
    *("count", "srv_count", "serror_rate", "srv_serror_rate", "rerror_rate", "srv_rerror_rate", "same_srv_rate"),
    *("diff_srv_rate", "srv_diff_host_rate", "dst_host_count", "dst_host_srv_count", "dst_host_same_srv_rate"),
    *("dst_host_diff_srv_rate", "dst_host_same_src_port_rate", "dst_host_srv_diff_host_rate", "dst_host_serror_rate"),
    *("dst_host_srv_serror_rate", "dst_host_rerror_rate", "dst_host_srv_rerror_rate"),
)
TEXTS = ("protocol_type", "service", "flag")
# Numbers of more values than this are parted at so many quantiles of the training rows.
PARTS = 10


@dataclass(frozen=True, eq=False)
class Connections:
    """Distinct connections, each number as the level it falls into.

    Attributes:
        levels: levels[i, c], of row i in column c of `COLUMNS`; values that no training row has are one level more.
        attack: 1.0 of an attack, 0.0 of a normal connection.
        labels: what each is called, such as `neptune.`.
        published: rows before duplicates were dropped.
    """

    levels: Int[numpy.ndarray, "n c"]
    attack: Float[numpy.ndarray, " n"]
    labels: tuple[str, ...]
    published: int


@lru_cache(maxsize=1)
def connections() -> tuple[Connections, Connections]:
    """Distinct rows of the training and of the test set; levels are those of training.

    Raises:
        MissingData: a file cannot be had.
        InvalidData: it holds something else.
    """
    (train, known), (test, other) = (distinct(file) for file in (TRAIN, TEST))
    columns = [levels(train[name], test[name]) for name in COLUMNS]
    sides = (numpy.stack(side, axis=1) for side in zip(*columns, strict=True))
    found = [
        Connections(found, (table["label"] != NORMAL).to_numpy(float), tuple(table["label"]), count)
        for found, table, count in zip(sides, (train, test), (known, other), strict=True)
    ]
    return found[0], found[1]


def distinct(file: RemoteFile) -> tuple[pandas.DataFrame, int]:
    """The rows of a file, those that repeat another in all columns and the label left out; and how many there were."""
    text = io.BytesIO(unpacked(file.fetch().read_bytes()))
    table = pandas.read_csv(text, header=None)
    if table.shape[1] != len(COLUMNS) + 1:
        raise InvalidData(
            f"{file.name} has {table.shape[1]} columns, expected {len(COLUMNS) + 1}. Replace it by the original."
        )
    table.columns = pandas.Index([*COLUMNS, "label"])
    return table.drop_duplicates(ignore_index=True), len(table)


def levels(train: Any, test: Any) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Each value of a column (a series) as the place of its level: one a value of training, or `PARTS` by quantiles."""
    values = numpy.sort(train.unique())
    if train.name not in TEXTS and len(values) > PARTS:
        edges = numpy.unique(numpy.quantile(train.to_numpy(float), numpy.linspace(0, 1, PARTS + 1)[1:-1]))
        first, second = (numpy.searchsorted(edges, side.to_numpy(float), side="right") for side in (train, test))
        return first, second
    places = {value: place for place, value in enumerate(values)}
    first, second = (side.map(places).fillna(len(values)).to_numpy(numpy.int64) for side in (train, test))
    return first, second
