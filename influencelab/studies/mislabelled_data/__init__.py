"""Recipe, scores, analysis, figures and claims of the study `mislabelled_data`."""
