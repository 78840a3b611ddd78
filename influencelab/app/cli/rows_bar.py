"""Progress bar over passes through the rows of a table."""

from tqdm import tqdm


class RowsBar:
    """One bar a pass; it changes by nature. Nothing is drawn where the error stream is no terminal."""

    def __init__(self) -> None:
        self.drawn = tqdm(total=None, unit="row", unit_scale=True, disable=None, leave=False)

    def __enter__(self) -> "RowsBar":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        self.drawn.close()

    def __call__(self, done: float, total: float = 1.0, label: str = "") -> None:
        """Draw how far this pass is."""
        if done < self.drawn.n:
            self.drawn.reset()
        self.drawn.total = total
        self.drawn.set_description(label, refresh=False)
        self.drawn.update(done - self.drawn.n)
