"""Links: how the mean of a response follows from its linear predictor, one file a kind."""
