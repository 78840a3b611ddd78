"""Generalised linear models on more rows than fit in memory: fits, leverage, Cook's distance; without torch.

A new family is a file of `families/`, a new link one of `links/`, a new form of rows on disk one of `tables/`.
"""
