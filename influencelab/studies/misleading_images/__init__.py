"""Recipe, scores, analysis, figures and claims of the study `misleading_images`."""
