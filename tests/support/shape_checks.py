"""Shapes and types of the package, checked while tests run: the first calls of every function in every test.

Checking every call would cost four times what is tested, most of it in loops whose hundredth step has the shapes of
its first. Functions inside functions are not checked: what goes through them has come through the outer one.
"""

import functools
import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype

# Calls of one function in one test that are checked.
CALLS = 3
# An int is a legal float, as in Python's own typing; and a wrong type is a TypeError, as Python's own are.
TYPED = beartype(conf=BeartypeConf(is_pep484_tower=True, violation_type=TypeError))

calls: Counter[Callable[..., Any]] = Counter()
jaxtyped: Any = jaxtyping.jaxtyped


def first_calls(checked: Any = None, /, *, typechecker: Any) -> Any:
    """`jaxtyping.jaxtyped` for its import hook, for so many calls, by `TYPED` whatever checker it names."""
    if checked is None:
        return functools.partial(first_calls, typechecker=typechecker)
    if inspect.isclass(checked):
        if is_dataclass(checked) and "__init__" in vars(checked):
            checked.__init__ = first_calls(checked.__init__, typechecker=typechecker)
        return checked
    return checked if "<locals>" in checked.__qualname__ else counted(checked)


def counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, checked in its first calls."""

    @functools.cache
    def checked() -> Callable[..., Any]:
        # Made at the first call, as most of the package is not called in most runs; and jaxtyping around the checker,
        # not the other way round, so that arguments are checked once and not again with the result.
        return jaxtyped(TYPED(function), typechecker=None)

    @functools.wraps(function)
    def called(*arguments: Any, **settings: Any) -> Any:
        if calls[function] >= CALLS or jaxtyping.config.jaxtyping_disable:
            return function(*arguments, **settings)
        calls[function] += 1
        return checked()(*arguments, **settings)

    return called


# The import hook finds it by this name; it must stand here before the package is imported.
jaxtyping.jaxtyped = first_calls
