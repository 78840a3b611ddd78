"""Progress of a sweep, shown by tqdm as a bar of text and reported to a callback."""

import sys
from collections.abc import Mapping

from tqdm import tqdm

from influencelab.recipe import Progress, unheard

BAR = "{percentage:3.0f}% of {total:g} trials {bar} {elapsed} gone, {remaining} to go"


class SweepProgress:
    """Progress of a sweep; it changes by nature.

    The bar of text goes away at the end: a widget in a saved notebook would be a row of broken links.

    Args:
        waiting: how many of the trials each piece of work is that is left.
        total: trials in all.
        progress: receives whatever the bar shows, as (trials done, trials in all, "trials").
    """

    def __init__(self, waiting: Mapping[str, int], *, total: int, progress: Progress | None) -> None:
        self._waiting = waiting
        self._done = total - sum(waiting.values())
        self._report = progress or unheard
        # Trials found in the store say nothing of the pace; and jobs end in bunches, so the pace is the mean one.
        self._bar = tqdm(
            total=total,
            initial=self._done,
            file=sys.stdout,
            bar_format=BAR,
            leave=False,
            mininterval=1,
            smoothing=0,
            disable=not waiting,
        )
        self._show(self._done)

    def __enter__(self) -> "SweepProgress":
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def update(self, key: str, share: float) -> None:
        """Show that one piece of work is this far, 0 … 1."""
        self._show(self._done + share * self._waiting[key])

    def finished(self, key: str) -> None:
        """Show that one piece of work is done."""
        self._done += self._waiting[key]
        self._show(self._done)

    def _show(self, done: float) -> None:
        """Move the bar, and report where it is."""
        self._bar.update(done - self._bar.n)
        self._report(done, self._bar.total, "trials")
