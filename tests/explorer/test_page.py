"""The explorer's modules as one, and the page of a run that holds them."""

import base64
import importlib
import re
import sys
from pathlib import Path

import jaxtyping
import pandas
import pytest
from reports import report

import influencelab
from influencelab.app.page.page import page
from influencelab.errors import InvalidData
from influencelab.explorer.widget import bundle
from influencelab.explorer.widget.explorer import Explorer

WIDGETS = Path(bundle.__file__).parent


def test_the_modules_become_one_that_needs_no_other() -> None:
    text = bundle.script()
    assert not re.search(r"^\s*import\b", text, flags=re.MULTILINE)
    assert text.count("export ") == 1
    assert "http" not in text.replace("http://www.w3.org", "")
    for module in WIDGETS.glob("*.js"):
        assert len(module.read_text().splitlines()) <= 300
        wanted = re.findall(r'^import \{([^}]*)\} from "\./([\w.]+)";', module.read_text(), flags=re.MULTILINE)
        for names, source in wanted:
            exported = re.findall(
                r"^export (?:async )?(?:function|const) (\w+)", (WIDGETS / source).read_text(), re.MULTILINE
            )
            assert set(names.replace(" ", "").split(",")) <= set(exported), (module.name, source)
    with pytest.raises(InvalidData, match="name something 'h'"):
        bundle.refuse_twice(["h", "draw", "h"])


def test_the_page_holds_everything_and_asks_nobody(tmp_path: Path) -> None:
    text = page(report(tmp_path))
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", text)
    assert "<!--" not in text.replace("<!doctype", "")
    assert "data:image/png;base64," in text
    assert "made up" in text
    grid = re.search(r'id="grid">([^<]*)<', text)
    assert grid is not None
    assert base64.b64decode(grid[1]) == Explorer(report(tmp_path))._grid
    assert len(text.encode()) < 8 * 10**6


def test_it_needs_nothing_of_jupyter_but_ipywidgets_and_anywidget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is imported anew where there is none of what people may lack."""
    for name in [name for name in sys.modules if name.split(".")[0] == "influencelab"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ["jupyterlab", "notebook", "plotly", "bqplot", "ipympl", "jscatter", "jupyter_server"]:
        monkeypatch.setitem(sys.modules, name, None)
    # What checks types knows the classes of the first import.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    anew = importlib.import_module("influencelab")
    assert anew is not influencelab
    rows = {"train_id": [1, 2], "test_id": [3, 3], "predicted": [0.1, 0.2], "actual": [0.1, 0.3]}
    assert anew.Explorer(pandas.DataFrame(rows)).statistics["shown"]["n"] == 2
    with pytest.raises(ImportError):
        importlib.import_module("jupyterlab")
