"""What the study `depth_and_weight_decay` claims, computes and draws."""
