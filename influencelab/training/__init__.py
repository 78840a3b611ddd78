"""How a model is fitted, many models at once. A new way to train is a file of `trainers/`."""
