"""Progress bar over several studies, and how long they will still take."""

import time
from collections.abc import Callable

from tqdm import tqdm

from influencelab.app.pace import UNKNOWN, Pace
from influencelab.runner.atomic_folder import RunProgress

FORMAT = "{desc} {percentage:3.0f}% |{bar:24}| {elapsed} so far{postfix}"


class Bar:
    """Progress bar over several studies, in the seconds they are expected to take; it changes by nature.

    Nothing is drawn where the error stream is no terminal.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self.drawn = tqdm(total=seconds, desc="starting", bar_format=FORMAT, disable=None, leave=False)
        self._clock, self._seconds = clock, seconds
        self._paces: list[Pace] = []
        self._spent = self._ran = 0.0

    def begin(self, name: str, *, expected: float) -> None:
        """Start the next study; the one before is over, whether it failed or not."""
        now = self._clock()
        if self._paces:
            last = self._paces[-1]
            self._spent += now - last.began
            self._ran += last.expected * (1 - last.found)
        self._paces.append(Pace(expected, now))
        self._draw(name, 0.0, "")

    def move(self, progress: RunProgress | None) -> None:
        """Draw the study's progress as it reported it last, or else by the clock."""
        pace, now = self._paces[-1], self._clock()
        if progress is not None:
            pace.report(progress.fraction, now)
        by_clock = min((now - pace.began) / max(pace.expected, 1e-9), UNKNOWN)
        self._draw(None, by_clock if progress is None else pace.done, "" if progress is None else progress.text)

    def seconds_left(self) -> float:
        """Seconds until all studies are done, by the pace of those that ran and of the one that runs."""
        # As much as the studies so far had in the store, those to come are expected to have.
        known = [pace for pace in self._paces if pace.first is not None]
        found = sum(pace.expected * pace.found for pace in known) / max(sum(pace.expected for pace in known), 1e-9)
        now = self._clock()
        speed = self._spent / self._ran if self._ran else max((pace.slowness(now) for pace in self._paces), default=1.0)
        begun = sum(pace.expected for pace in self._paces)
        left = max(self._seconds - begun, 0.0) * (1 - found) * speed
        for pace in self._paces[-1:]:
            left += pace.seconds_left(now, speed=speed, found=found)
        return left

    def _draw(self, name: str | None, fraction: float, text: str) -> None:
        """Draw how far the studies are."""
        if name is not None:
            self.drawn.set_description(name, refresh=False)
        before = sum(pace.expected for pace in self._paces[:-1])
        self.drawn.n = max(self.drawn.n, before + self._paces[-1].expected * fraction)
        left = f"about {tqdm.format_interval(self.seconds_left())} left"
        self.drawn.set_postfix_str(f"{left} ({text})" if text else left, refresh=False)
        self.drawn.refresh()
