"""What the study `leave_one_out` claims, computes and draws."""
