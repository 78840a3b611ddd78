"""What the study `ridge_penalty` claims."""
