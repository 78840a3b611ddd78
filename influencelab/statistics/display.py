"""Names and tables as people read them."""

import pandas
from pandas.io.formats.style import Styler

# Kinds and statistics whose names do not read as words.
WORDS = {
    "exact": "influence (exact)",
    "conjugate_gradient": "influence (conjugate gradients)",
    "lissa": "influence (LiSSA, stochastic)",
    "newton_step": "one Newton step",
    "arnoldi": "influence (Lanczos, low rank)",
    "ekfac": "influence (Kronecker factors)",
    "tracin": "gradient products along the run (TracIn)",
    "unrolled": "derivative of the whole run (unrolled)",
    "last_layer": "influence (last layer)",
    "gradient_dot": "gradient product",
    "gradient_cosine": "gradient cosine",
    "relatif": "relative influence (RelatIF)",
    "loss_relatif": "loss-relative influence (ℓ-RelatIF)",
    "same_label": "same label",
    "random_points": "random points",
    "top": "most influential",
    "everything": "all points",
    "highest_loss": "largest training loss",
    "percentile": "middling influence",
    "pearson": "Pearson",
    "pearson_without_top3": "Pearson without the top three",
    "spearman": "Spearman",
    "within_class_spearman": "Spearman within class",
    "kendall": "Kendall",
    "rms_ratio": "RMS ratio",
    "relative_error": "RMS error / RMS truth",
    "sign_agreement": "same sign",
}


def display_name(name: str) -> str:
    """The name of a kind, a setting or a statistic in words: `weight decay`, `influence (exact)`."""
    return WORDS.get(name, name.replace("_", " "))


def readable(table: pandas.DataFrame, *, caption: str) -> Styler:
    """A table as a notebook should show it: no row numbers, text to the left, nothing cut off or broken in two.

    Of an empty one the caption stays, and says that there is nothing to show.
    """
    caption = caption if len(table) else f"{caption}: nothing to show"
    styles = [
        {"selector": "caption", "props": "text-align: left; font-style: italic; padding-bottom: 4px"},
        {"selector": "th, td", "props": "text-align: left; vertical-align: top"},
    ]
    return table.style.hide(axis="index").set_caption(caption).set_table_styles(styles)  # pyright: ignore[reportArgumentType]
