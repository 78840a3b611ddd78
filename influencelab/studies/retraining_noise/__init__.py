"""What the study `retraining_noise` claims, computes and draws."""
