"""Admissions of people with diabetes to 130 hospitals of the USA: 101,766 of them, readmitted within 30 days or not."""

import io
from dataclasses import dataclass

import numpy
import pandas
from jaxtyping import Float32, Int

from influencelab.data.arrays import Arrays
from influencelab.data.download import RemoteFile, unpacked
from influencelab.data.source import Source
from influencelab.data.sources._zipped import member_of
from influencelab.errors import InvalidParameter
from influencelab.recipe import kind_name

NAME = "diabetic_data.csv"
MD5 = "502f0cc004e4cf71536ec2e61596e42f"  # of the table as text
HOME = "https://archive.ics.uci.edu/dataset/296/diabetes+130-us+hospitals+for+years+1999-2008"
ARCHIVE = "https://archive.ics.uci.edu/static/public/296/diabetes+130-us+hospitals+for+years+1999-2008.zip"
# Of each class, published.
PER_CLASS = 10_000
# The column that marks children.
CHILD = "age_[0-10)"
COUNTS = (
    *("time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications"),
    *("number_outpatient", "number_emergency", "number_inpatient", "number_diagnoses"),
)
CATEGORIES = (
    *("gender", "race", "age", "discharge_disposition_id", "max_glu_serum", "A1Cresult", "metformin", "repaglinide"),
    *("nateglinide", "chlorpropamide", "glimepiride", "acetohexamide", "glipizide", "glyburide", "tolbutamide"),
    *("pioglitazone", "rosiglitazone", "acarbose", "miglitol", "troglitazone", "tolazamide", "examide", "citoglipton"),
    *("insulin", "glyburide-metformin", "glipizide-metformin", "glimepiride-pioglitazone", "metformin-rosiglitazone"),
    *("metformin-pioglitazone", "change", "diabetesMed"),
)


@dataclass(frozen=True)
class Diabetes130(Source):
    """The table of Strack et al. (2014), encoded and split as Koh & Liang (2017, section 5.3) did.

    Class 1 was readmitted within 30 days. Eight counts stand as they are; of 31 other columns each value has an
    indicator (of two values the second one), 127 features in all. Two medicines nobody took: their indicators are 1
    everywhere, so that a model without an intercept has one. Ids are positions in that split's own order.

    Attributes:
        per_class: training admissions of each class, the others are for testing; 0 for the published 10,000.
        split: seed of the split, drawn as their code draws it; theirs is 2.
    """

    per_class: int = 0
    split: int = 2

    def arrays(self) -> Arrays:
        """All admissions, features (n, 127) in float32."""
        found = admissions(kind_name(self))
        y = (found["readmitted"] == "<30").to_numpy(numpy.int64)
        each, fewest = self.per_class or PER_CLASS, min(int(y.sum()), int((1 - y).sum()))
        if not 0 < each < fewest or self.split < 0:
            raise InvalidParameter(
                f"per_class is {self.per_class} and split {self.split}; expected 0, or 1 … {fewest - 1} admissions of "
                "each class so that one is left for testing, and a seed ≥ 0."
            )
        x, _ = encoded(found)
        train, test = parted(y, each=each, seed=self.split)
        return Arrays(x[train], y[train], x[test], y[test])

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the features, such as `age_[0-10)`, as the file has them."""
        return encoded(admissions(kind_name(self)))[1]


def admissions(source: str) -> pandas.DataFrame:
    """The published columns of the table; "None" is a word there, and "?" a value like others."""
    path = member_of(ARCHIVE, RemoteFile(source, NAME, MD5, HOME, (), content_md5=MD5))
    text = io.BytesIO(unpacked(path.read_bytes()))
    return pandas.read_csv(text, keep_default_na=False, usecols=[*COUNTS, *CATEGORIES, "readmitted"])


def encoded(table: pandas.DataFrame) -> tuple[Float32[numpy.ndarray, "n d"], tuple[str, ...]]:
    """Counts, and an indicator of each value of the other columns, in the order of the values; with their names."""
    columns, names = [table[list(COUNTS)].to_numpy(numpy.float32)], [*COUNTS]
    for name in CATEGORIES:
        codes, values = pandas.factorize(table[name], sort=True)
        first = 1 if len(values) == 2 else 0
        columns.append((codes[:, None] == numpy.arange(first, len(values))).astype(numpy.float32))
        names += [f"{name}_{value}" for value in values[first:]]
    return numpy.concatenate(columns, axis=1), tuple(names)


def parted(
    y: Int[numpy.ndarray, " n"], *, each: int, seed: int
) -> tuple[Int[numpy.ndarray, " t"], Int[numpy.ndarray, " m"]]:
    """Training and test rows: so many of each class, in the order that the published code leaves them in."""
    # The generator of that code: no other gives its split.
    generator = numpy.random.RandomState(seed)
    classes = [numpy.flatnonzero(y == label) for label in (1, 0)]
    for rows in classes:
        generator.shuffle(rows)
    train, test = (numpy.concatenate([rows[part] for rows in classes]) for part in (slice(each), slice(each, None)))
    generator.shuffle(train)
    generator.shuffle(test)
    return train, test
