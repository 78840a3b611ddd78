"""Journal of a store, read line by line: who did which work, and when."""

from typing import NamedTuple

from influencelab.experiments.store import Store


class Note(NamedTuple):
    """One line: work `begun`, `finished`, or `received` from another machine, and the process that wrote it."""

    event: str
    key: str
    process: int
    seconds: float


def journal(store: Store) -> list[Note]:
    """Work begun and finished in a store, in the order of time; lines cut short by a crash are left out."""
    path = store.folder / "journal"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    whole = [words for words in map(str.split, lines) if len(words) == 4]
    return [Note(event, key, int(process), float(seconds)) for event, key, process, seconds in whole]
