"""What a parameters cell declares is read exactly, and values are read as the declared type or refused."""

import pytest

from influencelab.errors import InvalidParameter
from influencelab.runner.parameter import Parameter, declared


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bool", "false", False),
        ("bool", "False", False),
        ("bool", "no", False),
        ("bool", "true", True),
        ("bool", False, False),
        ("int", "007", 7),
        ("int", "-3", -3),
        ("float", "1e-3", 0.001),
        ("float", 2, 2.0),
        ("str", "false", "false"),
        ("str", "", ""),
        ("list[int]", "[1, 2]", [1, 2]),
        ("list[float]", ["1e-3", 2], [0.001, 2.0]),
        ("tuple[float, ...]", "[1e-3, 2]", (0.001, 2.0)),
        ("tuple[int, str]", "[1, a]", (1, "a")),
        ("list[tuple[int, ...]]", "[[1, 2], [3]]", [(1, 2), (3,)]),
        ("int | None", "none", None),
        ("int | None", "4", 4),
        ("list", "[1, a]", [1, "a"]),
    ],
)
def test_text_is_read_as_the_declared_type(kind: str, text: object, value: object) -> None:
    read = Parameter("p", kind, None, "").parse(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("bool", "maybe"),
        ("bool", "2"),
        ("bool", 0.0),
        ("int", "7.5"),
        ("int", 7.5),
        ("int", True),
        ("int", "true"),
        ("float", "nan"),
        ("float", "1,5"),
        ("float", True),
        ("str", 5),
        ("list[int]", "1"),
        ("list[int]", "[1, 2.5]"),
        ("list[int]", "[1"),
        ("tuple[int, int]", "[1, 2, 3]"),
    ],
)
def test_a_value_of_another_type_is_refused_with_an_example(kind: str, text: object) -> None:
    with pytest.raises(InvalidParameter, match=r"Parameter 'p' is declared .* Write it like p="):
        Parameter("p", kind, None, "").parse(text)


def test_parameters_are_read_from_annotations_defaults_and_comments() -> None:
    cell = "# about this cell\nsize: int = 5  # how many\nrates = [1, 0.5]\nname = 'a # b'\nnone: int | None = None\n"
    assert declared(cell, where="a.ipynb") == (
        Parameter("size", "int", 5, "how many"),
        Parameter("rates", "list[float]", [1.0, 0.5], ""),
        Parameter("name", "str", "a # b", ""),
        Parameter("none", "int | None", None, ""),
    )


@pytest.mark.parametrize(
    "line", ["import os", "size = len('abc')", "a, b = 1, 2", "size: int", "print(5)", "a = b = 1"]
)
def test_a_parameters_cell_declares_and_does_nothing_else(line: str) -> None:
    with pytest.raises(InvalidParameter, match="line 2 of the parameters cell is no parameter"):
        declared(f"size = 1\n{line}\n", where="a.ipynb")


def test_a_default_that_is_not_of_its_declared_type_is_refused() -> None:
    with pytest.raises(InvalidParameter, match="declared int"):
        declared("size: int = 0.5", where="a.ipynb")
    with pytest.raises(InvalidParameter, match="'Path' is no type"):
        declared("place: Path = 'a'", where="a.ipynb")
