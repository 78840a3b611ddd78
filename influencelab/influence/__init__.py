"""Influence: curvature and its solvers, sensitivities, estimators that predict, retrainers that make it true.

A new method is a file of `estimators/`, a new truth one of `retrainers/`. Called, this room is the one call that takes
a model as it is, `influencelab.influence(model, X, y, X_test, y_test)`: see `influencelab.experiments.own_model`.
"""

import sys
from types import ModuleType
from typing import Any


class Room(ModuleType):
    """The room, which has the name of the one call, and answers to it."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        """`influence(model, X, y, X_test, y_test, …)`, which stands above this room, with estimate, check and truth."""
        from importlib import import_module

        return import_module("influencelab.experiments.own_model").influence(*given, **named)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Its name, by which another process finds it."""
        from importlib import import_module

        return import_module, (self.__name__,)


sys.modules[__name__].__class__ = Room
