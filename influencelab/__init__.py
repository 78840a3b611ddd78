"""Does influence predict what retraining does? Estimators, exact retraining and published claims, side by side.

Every public name is here: nouns and verbs by the table below, and each kind by its class name, found by its file:
`influencelab.ConjugateGradient` is the class in `estimators/conjugate_gradient.py`. Nothing is imported before it is
asked for, so that the command line answers at once.
"""

import difflib
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

NOUNS = {
    "agreement_table": "summary",
    "begin": "draft",
    "Bootstrap": "statistics",
    "compare": "comparison",
    "Claim": "claim",
    "Comparison": "comparison",
    "Curvature": "curvature",
    "cells": "variations",
    "Dataset": "dataset",
    "Decomposition": "decomposition",
    "Estimate": "estimator",
    "Estimator": "estimator",
    "Fit": "fitting",
    "explore": "exploring",
    "Explorer": "widgets.explorer",
    "fisher_interval": "reliability",
    "fit": "fitting",
    "fit_table": "summary",
    "grid": "variations",
    "Groups": "removals",
    "groups": "removals",
    "halves": "removals",
    "leave_one_out": "removals",
    "make": "catalog",
    "names": "catalog",
    "null_band": "reliability",
    "Number": "number",
    "numbers": "summary",
    "Outcome": "trial",
    "pairs_table": "summary",
    "Prover": "prover",
    "Removals": "removals",
    "Report": "report",
    "Retrained": "retrainer",
    "Retrainer": "retrainer",
    "Selection": "selection",
    "SmoothingPath": "smoothing_path",
    "Source": "source",
    "spearman_brown": "reliability",
    "Store": "store",
    "Study": "study",
    "summaries": "summary",
    "summaries_by_setting": "summary",
    "run_grid": "variations",
    "run_trials": "sweep",
    "Task": "task",
    "Trained": "trainer",
    "Trainer": "trainer",
    "Trial": "trial",
    "vary": "trial",
    "Verdict": "claim",
    "verdicts": "scorecard",
    "within_reach": "sweep",
}
KINDS = ("sources", "tasks", "output_losses", "trainers", "estimators", "retrainers", "selections")


def __getattr__(name: str) -> Any:
    """A public name, imported now."""
    if name in NOUNS:
        return getattr(importlib.import_module(f"influencelab.{NOUNS[name]}"), name)
    found = kinds()
    if name in found:
        return getattr(importlib.import_module(found[name]), name)
    near = difflib.get_close_matches(name, __dir__(), n=1, cutoff=0.5)
    raise AttributeError(f"influencelab has no public name '{name}'.{f' Did you mean {near[0]}?' if near else ''}")


def __dir__() -> list[str]:
    """The nouns and verbs, and the class of every kind."""
    return sorted([*NOUNS, *kinds()])


@cache
def kinds() -> dict[str, str]:
    """The module of every kind by the name of its class: the one in the file whose name it is, read, not imported."""
    found = {}
    for folder in KINDS:
        for module in pkgutil.iter_modules([f"{path}/{folder}" for path in __path__]):
            text = Path(__path__[0], folder, f"{module.name}.py").read_text(encoding="utf-8")
            classes = re.findall(r"^class (\w+)", text, flags=re.MULTILINE)
            found |= {
                name: f"influencelab.{folder}.{module.name}"
                for name in classes
                if name.lower() == module.name.replace("_", "")
            }
    return found
