"""Which training points are removed, one file a kind."""
