"""Hash of the code that decides what a recipe computes, blind to comments, docstrings, layout and file names."""

import ast
import dataclasses
import hashlib
import importlib
import importlib.metadata
import pickle
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy
import torch

from influencelab.data.source import Source
from influencelab.errors import InvalidParameter
from influencelab.experiments.own_code import is_own, own_code
from influencelab.recipe import Recipe, fingerprint
from influencelab.runner import json_file
from influencelab.runner.provenance import sources_hash

PACKAGE = "influencelab"
# The folders all of whose code decides numbers.
ROOMS = ("data", "models", "training", "influence")
# Those whose code decides the numbers of what imports them, and of nothing else.
FOLLOWED = ("glm",)
# The file of a store that remembers versions.
VERSIONS = "code_versions.json"


def recipe_version(recipe: Any, *, memory: Path | None = None) -> str:
    """The version of the code that runs this recipe, kinds of the user's own included.

    Args:
        memory: a file that remembers versions from one process to the next.

    Raises:
        InvalidParameter: what such a kind computes with cannot be known.
    """
    kinds = {type(part) for part in recipes_in(recipe)}
    version = code_version(*sorted({kind.__module__ for kind in kinds}), memory=memory)
    # A source counts by the data that it gives (`data_version`).
    own = {kind for kind in kinds if is_outside(kind) and not issubclass(kind, Source)} | held_in(recipe)
    return hashlib.sha256((version + own_code(own, package=PACKAGE)).encode()).hexdigest() if own else version


def held_in(recipe: Any) -> set[Any]:
    """The classes and functions of the user's own in modules of torch, and in losses of these, that recipes hold."""
    values = [value for part in recipes_in(recipe) for value in vars(part).values() if callable(value)]
    parts = [part for value in values for part in (value.modules() if isinstance(value, torch.nn.Module) else [value])]
    found = {part if isinstance(part, FunctionType | type) else type(part) for part in parts}
    return {each for each in found if is_own(each, tops=set(), package=PACKAGE)}


def data_version(recipe: Any, known: dict[Any, str]) -> str:
    """Hash of the data that sources of the user's own give now, and of the user's files behind those of the package.

    It is '' where the settings of all sources say everything.

    Args:
        known: the hashes of sources that were looked at already; those found here are added.

    Raises:
        InvalidParameter: a source gives other data each time.
        MissingData: files cannot be read.
    """
    hashes = []
    for source in recipes_in(recipe):
        if isinstance(source, Source):
            key = (type(source), fingerprint(source))
            if key not in known:
                known[key] = content_of(source) if is_outside(type(source)) else source.content_version()
            hashes.append(known[key])
    return " ".join(filter(None, hashes))


def content_of(source: Source) -> str:
    """Hash of a source's data, which must be the same each time."""
    first, again = (source.load().content_hash() for _ in range(2))
    if first != again:
        raise InvalidParameter(
            f"{type(source).__name__} gives other data each time, so its results cannot be stored. Draw from a "
            "generator that it makes itself, such as numpy.random.default_rng(self.seed)."
        )
    return first


def is_outside(kind: type) -> bool:
    """Whether a kind is the user's own, wherever it lives."""
    return kind.__module__.split(".")[0] != PACKAGE


def recipes_in(recipe: Any) -> Iterator[Recipe]:
    """A recipe and every recipe inside it."""
    if isinstance(recipe, Recipe) and dataclasses.is_dataclass(recipe):
        yield recipe
        yield from recipes_in(list(vars(recipe).values()))
    parts = recipe.values() if isinstance(recipe, Mapping) else recipe if isinstance(recipe, list | tuple) else ()
    for part in parts:
        yield from recipes_in(part)


@cache
def code_version(*modules: str, memory: Path | None = None) -> str:
    """Hash of the rooms that compute, of these modules (dotted names), and of what they import from their own or `glm`.

    Each definition counts by its text, whatever file it is in: a file that is moved, renamed or split changes nothing,
    nor does a line of imports. Since that takes seconds, the memory keeps the hash for as long as no byte changes.
    """
    versions = torch.__version__, numpy.__version__, importlib.metadata.version("scikit-learn")
    if memory is None:
        return version_of(modules, versions)
    # Modules that count for every recipe tell none from another.
    key = " ".join(module for module in modules if room(module) not in ROOMS)
    sources = " ".join((sources_hash(package()), *versions))
    if found := remembered(memory, sources).get(key):
        return found
    found = version_of(modules, versions)
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        # What others found meanwhile is kept: studies begin side by side.
        json_file.write(memory, {"sources": sources, "versions": {**remembered(memory, sources), key: found}})
    return found


