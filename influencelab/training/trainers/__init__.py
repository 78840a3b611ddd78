"""Ways to a minimum, all batched over models, one file a kind."""
