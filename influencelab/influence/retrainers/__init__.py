"""Ways to the truth: one file a kind."""
