"""Projections: random maps from many features to few, one file a kind."""
