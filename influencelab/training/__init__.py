"""Trainers, which fit many models at once. A new way to train is a file of `trainers/`."""
