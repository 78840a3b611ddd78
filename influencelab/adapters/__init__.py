"""Models that other libraries fitted, read as fits of our own: the same objective, to the last digit."""
