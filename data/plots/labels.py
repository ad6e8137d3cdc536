"""Names as matplotlib can draw them."""

from __future__ import annotations


def escape_label(name: str) -> str:
    r"""Return a label that shows a name as it is.

    matplotlib takes text between dollar signs for a formula, and leaves labels that begin with an
    underscore out of legends.

    Example:
      escape_label("a$_$b")  # a\$_\$b
    """
    text = name.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
