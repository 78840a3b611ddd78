"""Progress bar over all studies of a run, in the seconds they are expected to take."""

import time

from tqdm import tqdm

from influencelab.runner.atomic_folder import RunProgress

# Highest share done of a study that has reported no progress: by the clock it is never done.
UNKNOWN = 0.95
FORMAT = "{desc} {percentage:3.0f}% |{bar:24}| {elapsed} so far, about {remaining} left {postfix}"


class Bar:
    """Progress bar over several studies; it changes by nature.

    Nothing is drawn where the error stream is no terminal.
    """

    def __init__(self, seconds: float) -> None:
        # Rates are averaged over the whole run: studies jump where they go from one table to the next.
        self._drawn = tqdm(total=seconds, desc="starting", bar_format=FORMAT, smoothing=0, disable=None, leave=False)
        self._done = 0.0
        self._began = time.perf_counter()

    def begin(self, name: str) -> None:
        """Start the next study."""
        self._began = time.perf_counter()
        self._drawn.set_description(name)
        self._drawn.set_postfix_str("")

    def move(self, progress: RunProgress | None, *, expected: float) -> None:
        """Draw the study's progress as it reported it last, or else by the clock and its expected seconds."""
        clock = (time.perf_counter() - self._began) / max(expected, 1e-9)
        fraction = min(clock, UNKNOWN) if progress is None else progress.fraction
        self._draw(self._done + expected * fraction)
        if progress is not None:
            done = f"({progress.label} {progress.done:g} of {progress.total:g})"
            self._drawn.set_postfix_str(done, refresh=False)

    def end(self, *, expected: float) -> None:
        """End the study, whether it failed or not."""
        self._done += expected
        self._draw(self._done)

    def print(self, text: str) -> None:
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
