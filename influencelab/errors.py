"""The errors a user can meet; each message says what was wrong, what was expected, and the next step."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class InfluenceLabError(Exception):
    """Base of all errors raised on purpose by influencelab."""


class InvalidData(InfluenceLabError, ValueError):
    """A data set that no honest study can use: NaN features, impossible labels, an empty test set."""


class InvalidParameter(InfluenceLabError, ValueError):
    """A setting outside its range, of the wrong type, or unknown."""


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
    """A warning: an iteration took all of its steps and ended before its tolerance; its values may be far off."""


class NoMinimum(UserWarning):
    """A warning: the objective falls for ever along some parameters, so that no minimum and no influence exists."""


class StudyFailed(InfluenceLabError, RuntimeError):
    """A study notebook that did not run to its end."""


def in_words(error: Exception, place: Path) -> str:
    """An error of the system in one sentence with the path it is about, `place` where it names none itself."""
    if not isinstance(error, OSError) or isinstance(error, InfluenceLabError):
        return str(error)
    reason = error.strerror or str(error) or type(error).__name__
    return f"{reason}: {error.filename or place}. Mend that (space, permissions, what is in the way), and try again."


def unknown(what: str, name: str, known: Iterable[str], *, of: str = "") -> UnknownName:
    """The error for an unknown name of a `what` (study, profile, parameter) that `of`, if given, should have had."""
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    subject = f"{of} has no {what} '{name}'." if of else f"No {what} is named '{name}'."
    return UnknownName(f"{subject} There are: {', '.join(choices) or 'none'}.{hint}")
