"""Names that do not exist, refused with those that do and the nearest of them."""

import difflib
from collections.abc import Iterable

from influencelab.errors import UnknownName


def unknown(what: str, name: str, known: Iterable[str], *, of: str = "") -> UnknownName:
    """The error for one unknown name.

    Args:
        what: the kind of thing that was named: `study`, `profile`, `parameter`.
        name: what was asked for.
        known: every name there is.
        of: what should have had it, such as a notebook's name.
    """
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    subject = f"{of} has no {what} '{name}'." if of else f"No {what} is named '{name}'."
    return UnknownName(f"{subject} There are: {', '.join(choices) or 'none'}.{hint}")
