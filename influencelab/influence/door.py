"""The check of the fit that estimators and retrainers are given."""

from influencelab.errors import InvalidData, require
from influencelab.training.fit import Fit


def require_fit(given: object) -> None:
    """Refuse what is no fit, by WrongType, or one whose tensors were written over since, by InvalidData."""
    require(given, Fit, what="fit")
    if isinstance(given, Fit) and not given.is_as_measured():
        raise InvalidData(
            f"J is no longer the {given.loss:.6g} that this fit measured: its parameters, weights or data were changed "
            "in place. Leave them as they are and train again, or make a fit of other parameters: il.fit_at(task, "
            "data, theta, trainer=trainer)."
        )
