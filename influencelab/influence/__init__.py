"""Influence: curvature, its solvers, estimators that predict a removal, and retrainers that make it true.

A new method is a file of `estimators/`, a new truth one of `retrainers/`.
"""
