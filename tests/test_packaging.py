"""A checkout installs one way, everywhere: pins, environment, make targets and the layout agree."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
BUILD = ("hatchling", "editables")
CONSTRAINTS = (ROOT / "constraints.txt").read_text()
TOP_LEVEL = {
    "LICENSE",
    "Makefile",
    "README.md",
    "constraints.txt",
    "environment.yml",
    "influencelab",
    "pyproject.toml",
    "results",
    "studies",
    "tests",
}
TARGETS = {"help", "study", "test", "test-browser", "test-versions", "test-chaos", "bench", "lab", "lab-build"}


def pins(text: str) -> dict[str, Version]:
    """Package name to its one version; a line that is neither a pin nor a comment is refused."""
    found: dict[str, Version] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, version = re.fullmatch(r"([\w.-]+)==([\w.]+)", line).groups()  # pyright: ignore[reportOptionalMemberAccess]
            assert canonicalize_name(name) not in found, f"{name} is pinned twice"
            found[canonicalize_name(name)] = Version(version)
    return found


def unmet(requirements: Iterable[str], pinned: dict[str, Version]) -> list[str]:
    """The requirements that have no pin, or a pin outside their range."""
    parsed = [Requirement(text) for text in requirements]
    return [
        str(requirement)
        for requirement in parsed
        if canonicalize_name(requirement.name) not in pinned
        or not requirement.specifier.contains(pinned[canonicalize_name(requirement.name)])
    ]


def needed(requirements: Iterable[str]) -> set[str]:
    """Every package that these requirements bring on this machine, dependencies of dependencies included."""
    todo = [Requirement(text) for text in requirements]
    seen: set[tuple[str, str]] = set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for seen_name, extra in seen if seen_name == name}:
            seen.add((name, extra))
            further = [Requirement(text) for text in importlib.metadata.requires(name) or []]
            todo += [one for one in further if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def hosts(text: str) -> list[str]:
    """Addresses, host names and index options: what would tie an installation to one place."""
    pattern = r"https?:|index-url|find-links|\bfile:|(?<!\w)/(?:home|root|tmp)/|[\w-]+\.(?:org|com|net|io|dev)\b"
    return re.findall(pattern, text)


def own_requirements() -> list[str]:
    """What influencelab itself, its build and every extra but the sum of them ask for."""
    extras = [text for name, texts in EXTRAS.items() if name != "all" for text in texts]
    return [*PROJECT["dependencies"], *extras, *BUILD]


def test_every_dependency_is_pinned_within_its_range() -> None:
    assert unmet(own_requirements(), pins(CONSTRAINTS)) == []


def test_every_package_that_is_brought_along_is_pinned() -> None:
    # Build tools are pinned above; pip keeps them in a place of their own, where nothing can be asked of them.
    installed = [requirement for requirement in own_requirements() if requirement not in BUILD]
    assert needed(installed) - set(pins(CONSTRAINTS)) == set()


def test_all_is_every_other_extra() -> None:
    (everything,) = EXTRAS["all"]
    assert Requirement(everything).name == PROJECT["name"]
    assert Requirement(everything).extras == set(EXTRAS) - {"all"}


def test_torch_is_a_range_for_users_and_one_plain_release_for_us() -> None:
    assert "torch>=2.6,<2.14" in PROJECT["dependencies"]
    assert "torch==2.13.0" in CONSTRAINTS.splitlines()


def test_a_missing_pin_and_a_pin_out_of_range_are_found() -> None:
    assert unmet(["numpy", "torch<2", "scipy"], pins("numpy==2.4.6\ntorch==2.13.0\n")) == ["torch<2", "scipy"]
    with pytest.raises(AttributeError):
        pins("numpy>=2\n")


def test_environment_installs_the_same_pins_through_pip() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = ["-c constraints.txt", "-e .[all]"]
    assert environment == {"name": "influencelab", "dependencies": ["python=3.11", "pip", {"pip": pip}]}


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "environment.yml", "Makefile", ".ci/run"])
def test_no_file_of_the_installation_names_a_host_or_a_path_of_one_machine(name: str) -> None:
    assert hosts((ROOT / name).read_text()) == []


@pytest.mark.parametrize(
    "text", ["--index-url x", "a @ https://b", "mirror.example.org", "--find-links x", "/root/a.whl"]
)
def test_a_host_or_a_path_is_found(text: str) -> None:
    assert hosts(text)


def test_the_top_folder_holds_only_what_a_newcomer_needs() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout: build folders cannot be told from sources")
    tops = {line.partition("/")[0] for line in listing.stdout.splitlines()}
    assert {top for top in tops if not top.startswith(".")} - TOP_LEVEL == set()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_alone_lists_every_target() -> None:
    listing = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = {line.split()[1] for line in listing.splitlines()}
    assert listed >= TARGETS


def test_readme_is_short() -> None:
    readme = ROOT / "README.md"
    assert not readme.exists() or len(readme.read_text().splitlines()) <= 150


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("results/README.md", True),
        ("results/leave_one_out/standard/measurements.csv", True),
        ("results/leave_one_out/paper/figures/slope.svg", True),
        ("results/leave_one_out/quick/measurements.csv", False),
        ("results/leave_one_out/tiny/pairs.parquet", False),
        ("results/leave_one_out/standard-0a1b2c3d/measurements.csv", False),
        ("results/leave_one_out/standard/leave_one_out.ipynb", False),
        ("results/leave_one_out/.standard.staging/measurements.csv", False),
        ("studies/leave_one_out.ipynb", True),
        (".venv/bin/python", False),
    ],
)
def test_git_keeps_the_record_and_ignores_the_rest(tmp_path: Path, path: str, kept: bool) -> None:
    shutil.copy(ROOT / ".gitignore", tmp_path)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    ignored = subprocess.run(["git", "check-ignore", "--quiet", path], cwd=tmp_path, check=False)
    assert ignored.returncode == (1 if kept else 0)


def test_the_command_is_the_package_run_as_a_module() -> None:
    (command,) = importlib.metadata.entry_points(group="console_scripts", name="influencelab")
    assert command.value == "influencelab.app.cli.main:app"


def test_the_package_alone_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'pandas', 'papermill'}"
    code = f"import sys, influencelab; dir(influencelab); print(*{heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (ROOT / "influencelab" / "py.typed").exists()


def test_shapes_are_checked_while_tests_run() -> None:
    from influencelab.data.perturbations.removals import Removals

    rows, points = torch.arange(2), torch.tensor([3, 1])
    assert Removals(rows=rows, points=points, r=2, n=4).single
    with pytest.raises(TypeError, match="points"):
        Removals(rows=rows, points=points[:1], r=2, n=4)


def test_a_warning_from_the_package_is_an_error() -> None:
    with pytest.raises(UserWarning, match="seen"):
        warnings.warn_explicit("seen", UserWarning, "fit.py", 1, module="influencelab.training.fit")


def test_links_in_the_pages_lead_somewhere():
    for page in [ROOT / "README.md", *ROOT.glob("[a-z]*/README.md")]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} of {page.parent.name}: {link}"
