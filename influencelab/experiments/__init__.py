"""What a study repeats: trials, their outcomes, grids of them, run in parallel and kept in a store.

The tables and figures that studies share are here too. A new choice of removals is a file of `selections/`.
"""
