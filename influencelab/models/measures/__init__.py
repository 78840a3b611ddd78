"""Kinds of measure: what a perturbation may move, one file a kind."""
