"""The explorer's ES modules as one, for anywidget and for pages that open from a file.

anywidget takes one module, and a page opened from `file://` may not import a second one; a bundler would be a build
step. The modules are put one after the other instead, each after those it imports, without `import` and `export`.
Their top-level names therefore have to differ, which is checked. Words that Python has too stand in front of them.
"""

import json
import re
from functools import cache
from pathlib import Path

from influencelab.errors import InvalidData
from influencelab.experiments.plots import WATCHED

FOLDER = Path(__file__).parent
# The widget, and the explorer without a kernel, which is `renderAlone`.
ENTRY, ALONE = "explorer.js", "alone.js"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', flags=re.MULTILINE)
NAMED = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", flags=re.MULTILINE)
EXPORTED = re.compile(r"^export (?!default)", flags=re.MULTILINE)


@cache
def script(entry: str = ENTRY) -> str:
    """All modules as one, whose default export renders an explorer."""
    words = f"const WATCHED = {json.dumps(WATCHED)};\n"
    texts = [words, *modules(entry, {}).values()]
    refuse_twice([name for text in texts for name in NAMED.findall(text)])
    return "\n".join(EXPORTED.sub("", IMPORT.sub("", text)) for text in texts)


@cache
def style() -> str:
    """How it looks, in CSS."""
    return (FOLDER / "explorer.css").read_text(encoding="utf-8")


def modules(name: str, found: dict[str, str]) -> dict[str, str]:
    """The texts of modules, by name: those found so far, then a module, after all that it imports; each once."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    for wanted in IMPORT.findall(text):
        if wanted not in found:
            modules(wanted, found)
    found[name] = text
    return found


def refuse_twice(names: list[str]) -> None:
    """Refuse a top-level name that two modules have."""
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise InvalidData(f"Two modules of the explorer name something '{min(twice)}' at their top level; rename one.")
