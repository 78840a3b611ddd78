"""What the study `last_layer` claims."""
