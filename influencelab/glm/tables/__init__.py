"""Tables: where rows come from, a chunk at a time, one file a kind."""
