"""What the study `smooth_hinge` claims, computes and draws."""
