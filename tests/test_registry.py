"""Kinds are found by the name of their file, and nothing else needs to know of them."""

import dataclasses
import importlib
from collections import Counter
from pathlib import Path

import pytest

import influencelab
from influencelab import folder, kind, make, names, public, public_in
from influencelab.data.perturbation import Perturbation
from influencelab.data.source import Source
from influencelab.errors import InvalidParameter, UnknownName
from influencelab.experiments.selection import Selection
from influencelab.influence.estimator import Estimator
from influencelab.influence.estimators.lissa import Lissa
from influencelab.models.extractor import Extractor
from influencelab.models.loss import OutputLoss
from influencelab.models.measure import Measure
from influencelab.models.task import Task
from influencelab.recipe import Recipe, kind_name
from influencelab.training.trainer import Trainer

NOUNS = [Source, Perturbation, Task, OutputLoss, Measure, Trainer, Estimator, Selection, Extractor]
EVERY = [(noun, name) for noun in NOUNS for name in names(noun)]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `shapes` of kinds of a noun that the module `shape` holds; gives a function that adds a file."""
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "__init__.py").write_text("")
    (tmp_path / "shape.py").write_text(
        "from abc import abstractmethod\nfrom dataclasses import dataclass\nfrom influencelab.recipe import Recipe\n\n"
        "@dataclass(frozen=True)\nclass Shape(Recipe):\n    size: int = 1\n\n"
        "    @abstractmethod\n    def area(self): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    module = importlib.import_module("shape")

    def add(name: str, text: str) -> type[Recipe]:
        (tmp_path / "shapes" / f"{name}.py").write_text(f"from shape import Shape\n{text}")
        importlib.invalidate_caches()
        return module.Shape

    yield add
    for name in [name for name in importlib.sys.modules if name == "shape" or name.startswith("shapes")]:
        del importlib.sys.modules[name]


SQUARE = "class Square(Shape):\n    def area(self):\n        return self.size ** 2\n"


def test_folders_are_plurals():
    assert folder(Estimator) == "influencelab.influence.estimators"
    assert folder(OutputLoss) == "influencelab.models.losses"
    assert folder(Source) == "influencelab.data.sources"


@pytest.mark.parametrize(("noun", "name"), EVERY)
def test_every_kind_is_one_final_class_of_its_file(noun, name):
    cls = kind(noun, name)
    assert issubclass(cls, noun)
    assert kind_name(cls) == name
    assert cls.__module__ == f"{folder(noun)}.{name}"
    assert (cls.__doc__ or "").strip()


@pytest.mark.parametrize(("noun", "name"), EVERY)
def test_every_kind_is_public_under_its_class_name(noun, name):
    cls = kind(noun, name)
    assert getattr(influencelab, cls.__name__) is cls


def test_a_new_file_is_a_new_kind_and_no_list_knows_of_it(package):
    shape = package("square", SQUARE)
    assert names(shape) == ["square"]
    assert make(shape, "square", size=3).area() == 9
    package("circle", SQUARE.replace("Square", "Circle"))
    assert names(shape) == ["circle", "square"]


def test_a_new_file_makes_names_public_and_no_list_knows_of_it(tmp_path, monkeypatch):
    """A noun with a folder of kinds, a kind in it, and what a module lists; no helper, and nothing else."""
    monkeypatch.setattr(influencelab, "__path__", [str(tmp_path)])
    room = tmp_path / "data"
    (room / "measures").mkdir(parents=True)
    texts = {
        "measure.py": "class Measure: ...\nclass Measured: ...\n",
        "measures/group_loss.py": "class Half: ...\nclass GroupLoss: ...\n",
        "measures/_helper.py": "class Helper: ...\n",
        "sensitivity.py": '__all__ = [\n    "Sensitivity",\n    "solve",\n]\nclass Other: ...\n',
        "batch.py": "class Batch: ...\n",
    }
    for name, text in texts.items():
        (room / name).write_text(text)
    assert public.__wrapped__() == {
        "Measure": "influencelab.data.measure",
        "GroupLoss": "influencelab.data.measures.group_loss",
        "Sensitivity": "influencelab.data.sensitivity",
        "solve": "influencelab.data.sensitivity",
    }


def test_every_public_name_stands_in_one_place_only():
    """Kinds are among them: a recipe goes by the name of its class, and two of one name would share their results."""
    root = Path(influencelab.__file__).parent
    found = [name for path in root.rglob("[!_]*.py") for name, _ in public_in(path)]
    assert [name for name, count in Counter(found).items() if count > 1] == []
    assert sorted([*found, "kind", "make", "names"]) == dir(influencelab)
    for name in dir(influencelab):
        assert callable(getattr(influencelab, name)), name
        # The room of influence answers to the call of its name.
        assert name == "influence" or getattr(influencelab, name).__module__ == public().get(name, "influencelab")
    assert set(found) & {path.stem for path in root.iterdir()} == {"influence"}


def test_a_name_that_is_not_public_is_refused_with_a_guess():
    with pytest.raises(AttributeError, match="Did you mean Lissa"):
        _ = influencelab.lissa_


def test_an_unknown_name_lists_what_there_is_and_guesses_what_was_meant():
    with pytest.raises(UnknownName, match=r"No Estimator is named 'lisa'. There are: .*exact, .*mean 'lissa'\?"):
        kind(Estimator, "lisa")
    with pytest.raises(UnknownName, match=r"No Task is named 'zzz'") as caught:
        kind(Task, "zzz")
    assert "Did you mean" not in str(caught.value)


@pytest.mark.parametrize("text", ["", SQUARE + SQUARE.replace("Square", "Other")])
def test_a_file_without_exactly_one_kind_is_refused(package, text):
    shape = package("odd", text)
    with pytest.raises(UnknownName, match=r"shapes.odd should hold exactly one final Shape, and holds [02]"):
        kind(shape, "odd")


def test_helpers_and_abstract_classes_in_the_file_do_not_count(package):
    shape = package("square", "from abc import abstractmethod\nclass Half(Shape):\n    pass\n\n" + SQUARE)
    assert kind(shape, "square").__name__ == "Square"


def test_a_kind_that_a_file_imports_is_not_of_that_file(package):
    package("square", SQUARE)
    shape = package("frame", "from shapes.square import Square\n\n" + SQUARE.replace("Square", "Frame"))
    assert kind(shape, "frame").__name__ == "Frame"


def test_settings_are_passed_on_and_unknown_ones_refused_by_name():
    assert make(Estimator, "lissa", scale=25.0, depth=7) == Lissa(scale=25.0, depth=7)
    with pytest.raises(InvalidParameter, match=r"Estimator 'lissa' has no setting 'dept'. It has: .*depth") as caught:
        make(Estimator, "lissa", dept=7)
    for field in dataclasses.fields(Lissa):
        assert field.name in str(caught.value)
    with pytest.raises(InvalidParameter, match="It has: no settings"):
        make(Selection, "everything", count=1)


@pytest.mark.parametrize("noun", [Estimator, Trainer, Selection, Source])
def test_every_kind_can_be_made_without_settings_and_refuses_to_change(noun):
    for name in names(noun):
        made = make(noun, name)
        assert made == make(noun, name)
        with pytest.raises(dataclasses.FrozenInstanceError):
            made.anything = 1
