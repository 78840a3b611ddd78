"""What the study `group_removals` claims and computes."""
