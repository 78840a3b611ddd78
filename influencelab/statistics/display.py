"""Tables styled for a notebook."""

import pandas
from pandas.io.formats.style import Styler


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
