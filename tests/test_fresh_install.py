"""From a checkout, a wheel and an sdist alike, the panel is there and enabled, in an environment without node."""

import re
import shutil
from pathlib import Path

import pytest
from environments import ROOT, Fresh, fresh

pytestmark = [pytest.mark.install, pytest.mark.timeout(3600)]

COLOUR = re.compile(r"\x1b\[\d+m")


def listed(environment: Fresh) -> list[str]:
    """The lines in which Jupyter speaks of us: of the page's side, and of the server's side."""
    lists = (
        environment.run("jupyter", "labextension", "list"),
        environment.run("jupyter", "server", "extension", "list"),
    )
    lines = [" ".join(line.split()) for text in lists for line in COLOUR.sub("", text).splitlines()]
    return [line for line in lines if "influencelab" in line]


def built(folder: Path) -> tuple[Path, Path]:
    """The wheel and the sdist of the checkout, made in an environment of their own."""
    builder = fresh(folder / "builder")
    builder.install("hatchling")
    for kind in ("wheel", "sdist"):
        builder.run("hatchling", "build", "--target", kind, "--directory", folder, where=ROOT)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def test_every_way_to_install_brings_the_panel(tmp_path: Path) -> None:
    environment = fresh(tmp_path / "fresh")
    assert shutil.which("node", path=str(environment.programs)) is None
    for wanted in (["-e", ROOT], *([path] for path in built(tmp_path))):
        environment.install(*wanted[:-1], f"{wanted[-1]}[lab]")
        told = listed(environment)
        assert "influencelab v0.1.0 enabled OK (python, influencelab)" in told
        assert {"influencelab.app.lab enabled", "influencelab.app.lab OK"} <= set(told)
        # Without it nothing is left, so that the next way starts from nothing too.
        environment.run("pip", "uninstall", "--quiet", "--yes", "influencelab")
        assert listed(environment) == []
