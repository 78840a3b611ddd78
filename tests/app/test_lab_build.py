"""The committed build of the panel belongs to the committed sources, and installs without node."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from influencelab.app.lab import _jupyter_labextension_paths, _jupyter_server_extension_points
from influencelab.app.lab.stamp import NAME, stamp
from influencelab.runner.json_file import read

ROOT = Path(__file__).parents[2]
LAB = ROOT / "influencelab" / "app" / "lab"
SHARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]


def stamped(home: Path = LAB) -> dict[str, str]:
    """Hashes at the time of the build."""
    return read(home / "labextension" / NAME)


def test_the_build_belongs_to_the_sources() -> None:
    assert stamp() == stamped(), "Run `make lab-build` (it needs node), and commit what it writes."


@pytest.mark.parametrize(
    "name",
    [
        *("ui/src/study.ts", "ui/style/index.css", "ui/yarn.lock", "ui/package.json", "ui/webpack.config.js"),
        "labextension/package.json",
    ],
)
def test_a_change_on_either_side_is_seen(tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(LAB, tmp_path / "lab", ignore=shutil.ignore_patterns("node_modules"))
    assert stamp(copy) == stamped(copy)
    (copy / name).write_text((copy / name).read_text() + " ")
    assert stamp(copy) != stamped(copy)


def test_a_source_more_or_less_is_seen(tmp_path: Path) -> None:
    copy = shutil.copytree(LAB, tmp_path / "lab", ignore=shutil.ignore_patterns("node_modules"))
    (copy / "ui" / "src" / "more.ts").write_text("")
    assert stamp(copy)["sources"] != stamped(copy)["sources"]


def test_the_lock_names_packages_and_no_hosts() -> None:
    lock = (LAB / "ui" / "yarn.lock").read_text()
    assert "@jupyterlab/application@npm:" in lock
    assert re.findall(r"https?://", lock) == []
    assert not list((LAB / "ui").glob("package-lock.json"))


def test_the_build_holds_what_its_description_names() -> None:
    described = read(LAB / "labextension" / "package.json")
    entry = described["jupyterlab"]["_build"]["load"]
    assert (LAB / "labextension" / entry).is_file()
    assert sum(path.stat().st_size for path in (LAB / "labextension").rglob("*")) < 200_000


def test_nothing_of_the_build_loads_from_elsewhere_or_names_a_folder_of_one_machine() -> None:
    for path in (LAB / "labextension").rglob("*.js"):
        text = path.read_text().replace("http://www.w3.org/", "")
        assert re.findall(r"https?://[\w.]+", text) == [], path.name
        assert re.findall(r"/(?:home|root|tmp|work)/\w", text) == [], path.name


def test_what_is_installed_is_where_jupyter_looks() -> None:
    places = SHARED["shared-data"]
    name = read(LAB / "labextension" / "package.json")["name"]
    assert places["influencelab/app/lab/labextension"] == f"share/jupyter/labextensions/{name}"
    assert places["influencelab/app/lab/install.json"] == f"share/jupyter/labextensions/{name}/install.json"
    assert all((ROOT / place).exists() for place in places)
    assert _jupyter_labextension_paths() == [{"src": "labextension", "dest": name}]
    (point,) = _jupyter_server_extension_points()
    assert read(LAB / "server.json") == {"ServerApp": {"jpserver_extensions": {point["module"]: True}}}
