"""What a study's `parameters` cell declares, and text or YAML read as the declared type."""

import ast
import io
import math
import tokenize
from dataclasses import dataclass
from typing import Any

import yaml

from influencelab.errors import InvalidParameter
from influencelab.recipe import Recipe

EXAMPLES = {"bool": "false", "int": "5", "float": "0.01", "str": "digits"}
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class Parameter(Recipe):
    """One line of a `parameters` cell: `size: int = 200  # how many points to remove`.

    Attributes:
        name: what it is called.
        type: the annotation, or else the default's type: `int`, `float`, `bool`, `str`, `list[int]`,
            `tuple[float, ...]`, `int | None`.
        default: its value in the notebook.
        help: the comment after it.
    """

    name: str
    type: str
    default: Any
    help: str

    def parse(self, value: object) -> Any:
        """A value, or text that stands for one, as the declared type: `false` is False where a bool is declared.

        Raises:
            InvalidParameter: it is none of that type; the message shows how one is written.
        """
        try:
            return convert(value, ast.parse(self.type, mode="eval").body)
        except InvalidParameter:
            # The type itself is none that a parameter can have.
            raise
        except (ValueError, yaml.YAMLError) as error:
            raise InvalidParameter(
                f"Parameter '{self.name}' is declared {self.type}, and {value!r} is none. "
                f"Write it like {self.name}={example(self.type)}."
            ) from error


def declared(source: str, *, where: str) -> tuple[Parameter, ...]:
    """The parameters of a `parameters` cell, in order.

    Args:
        source: the cell.
        where: the notebook, for the error.

    Raises:
        InvalidParameter: a line that declares no parameter with a literal default of a known type.
    """
    comments = trailing_comments(source)
    found = []
    for line in ast.parse(source).body:
        target, annotation = assigned(line)
        if target is None:
            raise InvalidParameter(
                f"{where}: line {line.lineno} of the parameters cell is no parameter. "
                "Each line is `name: type = literal  # what it means`; move everything else to the next cell."
            )
        default = ast.literal_eval(line.value)  # pyright: ignore[reportAttributeAccessIssue]
        kind = ast.unparse(annotation) if annotation else infer(default)
        parameter = Parameter(target, kind, default, comments.get(line.end_lineno or line.lineno, ""))
        found.append(Parameter(target, kind, parameter.parse(default), parameter.help))
    return tuple(found)


def assigned(line: ast.stmt) -> tuple[str | None, ast.expr | None]:
    """The name and annotation of `name = literal` or `name: type = literal`; no name for any other statement."""
    if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and literal(line.value):
        return line.target.id, line.annotation
    if isinstance(line, ast.Assign) and literal(line.value):
        match line.targets:
            case [ast.Name(id=name)]:
                return name, None
    return None, None


def literal(node: ast.expr | None) -> bool:
    """Whether an expression is a literal value."""
    if node is None:
        return False
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def trailing_comments(source: str) -> dict[int, str]:
    """The comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def infer(default: object) -> str:
    """The type of a default without an annotation; lists are typed by their items where these agree."""
    if not isinstance(default, list | tuple):
        return type(default).__name__ if default is not None else "str | None"
    kinds = {type(item).__name__ for item in default}
    kind = "float" if kinds == {"int", "float"} else next(iter(kinds)) if len(kinds) == 1 else ""
    if isinstance(default, list):
        return f"list[{kind}]" if kind else "list"
    return f"tuple[{kind}, ...]" if kind else "tuple"


def convert(value: Any, annotation: ast.expr) -> Any:
    """A value as the type an annotation names, or a ValueError."""
    if isinstance(annotation, ast.BinOp):
        missing = value is None or (isinstance(value, str) and value.lower() in ("none", "null"))
        return None if missing else convert(value, annotation.left)
    if isinstance(annotation, ast.Subscript):
        return sequence(value, ast.unparse(annotation.value), annotation.slice)
    kind = ast.unparse(annotation)
    if kind in ("list", "tuple"):
        return sequence(value, kind, None)
    readers = {"bool": read_bool, "int": read_int, "float": read_float, "str": read_str}
    if kind not in readers:
        raise InvalidParameter(
            f"'{kind}' is no type a study's parameter can have. "
            "There are: bool, int, float, str, list[…], tuple[…, ...] and … | None."
        )
    return readers[kind](value)


def sequence(value: Any, kind: str, items: ast.expr | None) -> list[Any] | tuple[Any, ...]:
    """A list or tuple, each item as its own declared type; text is read as YAML, `[1, 2]`."""
    values = yaml.safe_load(value) if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        raise ValueError(f"{value!r} is no list")
    if isinstance(items, ast.Tuple):
        *fixed, last = items.elts
        open_ended = isinstance(last, ast.Constant) and last.value is Ellipsis
        kinds = fixed * len(values) if open_ended else items.elts
        if len(kinds) != len(values):
            raise ValueError(f"{value!r} has {len(values)} items, expected {len(kinds)}")
        values = [convert(item, each) for item, each in zip(values, kinds, strict=True)]
    elif items is not None:
        values = [convert(item, items) for item in values]
    return tuple(values) if kind == "tuple" else list(values)


def read_bool(value: object) -> bool:
    """True or False, or a word for one of them."""
    word = str(value).lower()
    if word in TRUE + FALSE and not isinstance(value, float):
        return word in TRUE
    raise ValueError(f"{value!r} is neither true nor false")


def read_int(value: object) -> int:
    """A whole number; 7.5 and true are refused."""
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return int(value)
    raise ValueError(f"{value!r} is no whole number")


def read_float(value: object) -> float:
    """A finite number; YAML reads 1e-3 as text, so text is a number here too."""
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not math.isfinite(float(value)):
        raise ValueError(f"{value!r} is no finite number")
    return float(value)


def read_str(value: object) -> str:
    """Text as it stands."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def example(kind: str) -> str:
    """How a value of a type is written on the command line."""
    if kind.startswith(("list", "tuple")):
        inner = next((text for name, text in EXAMPLES.items() if name in kind), "1")
        return f"[{inner}]"
    return EXAMPLES.get(kind.partition(" ")[0], "…")
