"""Modules of torch that a user trained: frozen, probed, and read as tasks of our own."""
