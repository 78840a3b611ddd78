"""Selections of training points and test points, one file a kind."""
