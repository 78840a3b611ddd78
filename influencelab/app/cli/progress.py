"""Progress bar over several studies, and how long they will still take."""

import time
from collections.abc import Callable

from tqdm import tqdm

from influencelab.app.pace import UNKNOWN, Pace
from influencelab.runner.atomic_folder import RunProgress

# Studies that run and are named; of more, how many.
NAMED = 2
FORMAT = "{desc} {percentage:3.0f}% |{bar:24}| {elapsed} so far{postfix}"


class Bar:
    """Progress bar over studies of which so many run `at_once`; it changes by nature.

    Its measure is the seconds that each is expected to take. Nothing is drawn where the error stream is no terminal.
    """

    def __init__(self, seconds: float, *, at_once: int = 1, clock: Callable[[], float] = time.perf_counter) -> None:
        self.drawn = tqdm(total=seconds, desc="starting", bar_format=FORMAT, disable=None, leave=False)
        self._seconds, self._at_once, self._clock = seconds, at_once, clock
        self._running: dict[str, Pace] = {}
        self._over: list[Pace] = []
        self._spent = self._ran = 0.0

    def move(self, name: str, progress: RunProgress | None, *, expected: float) -> None:
        """Draw a study's progress as it reported it last, or else by the clock; it begins when it is first named."""
        now = self._clock()
        pace = self._running.setdefault(name, Pace(expected, now))
        if progress is not None:
            pace.report(progress.fraction, now)
        self._draw("" if progress is None or len(self._running) > 1 else progress.text)

    def end(self, name: str) -> None:
        """A study is over, whether it failed or not."""
        pace = self._running.pop(name, None)
        if pace:
            self._over.append(pace)
            self._spent += self._clock() - pace.began
            self._ran += pace.expected * (1 - pace.found)
            self._draw("")

    def seconds_left(self) -> float:
        """Seconds until all studies are done, by the pace of those that ran and of those that run."""
        # As much as the studies so far had in the store, those to come are expected to have.
        running = list(self._running.values())
        known = [pace for pace in [*self._over, *running] if pace.first is not None]
        found = sum(pace.expected * pace.found for pace in known) / max(sum(pace.expected for pace in known), 1e-9)
        now = self._clock()
        speed = self._spent / self._ran if self._ran else max((pace.slowness(now) for pace in running), default=1.0)
        begun = sum(pace.expected for pace in [*self._over, *running])
        each = [pace.seconds_left(now, speed=speed, found=found) for pace in running]
        left = max(self._seconds - begun, 0.0) * (1 - found) * speed
        return max([(left + sum(each)) / self._at_once, *each])

    def _draw(self, text: str) -> None:
        """Draw how far the studies are, and which run."""
        now = self._clock()
        done = sum(pace.expected for pace in self._over)
        for pace in self._running.values():
            by_clock = min((now - pace.began) / max(pace.expected, 1e-9), UNKNOWN)
            done += pace.expected * (by_clock if pace.first is None else pace.done)
        self.drawn.n = max(self.drawn.n, done)
        first, others = list(self._running)[:NAMED], len(self._running) - NAMED
        self.drawn.set_description(", ".join(first) + (f" and {others} more" if others > 0 else ""), refresh=False)
        left = f"about {tqdm.format_interval(self.seconds_left())} left"
        self.drawn.set_postfix_str(f"{left} ({text})" if text else left, refresh=False)
        self.drawn.refresh()
