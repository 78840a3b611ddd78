"""The version of the code that computes: blind to words, layout, file names and where a definition stands."""

import ast
import locale
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

import influencelab
from influencelab.data.sources.iris import Iris
from influencelab.experiments import code_version as module
from influencelab.experiments.code_version import code_version, recipe_version, tree
from influencelab.experiments.trial import Trial
from influencelab.influence.estimators.exact import Exact
from influencelab.models.tasks.logistic import Logistic
from influencelab.runner import json_file
from influencelab.training.trainers.newton import Newton

TRIAL = Trial(Iris(), Logistic(0.1), Newton(), {"exact": Exact()})


# Folders that these tests change nothing in; to read all of the package takes seconds, and each version is read anew.
LEFT_OUT = ("__pycache__", "adapters", "app", "explorer", "influence", "runner", "sources", "tasks", "trainers")


@contextmanager
def versions(folder: Path) -> Iterator[Callable[..., str]]:
    """What finds the version of a package in another folder anew, as a process of its own would."""
    memories = (module.trees, module.imports, module.meaning, module.version_of, code_version)

    def version(*, memory: Path | None = None) -> str:
        for each in memories:
            each.cache_clear()
        return recipe_version(TRIAL, memory=memory)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(influencelab, "__path__", [str(folder)])
        patch.setattr(module, "tree", parsed)  # most of the copy never changes
        yield version
    for each in memories:
        each.cache_clear()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A copy of most of the package that nobody changes, and its version."""
    folder = tmp_path_factory.mktemp("original") / "influencelab"
    shutil.copytree(Path(influencelab.__file__).parent, folder, ignore=shutil.ignore_patterns(*LEFT_OUT))
    with versions(folder) as version:
        return folder, version()


@pytest.fixture
def first(original):
    """The version before any change."""
    return original[1]


@pytest.fixture
def copied(original, tmp_path):
    """A copy that may be changed, and its version after each change."""
    folder = tmp_path / "influencelab"
    shutil.copytree(original[0], folder)
    with versions(folder) as version:
        yield folder, version


parsed = cache(tree)


def edit(path: Path, old: str, new: str) -> None:
    """Replace one text of a file."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_it_does_not_depend_on_the_locale(first, copied):
    """Sources hold letters that ASCII has no place for."""
    folder, version = copied
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C")
    try:
        if not sys.flags.utf8_mode:
            with pytest.raises(UnicodeDecodeError):
                (folder / "models" / "penalty.py").read_text()
        assert version() == first
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


@pytest.mark.slow
def test_words_and_layout_do_not_count_and_code_does(first, copied):
    folder, version = copied
    path = folder / "models" / "penalty.py"
    edit(path, "from collections", "# A comment.\nfrom collections")
    edit(path, '"""R of k models, in nats, up to a constant."""', '"""Other words."""\n\n')
    assert version() == first
    edit(folder / "data" / "removals.py", '__all__ = ["Groups", ', "__all__ = [")
    assert version() == first
    edit(path, ".sum(-1) / 2", ".sum(-1) / 3")
    assert version() != first


@pytest.mark.slow
def test_regressions_count_for_what_is_computed_with_them_and_for_nothing_else(first, copied):
    folder, version = copied
    sketched = "influencelab.studies.influence_sketching.sketched_removals"
    assert version() == first
    before = code_version(sketched)
    edit(folder / "glm" / "sketch.py", "gram + held *", "gram - held *")
    assert version() == first
    assert code_version(sketched) != before


def test_a_file_that_is_renamed_and_moved_leaves_the_version_as_it_is(first, copied):
    folder, version = copied
    (folder / "models" / "closed_forms" / "linear.py").rename(folder / "training" / "affine.py")
    old = "influencelab.models.closed_forms.linear"
    for path in (path for path in folder.rglob("*.py") if old in path.read_text(encoding="utf-8")):
        edit(path, old, "influencelab.training.affine")
    assert version() == first


