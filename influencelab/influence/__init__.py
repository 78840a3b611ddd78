"""Influence: curvature and its solvers, sensitivities, estimators that predict, retrainers that make it true.

A new method is a file of `estimators/`, a new truth one of `retrainers/`.
"""
