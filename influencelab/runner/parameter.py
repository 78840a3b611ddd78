"""Parameters of a study: declarations of a notebook's `parameters` cell, and text or YAML read as the declared type."""

import ast
import io
import tokenize
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from typing import Annotated, Any, Literal

import yaml
from pydantic import AllowInfNan, BeforeValidator, Field, Strict, TypeAdapter, ValidationError

from influencelab.errors import InvalidParameter
from influencelab.recipe import Recipe

# Those of where and how a study runs, not of what it computes: changing one changes no number.
RUN_PARAMETERS = ("profile", "results", "workers", "scheduler", "device")
# Declared types whose text is taken as it stands.
TEXTS = ("str", "str|None")
EXAMPLES = {"bool": "false", "int": "5", "float": "0.01", "str": "digits"}


@dataclass(frozen=True)
class Parameter(Recipe):
    """One line of a `parameters` cell: `size: int = 200  # how many points to remove`.

    Attributes:
        name: what it is called.
        type: the annotation, or else the default's type: `int`, `float`, `bool`, `str`, `list[int]`,
            `tuple[float, ...]`, `int | None`, or with bounds or choices: `int >= 1`, `0 < float <= 1`,
            `one of iris, digits`.
        default: its value in the notebook.
        help: the comment after it.
    """

    name: str
    type: str
    default: Any
    help: str

    def parse(self, value: object) -> Any:
        """A value, or text that stands for one, as the declared type: `false` is False where a bool is declared.

        Text keeps its spaces where text is declared. Scalars and arrays of NumPy and torch count as Python's.

        Raises:
            InvalidParameter: it is none of that type, or outside its bounds or choices; the message says which, and
                how one is written.
        """
        given = plain(value)
        if isinstance(given, str) and self.type.replace(" ", "") not in TEXTS:
            given = given.strip()
        try:
            return adapter(self.type).validate_python(given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            places = [str(index + 1) for index in first["loc"] if isinstance(index, int)]
            item = f"item {'.'.join(places)}: " if places else ""
            raise InvalidParameter(
                f"Parameter '{self.name}' is declared {self.type}, and {value!r} is none: {item}{first['msg']}. "
                f"Write it like {self.name}={self.example}."
            ) from error

    @property
    def example(self) -> str:
        """A value as it is written on the command line."""
        if self.type.startswith("tuple[") and "..." not in self.type:
            items = ast.parse(f"({self.type[6:-1]},)", mode="eval").body.elts  # pyright: ignore[reportAttributeAccessIssue]
            return f"[{', '.join(replace(self, type=ast.unparse(item)).example for item in items)}]"
        schema = adapter(self.type).json_schema()
        choices = schema.get("items", schema).get("enum", [])
        inner = next(iter(choices), next((text for name, text in EXAMPLES.items() if name in self.type), "1"))
        return f"[{inner}]" if self.type.startswith(("list", "tuple")) else inner


def plain(value: Any) -> Any:
    """A value of Python's own types, which a notebook writes as they are read: `x` for `np.str_('x')`."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    match value:
        case str():
            return str.__str__(value)
        case int() | float() if not isinstance(value, bool):
            return int(value) if isinstance(value, int) else float(value)
        case list() | tuple():
            return (tuple if isinstance(value, tuple) else list)(map(plain, value))
    return value


@lru_cache(maxsize=64)
def declared(source: str, *, where: str) -> tuple[Parameter, ...]:
    """The parameters of a `parameters` cell, in order; InvalidParameter errors say where a line declares none."""
    try:
        lines = ast.parse(source).body
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError) as error:
        place = f"line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else "it"
        raise InvalidParameter(
            f"{where}: the parameters cell cannot be read: {place}: {getattr(error, 'msg', error)}. "
            "Each line is `name: type = literal  # what it means`; move everything else to the next cell."
        ) from error
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
    found = []
    for line in lines:
        try:
            name, annotation, default = assigned(line)
        except (ValueError, TypeError, RecursionError, MemoryError) as error:
            raise InvalidParameter(
                f"{where}: line {line.lineno} of the parameters cell is no parameter. "
                "Each line is `name: type = literal  # what it means`; move everything else to the next cell."
            ) from error
        help_text = comments.get(line.end_lineno or line.lineno, "")
        parameter = Parameter(name, annotation or infer(default), default, help_text)
        found.append(replace(parameter, default=parameter.parse(default)))
    return tuple(found)


def assigned(line: ast.stmt) -> tuple[str, str, Any]:
    """Name, annotation and value of `name = literal` or `name: type = literal`; a ValueError for anything else."""
    match line:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
            # A condition stands in quotes, since Python would compute it: seeds: "int >= 1" = 5
            kind = str(annotation.value) if isinstance(annotation, ast.Constant) else ast.unparse(annotation)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            kind = ""
        case _:
            raise ValueError("no assignment of one name")
    return name, kind, ast.literal_eval(value)


def infer(default: object) -> str:
    """The type of a default without an annotation; lists are typed by their items where these agree."""
    if not isinstance(default, list | tuple):
        return type(default).__name__ if default is not None else "str | None"
    kinds = {type(item).__name__ for item in default}
    kind = "float" if kinds == {"int", "float"} else next(iter(kinds)) if len(kinds) == 1 else ""
    if isinstance(default, list):
        return f"list[{kind}]" if kind else "list"
    return f"tuple[{kind}, ...]" if kind else "tuple"


def from_text(read: Callable[[str], Any], value: object) -> Any:
    """Text read as a value; text that cannot be, and any other value, as it stands."""
    try:
        return read(value) if isinstance(value, str) else value
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, yaml.YAMLError):
        return value


# No number is a truth value and no fraction a whole number, but text stands for any: YAML reads 1e-3 as text.
INTEGER = Annotated[int, Strict(), BeforeValidator(partial(from_text, int))]
NUMBER = Annotated[float, Strict(), AllowInfNan(False), BeforeValidator(partial(from_text, float))]
SCALARS: dict[str, Any] = {
    "bool": Annotated[bool, BeforeValidator(str)],
    "int": INTEGER,
    "float": NUMBER,
    "str": Annotated[str, Strict()],
}
ITEMS = BeforeValidator(partial(from_text, yaml.safe_load))
NOTHING = BeforeValidator(partial(from_text, lambda text: None if text.lower() in ("none", "null") else text))
CHOICES = "one of "
BOUNDS = {ast.Gt: "gt", ast.GtE: "ge", ast.Lt: "lt", ast.LtE: "le"}
MIRRORED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}


@cache
def adapter(kind: str) -> TypeAdapter:
    """The reader of values of a declared type; an InvalidParameter error for a type no parameter can have."""
    try:
        return TypeAdapter(type_in(kind))
    except (KeyError, StopIteration, SyntaxError, TypeError, ValueError) as error:
        raise InvalidParameter(
            f"'{kind}' is no type a study's parameter can have. There are: bool, int, float, str, list[…], "
            "tuple[…, ...], … | None, and in quotes bounds and choices: 'int >= 1', 'one of iris, digits'."
        ) from error


def type_in(text: str) -> Any:
    """The type a text names: an annotation, or the choices in `one of iris, digits`."""
    words, choices = text[: len(CHOICES)], text[len(CHOICES) :]
    if words == CHOICES:
        return Literal[tuple(choice.strip() for choice in choices.split(","))]
    return python_type(ast.parse(text, mode="eval").body)


def python_type(annotation: ast.expr) -> Any:
    """The type an annotation names, with validators for text, bounds and choices."""
    match annotation:
        case ast.Name(id="list" | "tuple" as kind):
            return Annotated[list if kind == "list" else tuple, ITEMS]
        case ast.Name(id=kind):
            return SCALARS[kind]
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return Annotated[list[python_type(item)], ITEMS]
        case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
            types = tuple(... if isinstance(item, ast.Constant) else python_type(item) for item in items)
            return Annotated[tuple[types], ITEMS]
        case ast.BinOp(left=kind, op=ast.BitOr(), right=ast.Constant(value=None)):
            return Annotated[python_type(kind) | None, NOTHING]
        case ast.Constant(value=str(text)):
            return type_in(text)
        case ast.Compare():
            return bounded(annotation)
    raise ValueError(ast.unparse(annotation))


def limit(term: ast.expr) -> float:
    """A bound: a whole or real number."""
    number = ast.literal_eval(term)
    if type(number) not in (int, float):
        raise ValueError(f"{number!r} bounds nothing")
    return number


def bounded(comparison: ast.Compare) -> Any:
    """The number type in `int >= 1` or `0 < float <= 1`, with its bounds."""
    terms = [comparison.left, *comparison.comparators]
    middle, kind = next((place, term.id) for place, term in enumerate(terms) if isinstance(term, ast.Name))
    limits = {}
    for place, each in enumerate(comparison.ops):
        bound, after = BOUNDS[type(each)], place >= middle
        limits[bound if after else MIRRORED[bound]] = limit(terms[place + after])
    return Annotated[{"int": INTEGER, "float": NUMBER}[kind], Field(**limits)]