def test_a_definition_moved_to_another_file_leaves_the_version_as_it_is(first, copied):
    folder, version = copied
    source, target = folder / "data" / "removals.py", folder / "models" / "penalty.py"
    text = source.read_text(encoding="utf-8")
    start = text.index("def groups")
    source.write_text(f"from influencelab.models.penalty import groups\n{text[:start]}", encoding="utf-8")
    needed = (
        "\nfrom collections.abc import Iterable\nimport torch\n"
        "from influencelab.data.conversion import Positions, positions\n"
        "from influencelab.data.perturbations.removals import Removals\n"
        "from influencelab.errors import InvalidParameter, require, whole\n"
        "from influencelab.data.removals import COUNT\n\n\n"
    )
    target.write_text(target.read_text(encoding="utf-8") + needed + text[start:], encoding="utf-8")
    assert version() == first


def test_one_name_from_another_module_is_another_definition(first, copied):
    folder, version = copied
    edit(folder / "models" / "closed_forms" / "mlp_derivatives.py", "mlp_hessian.hessians(", "mlp.hessians(")
    assert version() != first


def test_code_that_only_shows_results_does_not_count(first, copied):
    folder, version = copied
    for name in ("experiments/plots.py", "statistics/bootstrap.py", "studies/smooth_hinge/analysis.py"):
        edit(folder / name, "\nimport ", "\nvalue = 1\nimport ")
    assert version() == first


def test_the_module_of_a_recipe_counts_wherever_it_lies(first, copied):
    folder, version = copied
    edit(folder / "experiments" / "trial.py", "SHARES = (0.15, 0.35, 0.5)", "SHARES = (0.2, 0.3, 0.5)")
    changed = version()
    assert changed != first
    edit(folder / "experiments" / "selections" / "everything.py", "torch.ones_like", "torch.zeros_like")
    assert version() != changed


@pytest.mark.slow
def test_a_memory_spares_the_reading_for_as_long_as_no_byte_changes(first, copied, tmp_path, monkeypatch):
    (folder, version), memory = copied, tmp_path / "store" / "versions.json"
    assert version(memory=memory) == first
    read, count = [], module.version_of
    monkeypatch.setattr(module, "version_of", lambda *given: read.append(1) or count(*given))
    assert version(memory=memory) == first
    assert not read
    edit(folder / "models" / "penalty.py", ".sum(-1) / 2", ".sum(-1) / 3")
    changed = version()
    assert version(memory=memory) == changed != first
    memory.write_text("half of a fi")
    assert version(memory=memory) == changed


def test_a_memory_serves_recipes_that_differ_in_what_always_counts(tmp_path, monkeypatch):
    memory = tmp_path / "versions.json"
    newton, exact = "influencelab.training.trainers.newton", "influencelab.influence.estimators.exact"
    found = code_version(newton, memory=memory)
    monkeypatch.setattr(module, "version_of", lambda *given: pytest.fail("read again"))
    assert code_version(newton, exact, memory=memory) == found


def test_what_another_process_remembers_meanwhile_is_kept(tmp_path, monkeypatch):
    memory = tmp_path / "versions.json"
    ours, theirs = ("influencelab.experiments.trial", "influencelab.experiments.damping_path")

    def slow(modules: tuple[str, ...], _: tuple[str, ...]) -> str:
        if modules == (ours,):
            code_version(theirs, memory=memory)
        return f"version of {modules[0]}"

    monkeypatch.setattr(module, "version_of", slow)
    code_version.cache_clear()
    assert code_version(ours, memory=memory) == f"version of {ours}"
    assert set(json_file.read(memory)["versions"]) == {ours, theirs}
    code_version.cache_clear()


def test_only_strings_that_stand_alone_are_words():
    found = ast.dump(tree('def f():\n    "word"\n\nx = "value"\n'))
    assert "word" not in found
    assert "value" in found
