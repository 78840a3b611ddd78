"""What the study `where_the_error_comes_from` claims, computes and draws."""
