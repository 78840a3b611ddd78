"""What papers claim, one module a study: a new claim is one more entry there."""
