"""Hash of the code of kinds that are defined outside the package: in a module, a script or a notebook of the user's."""

import ast
import dis
import hashlib
import inspect
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy
import torch

from influencelab.errors import InvalidParameter

# Where packages are installed: what they say is their version's business, but for a package that holds a kind.
INSTALLED = ("site-packages", "dist-packages")
# Makers of what dataclasses add to a class; settings count by their values.
GENERATED = "<string>"


def own_code(kinds: set[type], *, package: str) -> str:
    """Hash of the methods of these kinds, of their own functions and modules, and of the values that they name.

    Code counts as it was compiled, so that a kind typed in a notebook has a hash too; comments do not count.

    Raises:
        InvalidParameter: a kind names a value whose content cannot be known.
    """
    tops = {kind.__module__.split(".")[0] for kind in kinds}
    left: list[Any] = sorted(kinds, key=lambda kind: kind.__qualname__)
    parts, seen = [], {id(kind) for kind in kinds}
    while left:
        thing = left.pop()
        for part in contents(thing):
            if isinstance(part, str):
                parts.append(part)
            elif id(part) not in seen and is_own(part, tops=tops, package=package):
                seen.add(id(part))
                left.append(part)
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()


def is_own(thing: Any, *, tops: set[str], package: str) -> bool:
    """Whether a class, function or module is the user's: neither Python's, nor this package's, nor installed."""
    name = str(thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None) or "")
    top, module = name.split(".")[0], sys.modules.get(name)
    if top in (package, "builtins", "") or (top in sys.stdlib_module_names and top != "__main__"):
        return False
    installed = any(folder in Path(getattr(module, "__file__", None) or "").parts for folder in INSTALLED)
    return top in tops or not installed


def contents(thing: Any) -> Iterator[Any]:
    """What a class, function or module says, as texts, and the classes, functions and modules that it names."""
    if isinstance(thing, ModuleType):
        yield from of_module(thing)
        return
    if isinstance(thing, FunctionType):
        yield from of_function(inspect.unwrap(thing))
        return
    yield thing.__qualname__
    yield from thing.__mro__[1:]
    for name, member in vars(thing).items():
        if name == "_abc_impl" or (name.startswith("__") and not isinstance(member, FunctionType)):
            continue
        # A property, a class method, a cached property.
        inner = [getattr(member, part, None) for part in ("fget", "fset", "__func__", "func")]
        for each in [part for part in inner if part is not None] or [member]:
            if not (isinstance(each, FunctionType) and each.__code__.co_filename == GENERATED):
                yield name
                yield from of_value(each, f"{thing.__qualname__}.{name}")


def of_module(module: ModuleType) -> Iterator[Any]:
    """The text of a module without its comments, and the modules that it imports."""
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py"):
        return
    read = ast.parse(Path(file).read_text(encoding="utf-8"))
    yield ast.unparse(read)
    for node in ast.walk(read):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (sys.modules[name] for name in names if name in sys.modules)


def of_function(function: FunctionType) -> Iterator[Any]:
    """The compiled code of a function, and the values of the names that it uses from outside."""
    where = f"{function.__module__}.{function.__qualname__}"
    codes, named = (
        [function.__code__],
        dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)),
    )
    values = {name: cell.cell_contents for name, cell in named.items() if cell != type(cell)()}
    while codes:
        code = codes.pop()
        codes += [part for part in code.co_consts if isinstance(part, CodeType)]
        for step in dis.get_instructions(code):
            yield f"{step.opname} {'' if isinstance(step.argval, CodeType) else step.argval!r}"
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in function.__globals__:
                values[step.argval] = function.__globals__[step.argval]
            if step.opname == "IMPORT_NAME" and step.argval in sys.modules:
                yield sys.modules[step.argval]
    values |= function.__kwdefaults__ or {}
    for name, value in [*values.items(), *enumerate(function.__defaults__ or ())]:
        yield from of_value(value, f"{where}, which uses {name}")


def of_value(value: Any, where: str) -> Iterator[Any]:
    """A value as text; a class, function or module as it is, and the class of a value besides it.

    Raises InvalidParameter where its content cannot be known.
    """
    if isinstance(value, MethodType):
        yield from of_value(value.__func__, where)
        yield from of_value(value.__self__, where)
    elif isinstance(value, type | FunctionType | ModuleType):
        yield value
    elif isinstance(value, torch.Tensor | numpy.ndarray):
        array = numpy.ascontiguousarray(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value)
        yield f"{array.dtype} {array.shape} {hashlib.sha256(array.tobytes()).hexdigest()}"
    elif value is None or isinstance(value, bool | int | float | complex | str | bytes | BuiltinFunctionType):
        yield f"{type(value).__name__} {value!r}"
    elif isinstance(value, tuple | list | dict):
        yield f"{type(value).__name__} {len(value)}"
        for part in [*value.keys(), *value.values()] if isinstance(value, dict) else value:
            yield from of_value(part, where)
    else:
        yield type(value)
        yield pickled(value, where)


def pickled(value: Any, where: str) -> str:
    """Hash of any other value's state."""
    try:
        return hashlib.sha256(pickle.dumps(value)).hexdigest()
    except Exception as error:
        raise InvalidParameter(
            f"Results of {where} cannot be stored: the {type(value).__name__} there cannot be told from another one "
            f"({error}). Give the kind what it needs as settings (fields of its dataclass), or define it in a function."
        ) from error
