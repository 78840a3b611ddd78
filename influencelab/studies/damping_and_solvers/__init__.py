"""Study of how much of the disagreement with retraining is damping and the solver's."""
