"""One bar over all studies of a run, in the seconds they are expected to take."""

import time

from tqdm import tqdm

from influencelab.runner.atomic_folder import RunProgress

# A study that has not said how far it is counts as this far at most: the bar never says that it is done.
UNKNOWN = 0.95
FORMAT = "{desc} {percentage:3.0f}% |{bar:24}| {elapsed} so far, about {remaining} left {postfix}"


class Bar:
    """A bar that a study's progress moves; it changes by nature.

    Nothing is drawn where the error stream is no terminal.
    """

    def __init__(self, seconds: float) -> None:
        # Rates are averaged over the whole run: studies jump where they go from one table to the next.
        self._drawn = tqdm(total=seconds, desc="starting", bar_format=FORMAT, smoothing=0, disable=None, leave=False)
        self._done = 0.0
        self._began = time.perf_counter()

    def begin(self, name: str) -> None:
        """The next study starts."""
        self._began = time.perf_counter()
        self._drawn.set_description(name)
        self._drawn.set_postfix_str("")

    def move(self, said: RunProgress | None, *, expected: float) -> None:
        """Draw how far the study is: as it said, or else by the clock.

        Args:
            said: what it said; None while it has said nothing.
            expected: how many seconds it is expected to take.
        """
        clock = (time.perf_counter() - self._began) / max(expected, 1e-9)
        fraction = min(clock, UNKNOWN) if said is None else said.fraction
        self._draw(self._done + expected * fraction)
        if said is not None:
            self._drawn.set_postfix_str(f"({said.label} {said.done:g} of {said.total:g})", refresh=False)

    def end(self, *, expected: float) -> None:
        """The study is over, however it ended."""
        self._done += expected
        self._draw(self._done)

    def say(self, text: str) -> None:
        """Print a text above the bar."""
        self._drawn.clear()
        print(text, flush=True)
        self._drawn.refresh()

    def close(self) -> None:
        """Take the bar off the screen."""
        self._drawn.close()

    def _draw(self, seconds: float) -> None:
        """Move the bar forward; a study that starts counting anew never moves it back."""
        self._drawn.n = max(self._drawn.n, seconds)
        self._drawn.refresh()
