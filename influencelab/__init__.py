"""Does influence predict what retraining does? Estimators, exact retraining and published claims, side by side.

Every public name is here: nouns and verbs by the table below, and each kind by its class name, found by its file:
`influencelab.ConjugateGradient` is the class in `estimators/conjugate_gradient.py`. Nothing is imported before it is
asked for, so that the command line answers at once.
"""

import importlib
import pkgutil
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
    "Dataset": "dataset",
    "Estimate": "estimator",
    "Estimator": "estimator",
    "Fit": "fitting",
    "fit": "fitting",
    "fit_table": "summary",
    "groups": "removals",
    "halves": "removals",
    "leave_one_out": "removals",
    "make": "catalog",
    "names": "catalog",
    "Number": "number",
    "numbers": "summary",
    "Outcome": "trial",
    "pairs_table": "summary",
    "Removals": "removals",
    "Report": "report",
    "Retrained": "retrain",
    "Retrainer": "retrain",
    "Selection": "selection",
    "Source": "dataset",
    "Store": "store",
    "Study": "study",
    "summaries": "summary",
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
KINDS = ("datasets", "tasks", "trainers", "estimators", "selections")


def __getattr__(name: str) -> Any:
    """A public name, imported now."""
    if name in NOUNS:
        return getattr(importlib.import_module(f"influencelab.{NOUNS[name]}"), name)
    for folder, file in kinds():
        if name.lower() == file.replace("_", ""):
            return getattr(importlib.import_module(f"influencelab.{folder}.{file}"), name)
    raise AttributeError(f"influencelab has no public name '{name}'. It has: {', '.join(__dir__())}.")


def __dir__() -> list[str]:
    """The nouns and verbs, and the kinds by their file names in one word."""
    return sorted([*NOUNS, *(file.replace("_", "") for _, file in kinds())])


def kinds() -> list[tuple[str, str]]:
    """Folder and file of every kind."""
    return [
        (folder, module.name)
        for folder in KINDS
        for module in pkgutil.iter_modules([f"{path}/{folder}" for path in __path__])
    ]
