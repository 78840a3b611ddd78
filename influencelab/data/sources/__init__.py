"""Data sets: each file is one source, found by its name."""
