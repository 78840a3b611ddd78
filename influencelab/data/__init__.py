"""Data sets, where they come from, and what may change of training: points removed, replaced or moved, weight decay.

A new source is a file of `sources/`, a new perturbation one of `perturbations/`; nothing else here needs to be touched.
"""
