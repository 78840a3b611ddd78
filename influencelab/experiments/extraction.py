"""Pictures as the features that an extractor makes of them, found once and stored."""

from dataclasses import replace
from pathlib import Path

import torch

from influencelab.data.dataset import Dataset
from influencelab.errors import require
from influencelab.experiments.code_version import VERSIONS, recipe_version
from influencelab.experiments.store import Entry, Store
from influencelab.models.extractor import Extractor, features_of
from influencelab.recipe import Progress, describe, fingerprint, unheard

__all__ = ["extracted"]


def extracted(
    data: Dataset, extractor: Extractor, *, store: str | Path | None = None, progress: Progress = unheard
) -> Dataset:
    """The same points, ids and labels, each picture replaced by its features (n d), in the type of the pixels.

    Args:
        data: pictures, with pixels between 0 and 255.
        extractor: what makes features of them.
        store: a folder that keeps the features, by the pictures' content, the extractor's settings and its code.
        progress: told how many pictures are done.

    Raises:
        InvalidData: the points of `data` are no pictures.
        Unavailable: what the extractor needs is not installed.
    """
    require(data, Dataset, what="data")
    require(extractor, Extractor, what="extractor")
    kept = Store(Path(store)) if store else None
    version = recipe_version(extractor, memory=kept.folder / VERSIONS if kept else None)
    key = fingerprint(["features", describe(extractor), data.content_hash(), version])
    entry = kept.find(key) if kept else None
    if entry is None:
        network = extractor.network(data)
        both = torch.cat([data.x_train, data.x_test])
        found = features_of(network.to(both.device), both, progress=progress)
        entry = Entry({"train": found[: data.n], "test": found[data.n :]}, {})
        if kept:
            kept.keep(key, entry)
    train, test = (entry.arrays[part].to(data.x_train) for part in ("train", "test"))
    return replace(data, x_train=train, x_test=test, feature_names=())
