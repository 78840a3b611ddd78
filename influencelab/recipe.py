"""Recipes: frozen settings with a description and a content hash, and the progress that running one reports."""

import dataclasses
import enum
import hashlib
import inspect
import json
import math
import numbers
from abc import ABC
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, runtime_checkable

from influencelab.errors import WrongType, require
from influencelab.errors import named as described

Method = TypeVar("Method", bound=Callable[..., Any])


def default(method: Method) -> Method:
    """Mark a method of an abstract class as a default answer, which a kind that knows a better one may replace."""
    vars(method)["default"] = True
    return method


def is_default(member: object) -> bool:
    """Whether a method, or the getter of a property, was marked as a default answer."""
    return getattr(getattr(member, "fget", member), "default", False)


class Recipe(ABC):  # noqa: B024 - it has no method of its own: being abstract is what it checks
    """A recipe (settings) or a result (outcomes); never both, never changed after it was made.

    A class is either abstract (it still has an abstract method) or final (nobody extends it), and no concrete
    method is written twice, unless it is marked as a `default`. To vary a final class, wrap it.
    """

    def __new__(cls, *given: Any, **named: Any):
        """Refuse settings of another type before anything is made of them."""
        check_settings(cls, given, named)
        return super().__new__(cls)

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        for base in cls.__mro__[1:]:
            if base is Recipe or not issubclass(base, Recipe):
                continue
            if not inspect.isabstract(base):
                raise TypeError(f"{cls.__name__} extends the final class {base.__name__}; wrap it instead.")
            for name, member in vars(cls).items():
                inherited = vars(base).get(name)
                concrete = not getattr(inherited, "__isabstractmethod__", False)
                methods = all(callable(each) or isinstance(each, property) for each in (member, inherited))
                if methods and concrete and not is_default(inherited) and not name.startswith("__"):
                    raise TypeError(f"{cls.__name__}.{name} overrides a method that {base.__name__} already has.")


# What a setting of a simple type may be: Python's own or NumPy's.
SIMPLE = {int: numbers.Integral, float: numbers.Real, str: str}
MEANT = {int: "a whole number, such as 10", float: "a number, such as 0.01", str: "a text"}


def check_settings(cls: type, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Refuse numbers, texts and recipes that are none, by a WrongType error that names the setting."""
    if not (given or named):
        return
    if not dataclasses.is_dataclass(cls) or not getattr(cls, "__dataclass_params__").init:  # noqa: B009 - no type knows it
        return
    fields = [field for field in dataclasses.fields(cls) if field.init]
    by_name = dict(zip((field.name for field in fields), given, strict=False)) | named
    for field in fields:
        wanted, value = SIMPLE.get(field.type), by_name.get(field.name)  # pyright: ignore[reportArgumentType]
        if field.name in by_name and isinstance(field.type, type) and issubclass(field.type, Recipe):
            require(value, field.type, what=f"{field.name} of {cls.__name__}")
        if wanted is None or field.name not in by_name:
            continue
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise WrongType(f"{field.name} of {cls.__name__} is {described(value)}, expected {MEANT[field.type]}.")


def settle(made: object, **fields: Any) -> None:
    """Set fields of a frozen dataclass while it is made: what was given, as its kind holds it."""
    for name, value in fields.items():
        object.__setattr__(made, name, value)


def kind_name(kind: object) -> str:
    """The name of a kind, which is the name of the file that holds it: `lissa` for `estimators/lissa.py`."""
    cls = kind if isinstance(kind, type) else type(kind)
    return cls.__module__.rpartition(".")[2]


def describe(value: Any) -> Any:
    """The settings of a recipe as plain JSON values: equal recipes, and only those, give equal descriptions.

    A recipe goes by the name of its class, wherever that stands: a file that moves takes its results along.
    The order of a mapping counts: the first estimator of a trial has a say that the others have not.
    """
    if isinstance(value, Recipe) and dataclasses.is_dataclass(value):
        fields = {field.name: describe(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return [[str(key), describe(item)] for key, item in value.items()]
    if isinstance(value, tuple | list):
        return [describe(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, numbers.Number) and hasattr(value, "item"):
        return describe(value.item())  # pyright: ignore[reportAttributeAccessIssue] - a number of NumPy
    raise TypeError(f"{value!r} of type {type(value).__name__} is no setting: use numbers, text, tuples or nouns.")


def fingerprint(value: Any) -> str:
    """A recipe's content hash, 64 hexadecimal digits: the address of what it makes."""
    text = json.dumps(describe(value), sort_keys=True, allow_nan=True)
    return hashlib.sha256(text.encode()).hexdigest()


@runtime_checkable
class Progress(Protocol):
    """Called now and then as (done, total, label): (3, 12, "models"); one number alone is the share done, 0 … 1."""

    def __call__(self, done: float, total: float = 1.0, label: str = "") -> None:
        """Report that so much of the total is done, fractions allowed, and what is being done."""


def unheard(done: float, total: float = 1.0, label: str = "") -> None:
    """Progress that nobody waits for."""


def counted(done: float, total: float, label: str) -> str:
    """Progress in whole things: `12 of 50 trials`; the label alone where one thing is done bit by bit."""
    # A sum of shares may stay a hair below what it should be.
    return f"{math.floor(done + 1e-9)} of {total:g} {label}" if label and total > 1 else label


def stage(progress: Progress, first: float, last: float) -> Progress:
    """Progress of one part of some work, which takes its share from `first` to `last`, both between 0 and 1.

    Its label says how many things of the part are done. A part in which there is nothing to do is done.
    """

    def report(done: float, total: float = 1.0, label: str = "") -> None:
        progress(first + (last - first) * (done / total if total else 1.0), 1.0, counted(done, total, label))

    return report
