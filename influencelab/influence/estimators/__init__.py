"""Predictions of what a removal does, one file a kind."""
