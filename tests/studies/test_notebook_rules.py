"""A notebook decides nothing: every one is short, free of outputs, and made of parameters, calls, figures, prose."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from influencelab.errors import InvalidParameter
from influencelab.runner.study import Study, studies

STUDIES = studies(Path(__file__).parents[2] / "studies")
MOST, LONGEST = 100, 15  # lines of code in a notebook and in a cell, the cell of parameters apart
DECIDES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.For, ast.AsyncFor, ast.While, ast.If, ast.Match, ast.Try, ast.With),
)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def cells(study: Study) -> list[dict[str, Any]]:
    """The cells of its notebook."""
    return json.loads(study.path.read_text(encoding="utf-8"))["cells"]


def code(study: Study) -> list[str]:
    """The text of its code cells but that of parameters."""
    return [
        "".join(cell["source"])
        for cell in cells(study)
        if cell["cell_type"] == "code" and "parameters" not in cell["metadata"].get("tags", [])
    ]


def faults(text: str) -> list[str]:
    """What a cell does that belongs into the study's folder, where it is typed and tested."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, DECIDES):
            found.append(f"{type(node).__name__} in line {node.lineno}")
        if isinstance(node, COMPREHENSIONS):
            inner = [each for each in ast.walk(node) if isinstance(each, COMPREHENSIONS)]
            if len(node.generators) > 1 or len(inner) > 1:
                found.append(f"a loop in a loop in line {node.lineno}")
    return found


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_notebook_is_short_and_decides_nothing(study: Study) -> None:
    texts = code(study)
    lengths = [len(text.splitlines()) for text in texts]
    assert sum(lengths) <= MOST
    assert [text for text, length in zip(texts, lengths, strict=True) if length > LONGEST] == []
    assert {text: faults(text) for text in texts if faults(text)} == {}


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_notebook_asks_a_question_keeps_no_output_and_can_run_at_every_size(study: Study) -> None:
    title = study.name.replace("_", " ")
    assert study.question.endswith("?") or study.question.lower() == title
    assert [cell["id"] for cell in cells(study) if cell.get("outputs") or cell.get("execution_count")] == []
    assert {"tiny", "quick", "standard"} <= set(study.profiles)
    for profile in study.profiles:
        study.values(profile)  # refuses what it does not declare


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_a_number_that_no_study_could_use_is_refused_before_it_starts(study: Study) -> None:
    for parameter in study.parameters:
        if re.search(r"\b(int|float)\b", parameter.type):
            wrong = [-3] if isinstance(parameter.default, list) else -3
            with pytest.raises(InvalidParameter, match=rf"'{parameter.name}' is declared .+: Input should be greater"):
                study.plan("tiny", **{parameter.name: wrong})


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    return 1",
        "f = lambda x: x",
        "for x in y:\n    f(x)",
        "while x:\n    f()",
        "if x:\n    f()",
        "class A:\n    pass",
        "a = [f(x, y) for x in b for y in c]",
        "a = {x: [f(y) for y in x] for x in b}",
        "a = f(g([f(y) for y in x]) for x in b)",
    ],
)
def test_a_cell_that_decides_is_refused(text: str) -> None:
    assert faults(text)


def test_calls_and_plain_comprehensions_are_no_decision() -> None:
    assert faults("parts = [f(x) for x in y if x > 0]\ntable = g(parts, across='a') if parts else None") == []
