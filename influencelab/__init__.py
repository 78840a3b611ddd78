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
    "agreement_table": "experiments.tables",
    "start_report": "runner.report_writer",
    "Bootstrap": "statistics.bootstrap",
    "compare": "experiments.comparison",
    "Claim": "runner.claim",
    "Comparison": "experiments.comparison",
    "Curvature": "influence.curvature",
    "cells": "experiments.grid",
    "Dataset": "data.dataset",
    "Decomposition": "studies.where_the_error_comes_from.decomposition",
    "Estimate": "influence.estimator",
    "Estimator": "influence.estimator",
    "Fit": "training.fit",
    "explorer_data": "explorer.build",
    "Explorer": "explorer.widget.explorer",
    "fisher_interval": "statistics.reliability",
    "fit": "training.fit",
    "fit_table": "experiments.tables",
    "grid": "experiments.grid",
    "Groups": "data.removals",
    "groups": "data.removals",
    "halves": "data.removals",
    "leave_one_out": "data.removals",
    "make": "catalog",
    "names": "catalog",
    "null_band": "statistics.reliability",
    "Measure": "models.measure",
    "Measurement": "statistics.measurement",
    "numbers": "experiments.tables",
    "Outcome": "experiments.trial",
    "pairs_table": "experiments.tables",
    "LeaveOneOutRetrainer": "explorer.retrain_on_demand",
    "Perturbation": "data.perturbation",
    "Report": "runner.report",
    "Retrained": "influence.retrainer",
    "Retrainer": "influence.retrainer",
    "Selection": "experiments.selection",
    "Sensitivity": "influence.sensitivity",
    "SmoothingPath": "studies.smooth_hinge.smoothing_path",
    "Source": "data.source",
    "spearman_brown": "statistics.reliability",
    "Store": "experiments.store",
    "Study": "runner.study",
    "summaries": "experiments.tables",
    "summaries_by_setting": "experiments.tables",
    "run_grid": "experiments.grid",
    "run_trials": "experiments.sweep",
    "Task": "models.task",
    "Trained": "training.trainer",
    "Trainer": "training.trainer",
    "Trial": "experiments.trial",
    "vary": "experiments.trial",
    "Verdict": "runner.claim",
    "verdicts": "runner.scorecard",
    "with_available_data": "experiments.sweep",
}
KINDS = (
    "data/sources",
    "data/perturbations",
    "models/tasks",
    "models/losses",
    "models/measures",
    "training/trainers",
    "influence/estimators",
    "influence/retrainers",
    "experiments/selections",
)


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
                name: f"influencelab.{folder.replace('/', '.')}.{module.name}"
                for name in classes
                if name.lower() == module.name.replace("_", "")
            }
    return found
