"""Losses as functions of a model's outputs, one file a kind."""
