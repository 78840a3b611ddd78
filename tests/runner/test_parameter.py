"""What a parameters cell declares is read exactly, and values are read as the declared type or refused."""

import numpy
import pytest
import torch

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
        ("str", " x ", " x "),
        ("str | None", " x ", " x "),
        ("int", " 7 ", 7),
        ("bool", " no ", False),
        ("one of iris, digits", " iris ", "iris"),
        ("str", numpy.str_("x"), "x"),
        ("float", numpy.float64(0.5), 0.5),
        ("int", numpy.int64(5), 5),
        ("bool", numpy.bool_(True), True),
        ("int", torch.tensor(5), 5),
        ("list[float]", numpy.array([0.5, 2.0]), [0.5, 2.0]),
        ("tuple[str, ...]", (numpy.str_("x"),), ("x",)),
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
    # A notebook is given it in this form.
    assert repr(read) == repr(value)


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


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("int >= 1", {"1": 1, 7: 7}, ["0", 0, 1.5, True]),
        ("0 < float <= 1", {"1e-3": 0.001, 1: 1.0}, ["0", 1.5, "nan"]),
        ("1 <= int < 8", {"7": 7}, [0, 8]),
        ("10 > int > 5", {"6": 6, "9": 9}, [5, 10]),
        ("one of iris, digits", {"iris": "iris"}, ["mnist", "Iris", ""]),
        ("list['one of iris, digits']", {"[iris]": ["iris"], "[]": []}, ["[mnist]", "iris"]),
        ("list['int >= 1']", {"[1, 2]": [1, 2]}, ["[1, 0]", [0]]),
    ],
)
def test_bounds_and_choices_hold(kind: str, right: dict[object, object], wrong: list[object]) -> None:
    parameter = Parameter("p", kind, None, "")
    for text, value in right.items():
        assert parameter.parse(text) == value
        assert type(parameter.parse(text)) is type(value)
    for text in wrong:
        with pytest.raises(InvalidParameter, match=r"Parameter 'p' is declared .*: .* Write it like p="):
            parameter.parse(text)


def test_a_refusal_says_what_is_wrong_where_and_how_it_is_written() -> None:
    with pytest.raises(InvalidParameter, match=r"item 2: Input should be greater than or equal to 1\. Write .*p=\[5\]"):
        Parameter("p", "list['int >= 1']", [1], "").parse("[1, 0]")
    with pytest.raises(InvalidParameter, match=r"Write it like p=\[on a point\]"):
        Parameter("p", "list['one of on a point, off']", [], "").parse("[of]")
    with pytest.raises(InvalidParameter, match=r"Write it like p=\[5, digits, 0\.01\]\."):
        Parameter("p", "tuple[int, str, float]", [], "").parse("[5]")
    with pytest.raises(InvalidParameter, match=r"'irs' is none: Input should be 'iris' or 'digits'\. Write .*p=iris"):
        Parameter("p", "one of iris, digits", "iris", "").parse("irs")


def test_a_condition_stands_in_quotes_and_holds_for_the_default() -> None:
    cell = 'seeds: "int >= 1" = 4  # how many\ndata: "one of a, b" = "a"\n'
    exec(cell, {})
    assert declared(cell, where="a.ipynb") == (
        Parameter("seeds", "int >= 1", 4, "how many"),
        Parameter("data", "one of a, b", "a", ""),
    )
    with pytest.raises(InvalidParameter, match="declared int >= 1, and 0 is none"):
        declared('seeds: "int >= 1" = 0', where="a.ipynb")


@pytest.mark.parametrize("kind", ["int >= 'a'", "str >= 1", "int == 1", "int >= x", "int + 1", "int >=", "f(int)", "1"])
def test_what_is_no_type_is_refused(kind: str) -> None:
    with pytest.raises(InvalidParameter, match="is no type a study's parameter can have"):
        declared(f'p: "{kind}" = 1', where="a.ipynb")
