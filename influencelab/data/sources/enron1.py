"""Enron1, the mails of one employee and spam: 3,672 and 1,500, as counts of words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import numpy
from sklearn.feature_extraction.text import CountVectorizer

from influencelab.data.arrays import Arrays, hold_out
from influencelab.data.download import RemoteFile
from influencelab.data.source import Source
from influencelab.data.sources._archives import checked_archive, files_in
from influencelab.errors import InvalidData, InvalidParameter
from influencelab.recipe import kind_name

HOME = "https://www2.aueb.gr/users/ion/data/enron-spam/"
MIRRORS = (f"{HOME}preprocessed/", "http://nlp.cs.aueb.gr/software_and_datasets/Enron-Spam/preprocessed/")
NAME = "enron1.tar.gz"
# The manifest of its files: archives of one content have other bytes.
CONTENT = "960ac55c2b72a74d3c84c9cdd997db51b72d67ec74196817e7ec235012b6ef0b"
# Folders of the mails, in the order of their classes.
FOLDERS = ("ham", "spam")


@dataclass(frozen=True)
class Enron1(Source):
    """The preprocessed mails of Metsis, Androutsopoulos and Paliouras (2006), split at random by `seed`.

    Class 0 is ham, class 1 spam. Features count the words that occur in `fewest` training mails or more, as
    scikit-learn's CountVectorizer parts them; Koh & Liang (2017) counted lemmas by spaCy. Ids are places of the mails
    in the order of their file names, ham first; `words` names the columns.

    Attributes:
        held_out: how many of the 5,172 mails are for testing; 1,035 leaves 4,137 for training, as Koh & Liang had.
        fewest: training mails that a word must occur in.
    """

    held_out: int = 1035
    fewest: int = 5

    def arrays(self) -> Arrays:
        """Counts of all mails, features (n, words)."""
        return counted(self.held_out, self.fewest, self.seed, archive(kind_name(self)))[0]

    def words(self) -> tuple[str, ...]:
        """The word of each column, in the order of the alphabet."""
        return counted(self.held_out, self.fewest, self.seed, archive(kind_name(self)))[1]


def archive(source: str) -> bytes:
    """The archive, fetched if need be, as long as its content is the published one.

    Raises:
        MissingData: it cannot be had, or holds something else.
    """
    return checked_archive(RemoteFile(source, NAME, "", HOME, MIRRORS), CONTENT)


def mails_in(files: Mapping[str, bytes]) -> tuple[list[str], numpy.ndarray]:
    """The text of each mail, ham before spam and by name, and its class.

    Raises:
        InvalidData: a folder holds no mail, or one mail is empty.
    """
    texts, labels = [], []
    for label, folder in enumerate(FOLDERS):
        names = sorted(name for name in files if PurePosixPath(name).parent.name == folder)
        if not names:
            raise InvalidData(
                f"The archive has no mails in a folder '{folder}', expected one folder for each class: "
                f"{', '.join(FOLDERS)}. Replace it by the original."
            )
        if empty := [name for name in names if not files[name].strip()]:
            raise InvalidData(f"Mail {empty[0]} is empty. Replace the archive by the original.")
        texts += [files[name].decode("latin-1") for name in names]
        labels += [label] * len(names)
    return texts, numpy.array(labels)


@lru_cache(maxsize=2)
def counted(held_out: int, fewest: int, seed: int, content: bytes) -> tuple[Arrays, tuple[str, ...]]:
    """Counts of the words of training mails in all mails, split at random; and the words."""
    texts, labels = mails_in(files_in(content, name=NAME))
    places = numpy.arange(len(texts))[:, None]
    split = hold_out(places, labels, held_out=held_out, seed=seed)
    train, test = ([texts[place] for place in part[:, 0]] for part in (split.x_train, split.x_test))
    if not 1 <= fewest <= len(train):
        raise InvalidParameter(f"fewest is {fewest}, expected 1 … {len(train)} training mails.")
    try:
        counter: Any = CountVectorizer(min_df=fewest)
        known = counter.fit_transform(train).astype(numpy.int32).toarray()
    except ValueError as error:
        raise InvalidData(f"No word occurs in {fewest} training mails ({error}). Lower `fewest`.") from error
    other = counter.transform(test).astype(numpy.int32).toarray()
    return split._replace(x_train=known, x_test=other), tuple(map(str, counter.get_feature_names_out()))
