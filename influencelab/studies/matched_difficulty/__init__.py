"""What the study `matched_difficulty` claims and computes."""
