"""Training-set attack: pictures that look unchanged, and flip the prediction of a test picture once trained on."""