def remembered(memory: Path, sources: str) -> dict[str, str]:
    """The versions that a memory keeps of these sources, by their modules; none where it cannot be read."""
    kept = {}
    with suppress(OSError):
        kept = json_file.read(memory)
    return kept.get("versions", {}) if kept.get("sources") == sources else {}


def version_of(modules: tuple[str, ...], versions: tuple[str, ...]) -> str:
    """The hash, from the sources."""
    counted = {module for module in trees() if room(module) in ROOMS}
    left = list(modules)
    while left:
        module = left.pop()
        if module in trees() and module not in counted:
            counted.add(module)
            left += [source for source, _ in imports(module).values() if room(source) in (room(module), *FOLLOWED)]
    parts = sorted(text for module in counted for text in statements(module, counted=frozenset(counted)))
    return hashlib.sha256("\0".join((*versions, *parts)).encode()).hexdigest()


def package() -> Path:
    """The folder of the package."""
    return Path(importlib.import_module(PACKAGE).__path__[0])


def room(module: str) -> str:
    """The folder of the package that a module counts to; of the studies, each its own."""
    inside = module.split(".")[1:]
    return ".".join(inside[: 2 if inside[:1] == ["studies"] else 1])


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the package as a tree without docstrings, by its dotted name."""
    folder = package()
    return {
        ".".join((PACKAGE, *path.relative_to(folder).with_suffix("").parts)): tree(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }


@cache
def imports(module: str) -> dict[str, tuple[str, str]]:
    """Imports of a module from the package: (module, name there) by the name it has here; a whole module has none."""
    found = {}
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found[alias.asname or alias.name] = (whole, "") if whole in trees() else (node.module, alias.name)
    return found


def statements(module: str, *, counted: frozenset[str]) -> Iterator[str]:
    """Text of each top-level statement, every name from a counted module joined to a hash of its definition."""
    own = {name: (module, name) for node in trees()[module].body for name in defined(node)}
    for node in trees()[module].body:
        # What is public computes nothing.
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Pass) and defined(node) != {"__all__"}:
            yield text_of(node, {**own, **imports(module)}, counted=counted)


@cache
def meaning(module: str, name: str) -> str:
    """Eight digits of the hash of a definition in a module; none where the name is not defined there."""
    for node in trees()[module].body:
        if name in defined(node):
            return hashlib.sha256(text_of(node, imports(module)).encode()).hexdigest()[:8]
    return ""


def text_of(node: ast.stmt, names: Mapping[str, tuple[str, str]], *, counted: frozenset[str] = frozenset()) -> str:
    """A statement with other definitions named in one way; those of counted modules joined to a hash of theirs."""
    # Pickled because that copies ten times as fast as `copy.deepcopy`.
    return ast.unparse(Names(names, counted).visit(pickle.loads(pickle.dumps(node))))


class Names(ast.NodeTransformer):
    """Transformer that writes names from other modules in one way, however they were imported."""

    def __init__(self, names: Mapping[str, tuple[str, str]], counted: frozenset[str]) -> None:
        self.names, self.counted = names, counted

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`derivatives.gradients` as the definition that it is."""
        source, name = self.names.get(node.value.id, ("", "")) if isinstance(node.value, ast.Name) else ("", "")
        return self.definition(source, node.attr) if source and not name else self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """`gradients`, imported by name, as the definition that it is."""
        source, name = self.names.get(node.id, ("", ""))
        return self.definition(source, name) if name else node

    def definition(self, source: str, name: str) -> ast.Name:
        """The name of a definition, with its hash if its module counts."""
        return ast.Name(f"{name}_{meaning(source, name)}" if source in self.counted else name)


def defined(node: ast.stmt) -> set[str]:
    """The names that a top-level statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


@cache
def tree(text: str) -> ast.Module:
    """A source with every string that stands alone taken out."""
    found = ast.parse(text)
    for node in ast.walk(found):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            kept = [line for line in body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
            node.body = kept or [ast.Pass()]  # pyright: ignore[reportAttributeAccessIssue]
    return found
