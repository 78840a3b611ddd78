"""The pace of a study that runs, and how long it will still take by it."""

from dataclasses import dataclass

# Highest share done of a study that has reported no progress: by the clock it is never done.
UNKNOWN = 0.95
# A smaller share of the work than this says nothing of the pace.
LEAST = 0.02
# How long a notebook takes to its first report on a quiet machine, in seconds.
START = 6.0


@dataclass
class Pace:
    """What one study has shown of its pace: its expected seconds, and its first and last report; it changes by nature.

    What is reported first was found in the store and cost nothing.
    """

    expected: float
    began: float
    found: float = 0.0
    first: float | None = None
    done: float = 0.0
    now: float = 0.0

    def report(self, fraction: float, now: float) -> None:
        """Take note of the share that is done; counting anew moves nothing back."""
        if self.first is None:
            self.found, self.first = fraction, now
        if fraction > self.done or not self.now:
            self.done, self.now = max(fraction, self.done), now

    def slowness(self, now: float) -> float:
        """How many times as long as on a quiet machine it takes to start: all that is known before its own pace."""
        return max(((now if self.first is None else self.first) - self.began) / START, 1.0)

    def seconds_left(self, now: float, *, speed: float, found: float = 0.0) -> float:
        """Seconds to its end: the geometric mean of what was expected and of what its own pace says, ever more its own.

        Either may be wrong by a factor of two, since machines differ and the pieces of a study do, and the mean of both
        is wrong by its root.

        Args:
            now: the time.
            speed: seconds that an expected one takes.
            found: the share of its work that is expected in the store, before it says so itself.
        """
        if self.first is None:
            expected = self.expected * speed * (1 - found)
            return max(expected - (now - self.began), expected * (1 - UNKNOWN))
        # The start is over.
        expected = max(self.expected - START, self.expected / 2) * speed * (1 - self.done)
        share = (self.done - self.found) / (1 - self.found) if self.found < 1 else 0.0
        if share < LEAST:
            return max(expected - (now - self.now), expected * (1 - UNKNOWN))
        own = (self.now - self.first) / share * (1 - share)
        weight = (1 + share) / 2
        # Pieces that grow or shrink explain no more than this; what was expected then is of another machine.
        most = share ** (-1 / 3)
        left = min(max(own**weight * expected ** (1 - weight), own / most), own * most)
        return max(left - (now - self.now), left * (1 - UNKNOWN))
