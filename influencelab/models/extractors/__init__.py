"""Kinds of extractor: frozen maps from pictures to features, one file a kind."""
