"""What the study `damping_and_solvers` claims, computes and draws."""
