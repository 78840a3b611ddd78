"""What reports call scores and variants of influence; it loads no torch, so that claims are read at once."""

# What a report's rows call each score, and what it is.
SCORES = {
    "influence": "influence",
    "newton_step": "one Newton step",
    "relatif": "relative influence (RelatIF)",
    "gradient_dot": "gradient product",
    "gradient_cosine": "gradient cosine",
    "neighbours": "nearest neighbours",
    "training_loss": "training loss",
    "out_of_sample_loss": "out-of-sample loss",
    "self_influence": "self-influence",
    "random": "random order",
}
INFLUENCE, NEIGHBOURS, RANDOM = "influence", "neighbours", "random"
# Influence as it is, and with factors of it left out.
VARIANTS = {
    "whole": "influence",
    "without_loss": "without the factor of training loss",
    "without_curvature": "without curvature",
    "without_both": "without both",
}
WHOLE = "whole"
