"""Does influence predict what retraining does? Estimators, exact retraining and published claims, side by side.

The one registry. A kind is found by its file: `make(Estimator, "lissa")` is the class in `estimators/lissa.py`, public
as `influencelab.Lissa`. Of any other module those names are public that it lists in its `__all__`. Sources are read and
nothing is imported before it is asked for, so that the command line answers at once.
"""

import dataclasses
import difflib
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from influencelab.errors import InvalidParameter, UnknownName, unknown
from influencelab.recipe import Recipe

__version__ = "0.1.0"

Kind = TypeVar("Kind", bound=Recipe)


def __getattr__(name: str) -> Any:
    """A public name, imported now."""
    if name in public():
        return getattr(importlib.import_module(public()[name]), name)
    near = difflib.get_close_matches(name, __dir__(), n=1, cutoff=0.5)
    raise AttributeError(f"influencelab has no public name '{name}'.{f' Did you mean {near[0]}?' if near else ''}")


def __dir__() -> list[str]:
    """Every public name."""
    return sorted([*public(), kind.__name__, make.__name__, names.__name__])


def make(noun: type[Kind], name: str, **settings: Any) -> Kind:
    """One kind with these settings; unknown settings are refused by name.

    Raises:
        UnknownName: no such kind.
        InvalidParameter: no such setting; the message lists those it has.
    """
    cls = kind(noun, name)
    known = [field.name for field in dataclasses.fields(cls) if field.init]  # pyright: ignore[reportArgumentType]
    strange = sorted(set(settings) - set(known))
    if strange:
        has = ", ".join(known) or "no settings"
        raise InvalidParameter(f"{noun.__name__} '{name}' has no setting '{strange[0]}'. It has: {has}.")
    return cls(**settings)


def names(noun: type[Recipe]) -> list[str]:
    """All kinds of a noun, in alphabetical order."""
    return modules_in(importlib.import_module(folder(noun)).__path__)


def kind(noun: type[Kind], name: str) -> type[Kind]:
    """The class of one kind.

    Raises:
        UnknownName: there is no such file; the message lists what there is.
    """
    known = names(noun)
    if name not in known:
        raise unknown(noun.__name__, name, known)
    module = importlib.import_module(f"{folder(noun)}.{name}")
    classes = [each for each in vars(module).values() if inspect.isclass(each) and each.__module__ == module.__name__]
    found = [cls for cls in classes if issubclass(cls, noun) and not inspect.isabstract(cls)]
    if len(found) != 1:
        raise UnknownName(f"{module.__name__} should hold exactly one final {noun.__name__}, and holds {len(found)}.")
    return found[0]


def folder(noun: type[Recipe]) -> str:
    """The package that holds a noun's kinds: `influencelab.influence.estimators` for `Estimator`."""
    return plural(noun.__module__)


def plural(word: str) -> str:
    """The name of the folder that holds the kinds of a module: `estimators`, `losses` for `loss`, `families`."""
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"


def modules_in(paths: Iterable[str | Path]) -> list[str]:
    """The modules of a folder; those whose names begin with `_` are its helpers."""
    return sorted(path.stem for folder in paths for path in Path(folder).glob("[!_]*.py"))


@cache
def public() -> dict[str, str]:
    """The module of every public name."""
    return {name: module for path in Path(__path__[0]).rglob("[!_]*.py") for name, module in public_in(path)}


def public_in(path: Path) -> Iterator[tuple[str, str]]:
    """The public names of one file, and its module: what its `__all__` lists; else a kind or a noun that has kinds."""
    text = path.read_text(encoding="utf-8")
    listed = re.search(r"^__all__ = \[(.*?)\]", text, flags=re.MULTILINE | re.DOTALL)
    noun = (path.parent / plural(path.stem)).is_dir()
    if listed:
        found = re.findall(r'"(\w+)"', listed[1])
    elif noun or path.parent.name in map(plural, modules_in([path.parent.parent])):
        classes = re.findall(r"^class (\w+)", text, flags=re.MULTILINE)
        found = [name for name in classes if name.lower() == path.stem.replace("_", "")]
    else:
        found = []
    module = ".".join((__name__, *path.relative_to(__path__[0]).with_suffix("").parts))
    return ((name, module) for name in found)
