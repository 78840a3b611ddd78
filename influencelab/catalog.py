"""Kinds found by file name: `make(Estimator, "lissa")` is the class in `estimators/lissa.py`."""

import dataclasses
import importlib
import inspect
import pkgutil
from typing import Any, TypeVar

from influencelab.errors import InvalidParameter, UnknownName, unknown
from influencelab.recipe import Recipe

Kind = TypeVar("Kind", bound=Recipe)


def folder(noun: type[Recipe]) -> str:
    """The package that holds a noun's kinds: `influencelab.influence.estimators` for `Estimator`."""
    stem = noun.__module__
    return f"{stem}es" if stem.endswith("s") else f"{stem}s"


def names(noun: type[Recipe]) -> list[str]:
    """All kinds of a noun, in alphabetical order."""
    package = importlib.import_module(folder(noun))
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))


def kind(noun: type[Kind], name: str) -> type[Kind]:
    """The class of one kind.

    Raises:
        UnknownName: there is no such file; the message lists what there is.
    """
    known = names(noun)
    if name not in known:
        raise unknown(noun.__name__, name, known)
    module = importlib.import_module(f"{folder(noun)}.{name}")
    found = [
        member
        for member in vars(module).values()
        if inspect.isclass(member)
        and issubclass(member, noun)
        and member.__module__ == module.__name__
        and not inspect.isabstract(member)
    ]
    if len(found) != 1:
        raise UnknownName(f"{module.__name__} should hold exactly one final {noun.__name__}, and holds {len(found)}.")
    return found[0]


def make(noun: type[Kind], name: str, **settings: Any) -> Kind:
    """One kind with these settings; unknown settings are refused by name.

    Raises:
        UnknownName: no such kind.
        InvalidParameter: no such setting; the message lists those it has.
    """
    cls = kind(noun, name)
    known = [field.name for field in dataclasses.fields(cls) if field.init]  # pyright: ignore[reportArgumentType]
    unknown = sorted(set(settings) - set(known))
    if unknown:
        has = ", ".join(known) or "no settings"
        raise InvalidParameter(f"{noun.__name__} '{name}' has no setting '{unknown[0]}'. It has: {has}.")
    return cls(**settings)
