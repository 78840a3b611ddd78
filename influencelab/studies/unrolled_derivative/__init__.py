"""What the study `unrolled_derivative` claims and computes."""
