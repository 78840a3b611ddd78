"""What reports call scores and kinds of rows; it loads neither torch nor data, so that claims are read at once."""

# What a report's rows call each score, and what it is.
SCORES = {
    "sketch": "influence sketch",
    "cook_published": "exact Cook's distance, r²h / (1 − h)",
    "cook_one_step": "exact Cook's distance, r²h / (1 − h)²",
    "highest_loss": "training loss",
    "leverage": "leverage",
    "residual_norm": "residual² × row norm²",
    "random": "random order",
}
# The penalties of the paper's two figures: one that hardly says anything, and L1.
ARMS = {"ridge": "weak ridge", "lasso": "L1"}
SKETCH, EXACT, LOSS, NORM, RANDOM = "sketch", "cook_published", "highest_loss", "residual_norm", "random"
WITHOUT = "without_penalty"
# Projections that are held against exact scores.
PROJECTIONS = {
    "gaussian_projection": "Gaussian Ω",
    "sparse_sign_projection": "sparse signs",
    "count_sketch_projection": "count sketch",
    "without_penalty": "sparse signs, W without the penalty",
}
# What a training row may be.
KINDS = {
    "wrong": "predicted wrong",
    "both_labels": "same features as a row with the other label",
    "repeated": "same features as a row with its label",
    "rare": "the tenth with the rarest features",
    "positive": "of class 1 (attack, spam)",
    "flipped": "planted wrong label",
    "outlying": "planted with many rare features",
}
