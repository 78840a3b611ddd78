"""The pictures themselves: one that a model is sure of and wrong about, and those that scores blame for it."""

from dataclasses import dataclass, replace

import numpy
import torch
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData
from influencelab.experiments.house_style import SMALL, drawing, finish
from influencelab.influence.table import array
from influencelab.models.tasks.binary_logistic import BinaryLogistic
from influencelab.studies.misleading_images.called import SCORES
from influencelab.studies.misleading_images.planted import PlantedPictures, seen
from influencelab.studies.misleading_images.pool import RELABELLED, pool_of
from influencelab.studies.misleading_images.scene import planted_in
from influencelab.studies.misleading_images.scores import first, in_span, scores
from influencelab.training.fit import fit

BLAMED = (
    "Left, the test picture that the model is surest of and wrong about; beside it, a row a score, the training "
    "pictures that are blamed first, with whether they were planted. All have the label that the picture is mistaken "
    "for."
)
SHOWN = ("influence", "neighbours", "training_loss")


@dataclass(frozen=True, eq=False)
class Blamed:
    """One wrong test picture, and whom scores blame for it.

    Attributes:
        picture: the test picture.
        sure: the probability that the model gives to the class it is mistaken for.
        names: of its class and of the class that it is mistaken for.
        pictures: of the training pictures that each of `SHOWN` names.
        planted: which of these were planted.
    """

    picture: Float[Tensor, " *shape"]
    sure: float
    names: tuple[str, str]
    pictures: Float[Tensor, " k j *shape"]
    planted: Bool[numpy.ndarray, "k j"]


def blamed(trial: PlantedPictures) -> Blamed:
    """The test picture that a model with relabelled pictures is surest of and wrong about, and whom scores blame.

    Raises:
        InvalidData: the trial makes pictures, which the pool does not hold, or its model is wrong about none.
    """
    if trial.arm != RELABELLED:
        raise InvalidData(
            f"The trial plants '{trial.arm}', expected '{RELABELLED}': pictures that are made are not kept."
        )
    pool = pool_of(trial.source, trial.extractor, trial.arm)
    scene = planted_in(pool, arm=trial.arm, share=trial.share, train=trial.train, seed=trial.seed)
    fitted = fit(BinaryLogistic(trial.weight_decay), in_span(scene.data), trial.trainer)
    found = seen(fitted, scene)
    if not found["wrong"]:
        raise InvalidData(
            f"The model of seed {trial.seed} is wrong about no picture that is asked about: take another."
        )
    surest = int(numpy.argmax(found["sure"]))
    wrong = torch.tensor(found["wrong_places"][surest : surest + 1])
    features = scene.data.x_train, scene.data.x_test
    every, _ = scores(
        fitted, wrong=wrong, features=features, out_of_sample=trial.out_of_sample(fitted), seed=trial.seed
    )
    named = numpy.stack([first(every[name], count=trial.named, seed=trial.seed)[:, 0] for name in SHOWN])
    names = pool.data.class_names or tuple(map(str, trial.source.labels or (0, 1)))
    return Blamed(
        picture=pictures_by(pool.data.train_ids, scene.data.test_ids[wrong], pool.data.x_train)[0],
        sure=found["sure"][surest],
        names=(names[1], names[0]),
        pictures=pictures_by(pool.data.train_ids, scene.data.train_ids[torch.from_numpy(named)], pool.data.x_train),
        planted=array(scene.planted)[named],
    )


def looked_at(trial: PlantedPictures) -> Dataset:
    """All pictures that a trial draws from, each as a training and as a test point."""
    held = pool_of(trial.source, trial.extractor, trial.arm).data
    return replace(held, x_test=held.x_train, y_test=held.y_train, test_ids=held.train_ids, test_names=held.train_names)


def pictures_by(
    known: Int[Tensor, " n"], ids: Int[Tensor, " *k"], pictures: Float[Tensor, " n *shape"]
) -> Float[Tensor, " ..."]:
    """The pictures with these ids; known ids rise."""
    return pictures[torch.searchsorted(known, ids)]


def gallery(shown: Blamed) -> Figure:
    """A row a score: the picture that is asked about, and the pictures that the score blames first."""
    rows, columns = shown.planted.shape
    figure, axes = drawing(rows * (columns + 1), height=1.75, columns=columns + 1)
    own, other = shown.names
    for row, name in enumerate(SHOWN):
        line = axes[row * (columns + 1) : (row + 1) * (columns + 1)]
        titles = [f"{own}, called {other}\nwith {shown.sure:.3f}"]
        titles += ["planted" if each else "not planted" for each in shown.planted[row]]
        for axis, picture, title in zip(line, (shown.picture, *shown.pictures[row]), titles, strict=True):
            axis.imshow(array(picture), cmap="gray")
            axis.set(xticks=[], yticks=[])
            axis.set_title(title, fontsize=SMALL)
            axis.grid(visible=False)
        line[0].set_ylabel(f"{SCORES[name]}\n(score)", fontsize=SMALL)
    return finish(figure, caption=BLAMED)
