"""Models with their objective, one file a kind."""
