"""A noun is abstract or final, frozen, and described by its settings alone."""

import dataclasses
import enum
import importlib
import inspect
import json
import math
import pkgutil
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path

import pytest

import influencelab
from influencelab.data.sources.iris import Iris
from influencelab.influence.estimators.exact import Exact
from influencelab.influence.estimators.lissa import Lissa
from influencelab.influence.retrainers.second_order import SecondOrder
from influencelab.models.task import LinearTask
from influencelab.models.tasks.logistic import Logistic
from influencelab.models.tasks.ridge import Ridge
from influencelab.recipe import Recipe, default, describe, fingerprint, kind_name
from influencelab.training.trainers.newton import Newton

# The one noun that is neither recipe nor result (an operator that remembers its factors) is no dataclass.
OPERATORS = {"Curvature"}


@dataclass(frozen=True)
class Shape(Recipe):
    """Abstract: its area is not known."""

    size: float = 1.0

    @abstractmethod
    def area(self) -> float:
        """Not known."""

    @property
    def name(self) -> str:
        """Concrete."""
        return "shape"

    def twice(self) -> float:
        """Concrete."""
        return 2 * self.area()


@dataclass(frozen=True)
class Square(Shape):
    """Final."""

    def area(self) -> float:
        """Known."""
        return self.size**2


class Colour(enum.Enum):
    """A setting that is one of a few."""

    RED = "red"


def nouns() -> list[type[Recipe]]:
    """Every noun of the library."""
    for module in pkgutil.walk_packages(influencelab.__path__, "influencelab."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, left = set(), [Recipe]
    while left:
        children = [child for child in left.pop().__subclasses__() if child.__module__.startswith("influencelab.")]
        left += children
        found |= set(children)
    return sorted(found, key=lambda cls: f"{cls.__module__}.{cls.__name__}")


def test_a_final_class_cannot_be_extended():
    with pytest.raises(TypeError, match="Tile extends the final class Square; wrap it instead"):

        class Tile(Square):
            """Not allowed."""


def test_a_default_answer_may_be_replaced_and_the_better_one_may_not():
    @dataclass(frozen=True)
    class Guess(Recipe):
        """Abstract."""

        @property
        @default
        def area(self) -> float:
            """Not known well."""
            return 1.0

        @abstractmethod
        def sides(self) -> int:
            """Not known."""

    @dataclass(frozen=True)
    class Better(Guess):
        """Abstract too."""

        @property
        def area(self) -> float:
            """Known well."""
            return 2.0

    with pytest.raises(TypeError, match=r"Worse.area overrides a method that Better already has"):

        class Worse(Better):
            """Not allowed."""

            @property
            def area(self) -> float:
                """Another one."""
                return 3.0


def test_a_concrete_method_or_property_cannot_be_written_twice():
    with pytest.raises(TypeError, match=r"Round.twice overrides a method that Shape already has"):

        class Round(Shape):
            """Not allowed."""

            def twice(self) -> float:
                """Another one."""
                return 0.0

    with pytest.raises(TypeError, match=r"Named.name overrides a method that Shape already has"):

        class Named(Shape):
            """Not allowed."""

            @property
            def name(self) -> str:
                """Another one."""
                return "named"

    with pytest.raises(TypeError, match="convex overrides a method that LinearTask already has"):

        class Bent(LinearTask):
            """Not allowed: its convexity is a theorem."""

            @property
            def convex(self) -> bool:
                """A lie."""
                return False


def test_an_abstract_noun_cannot_be_made_and_a_final_one_never_changes():
    with pytest.raises(TypeError, match="abstract"):
        Shape()
    with pytest.raises(dataclasses.FrozenInstanceError):
        Square().size = 2.0


@pytest.mark.parametrize("cls", nouns(), ids=lambda cls: cls.__name__)
def test_every_noun_of_the_library_is_a_frozen_dataclass_abstract_or_final(cls):
    if cls.__name__ in OPERATORS:
        return
    assert dataclasses.is_dataclass(cls)
    assert cls.__dataclass_params__.frozen
    children = [child for child in cls.__subclasses__() if child.__module__.startswith("influencelab.")]
    assert inspect.isabstract(cls) or not children
    assert (cls.__doc__ or "").strip()


def test_a_kind_is_named_by_its_file():
    assert kind_name(Exact()) == kind_name(Exact) == "exact"
    assert kind_name(Logistic(0.1)) == "logistic"
    assert kind_name(Newton) == "newton"


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Exact(), Exact()),
        (Exact(damping=1), Exact(damping=1.0)),
        (Ridge(0.0), Ridge(-0.0)),
        (Iris(labels=(0, 2)), Iris(labels=(0, 2))),
        (SecondOrder(), SecondOrder(trainer=Newton())),
        ((Exact(), "cpu"), (Exact(), "cpu")),
    ],
)
def test_equal_recipes_have_one_fingerprint(one, two):
    assert one == two
    assert fingerprint(one) == fingerprint(two)
    assert len(fingerprint(one)) == 64


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Exact(), Exact(damping=1e-300)),
        (Exact(), Lissa()),
        (Exact(allow_unconverged=True), Exact(allow_unconverged=False)),
        (Ridge(0.1), Logistic(0.1)),
        (Ridge(0.1), Ridge(0.1, penalise_intercept=True)),
        (Ridge(0.1), Ridge(math.nextafter(0.1, 1))),
        (Iris(labels=(0, 2)), Iris(labels=(2, 0))),
        (Iris(labels=(0, 2)), Iris(test_ids=(0, 2))),
        (SecondOrder(), SecondOrder(trainer=Newton(max_steps=99))),
        ((Exact(), "cpu"), (Exact(), "cuda")),
        ((1, 2), (12,)),
        (None, "None"),
        (True, "True"),
        (True, 1),
        (1, "1"),
        (0.1, "0.1"),
        (Square(), Square(2.0)),
    ],
)
def test_recipes_that_differ_have_two(one, two):
    assert fingerprint(one) != fingerprint(two)


def test_a_description_is_plain_json_with_the_name_of_the_class_and_not_its_place():
    found = describe(SecondOrder(trainer=Newton(tolerance=1e-9)))
    assert json.loads(json.dumps(found)) == found
    assert found["kind"] == "SecondOrder"
    assert found["trainer"] == {"kind": "Newton", "tolerance": 1e-9, "max_steps": 500}
    assert describe({"a": (1, [2.5, None]), "colour": Colour.RED}) == [["a", [1, [2.5, None]]], ["colour", "red"]]


@pytest.mark.parametrize("value", [object(), Path("x"), {1, 2}, lambda: 0, Exact])
def test_what_is_no_setting_is_refused(value):
    with pytest.raises(TypeError, match="is no setting: use numbers, text, tuples or nouns"):
        fingerprint(value)


def test_a_description_depends_on_the_values_and_not_on_the_process():
    assert fingerprint(Logistic(0.01)) == fingerprint(Logistic(weight_decay=0.01, intercept=True))
    assert fingerprint({"a": 1, "b": 2}) != fingerprint({"b": 2, "a": 1})


def test_no_two_recipes_share_the_name_that_their_results_are_kept_under():
    found = [cls.__name__ for cls in nouns() if vars(cls).get("__dataclass_params__") and cls.__dataclass_params__.eq]
    assert len(found) == len(set(found))
