"""Data sets, where they come from, and what is taken out of them.

A new source is a file of `sources/`; nothing else here needs to be touched.
"""
