"""What the study `size_and_path` claims and computes."""
