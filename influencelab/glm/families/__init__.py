"""Families: how a response varies about its mean, one file a kind."""
