"""Kinds of perturbation, one file a kind: what is removed, replaced, moved, or penalised otherwise."""
