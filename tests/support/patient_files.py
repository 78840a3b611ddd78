"""A small table in the form of the published one of hospital patients: its columns, and no person behind it."""

import hashlib
from pathlib import Path

import numpy
import pandas
import pytest

from influencelab.data.download import FOLDER_VARIABLE
from influencelab.data.sources import diabetes130

SOURCE, NAME = "diabetes130", "diabetic_data.csv"
PER_CLASS = 20
# Columns as published, each with values that occur here; those not used by the encoding are kept too.
COUNTED = [
    *("time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications"),
    *("number_outpatient", "number_emergency", "number_inpatient", "number_diagnoses"),
]
MEDICINES = (
    "metformin repaglinide nateglinide chlorpropamide glimepiride acetohexamide glipizide glyburide tolbutamide "
    "pioglitazone rosiglitazone acarbose miglitol troglitazone tolazamide insulin glyburide-metformin "
    "glipizide-metformin glimepiride-pioglitazone metformin-rosiglitazone metformin-pioglitazone"
)
CHOSEN = {
    "gender": ["Female", "Male", "Unknown/Invalid"],
    "race": ["?", "Asian", "Caucasian"],
    "age": ["[0-10)", "[50-60)", "[60-70)"],
    "weight": ["?", "[75-100)"],
    "discharge_disposition_id": [1, 2, 11],
    "max_glu_serum": [">200", "None", "Norm"],
    "A1Cresult": [">7", "None", "Norm"],
    **{name: ["No", "Steady"] for name in MEDICINES.split()},
    "examide": ["No"],
    "citoglipton": ["No"],
    "change": ["Ch", "No"],
    "diabetesMed": ["No", "Yes"],
}


def patients(count: int = 60) -> pandas.DataFrame:
    """A table of invented patients: every value occurs, a third were readmitted soon."""
    generator = numpy.random.default_rng(0)
    columns = {"encounter_id": numpy.arange(count) + 1000, "patient_nbr": numpy.arange(count) + 5000}
    columns |= {name: generator.integers(0, 9, count) for name in COUNTED}
    for name, values in CHOSEN.items():
        columns[name] = numpy.array(values)[generator.permutation(numpy.arange(count) % len(values))]
    soon = numpy.array(["<30", ">30", "NO"])
    columns["readmitted"] = soon[generator.permutation(numpy.arange(count) % 3)]
    return pandas.DataFrame(columns)


def as_text(table: pandas.DataFrame) -> bytes:
    """The table as it is published: lines end as on Windows."""
    return table.to_csv(index=False, lineterminator="\r\n").encode()


def use_patients(folder: Path, patch: pytest.MonkeyPatch, *, count: int = 66) -> pandas.DataFrame:
    """Put a small table where the published one is looked for, and expect its checksum and size."""
    table = patients(count)
    (folder / SOURCE).mkdir(parents=True)
    (folder / SOURCE / NAME).write_bytes(as_text(table))
    expect(table, patch)
    patch.setenv(FOLDER_VARIABLE, str(folder))
    return table


def expect(table: pandas.DataFrame, patch: pytest.MonkeyPatch) -> None:
    """Expect this table's checksum, and a split of its size."""
    patch.setattr(diabetes130, "MD5", hashlib.md5(as_text(table)).hexdigest())
    patch.setattr(diabetes130, "PER_CLASS", PER_CLASS)
