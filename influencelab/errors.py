"""The errors a user can meet; each message says what was wrong, what was expected, and the next step."""

import difflib
import math
import operator
from collections.abc import Iterable
from pathlib import Path
from typing import Any

# How to get one of each kind that a function may ask for.
NEXT_STEPS = {
    "Task": (
        "Give a recipe of a model, such as il.Logistic(weight_decay=0.001); il.from_sklearn and il.from_torch read "
        "models that are trained already."
    ),
    "FrozenModule": "Make one: il.FrozenModule(network, X).",
    "Dataset": "Load a source, such as il.Iris().load(), or make il.Dataset(x_train=…, y_train=…, x_test=…, y_test=…).",
    "Trainer": "Give one such as il.Newton().",
    "Fit": "Make one: il.fit(il.Logistic(weight_decay=0.001), data, il.Newton()).",
    "Measure": "Give one such as il.Loss().",
    "Source": "Give one such as il.Iris(); data of your own need a class with arrays(), or go straight to il.fit.",
    "Estimator": "Give one such as il.Exact().",
    "Extractor": "Give one such as il.EfficientnetLite0(size=96).",
    "Retrainer": "Give one such as il.SecondOrder().",
    "Perturbation": "Make one, such as il.leave_one_out(data.n) or il.groups(data.n, members=[[1, 2]]).",
    "Estimate": "Make one: il.Exact().estimate(fit).",
    "Retrained": "Make one: il.SecondOrder().retrain(fit, il.leave_one_out(data.n)).",
    "Comparison": "Make one: il.compare(estimate, retrained).",
    "int": "Give a number such as 10.",
}


class InfluenceLabError(Exception):
    """Base of all errors raised on purpose by influencelab."""


class InvalidData(InfluenceLabError, ValueError):
    """A data set that no honest study can use: NaN features, impossible labels, an empty test set."""


class InvalidParameter(InfluenceLabError, ValueError):
    """A setting outside its range, of the wrong type, or unknown."""


class WrongType(InfluenceLabError, TypeError):
    """An argument that is another kind of thing than what was asked for."""


class InvalidWeights(InfluenceLabError, ValueError):
    """Training weights that are negative, not finite, or of the wrong shape."""


class UnknownName(InfluenceLabError, LookupError):
    """A kind, study, profile or parameter that does not exist."""


class MissingData(InfluenceLabError, OSError):
    """A data file that could not be had, or whose checksum is wrong."""


class NotFinite(InfluenceLabError, ArithmeticError):
    """A loss, gradient or product that is NaN or infinite."""


class NotConverged(InfluenceLabError, ArithmeticError):
    """A fit that is not a minimum was given to a method whose theory needs one."""


class Diverged(InfluenceLabError, ArithmeticError):
    """An iteration whose error grows instead of shrinking."""


class IndefiniteCurvature(InfluenceLabError, ArithmeticError):
    """A curvature with a non-positive direction was given to a solver that needs none."""


class NullSpaceMass(InfluenceLabError, ArithmeticError):
    """A right-hand side with mass where an undamped curvature is zero: no finite answer exists."""


class Unavailable(InfluenceLabError, RuntimeError):
    """A device, a cluster or an optional package that was asked for and is not here."""


class FlatLoss(UserWarning):
    """A warning: the losses have no curvature where the fit stands, so that influence knows weight decay alone."""


class NotSolved(UserWarning):
    """A warning: an iteration took all of its steps or time and ended before its tolerance; values may be far off."""


class NoMinimum(UserWarning):
    """A warning: the objective falls for ever along some parameters, so that no minimum and no influence exists."""


class LostDigits(UserWarning):
    """A warning: rounding may have changed some values by more than a ten-millionth of the largest."""


class SmoothedLoss(UserWarning):
    """A warning: a loss with a kink is read through a smooth one, whose refits are not those of the true one."""


class StudyFailed(InfluenceLabError, RuntimeError):
    """A study notebook that did not run to its end."""


def in_words(error: Exception, place: Path | None = None) -> str:
    """Any error in one line; of the system with the path it is about, `place` where it names none itself."""
    if isinstance(error, InfluenceLabError):
        return str(error)
    if not isinstance(error, OSError):
        return f"{type(error).__name__}: {' '.join(str(error).split()):.300}"
    about = error.filename or place
    reason = (error.strerror or str(error) or type(error).__name__) + (f": {about}" if about else "")
    return f"{reason}. Mend that (space, permissions, what is in the way), and try again."


def unknown(what: str, name: str, known: Iterable[str], *, of: str = "") -> UnknownName:
    """The error for an unknown name of a `what` (study, profile, parameter) that `of`, if given, should have had."""
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    subject = f"{of} has no {what} '{name}'." if of else f"No {what} is named '{name}'."
    return UnknownName(f"{subject} There are: {', '.join(choices) or 'none'}.{hint}")


def require(given: object, kind: Any, *, what: str, cure: str = "") -> None:
    """Refuse an argument of another kind, by a WrongType error: the check at every public door."""
    if isinstance(given, kind) and not (isinstance(given, bool) and kind is int):
        return
    step = f"Call it: {given.__name__}(…)." if isinstance(given, type) and issubclass(given, kind) else ""
    if not step and hasattr(given, "load") and kind.__name__ == "Dataset":
        step = "Load it: .load()."
    step = step or cure or NEXT_STEPS.get(kind.__name__, f"Give a {kind.__name__}.")
    raise WrongType(f"{what} is {named(given)}, expected {article(kind.__name__)}. {step}")


def whole(given: Any, *, what: str, cure: str = NEXT_STEPS["int"], least: float = -math.inf) -> int:
    """A whole number of Python, NumPy or torch as int; else a WrongType error, or InvalidParameter below the least."""
    try:
        if not isinstance(given, bool):
            number = operator.index(given)
            if number < least:
                raise InvalidParameter(f"{what} is {number}, expected {least} or more. {cure}")
            return number
    except TypeError:
        pass
    raise WrongType(f"{what} is {named(given)}, expected a whole number. {cure}")


def real(given: Any, *, what: str, expected: str) -> float:
    """A number of Python, NumPy or torch as float; else a WrongType error that says what was expected."""
    try:
        if not isinstance(given, bool | str):
            return float(given)
    except (TypeError, ValueError):
        pass
    raise WrongType(f"{what} is {named(given)}, expected {expected}.")


def named(given: object) -> str:
    """What a thing is, as an error says it: `a DataFrame (pandas)`, `the class Newton`, `the text 'x'`."""
    if isinstance(given, type):
        return f"the class {given.__name__}"
    if given is None or isinstance(given, str | int | float):
        return f"the text {given!r:.40}" if isinstance(given, str) else repr(given)
    package = type(given).__module__.partition(".")[0]
    return article(type(given).__name__) + (f" ({package})" if package not in ("builtins", "influencelab") else "")


def article(noun: str) -> str:
    """The noun after `a` or `an`."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"
