"""The model card for people: Markdown in the SavedModel, beside the JSON that it is made from.

A package of its own, so that training does not depend on the template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jinja2

from data.fingerprint import fingerprint_file
from data.storage import files
from trainer.export.model_card import read_model_card, write_model_card

MODEL_CARD_PAGE = files.join("assets.extra", "model_card.md")

_TEMPLATE = "model_card.md.jinja"

# A table with more columns cannot be read. JSON has all of it.
_MOST_CLASSES_IN_MATRIX = 12
_MOST_CONFUSIONS = 5

_SPECIAL = re.compile(r"([\\`*_\[\]|#~])")


class Confusion(NamedTuple):
    """Images of one class that are taken for another.

    Attributes:
      actual: name of their class.
      predicted: name of the class that they are taken for.
      images: how many.
      fraction: of the images of their class.
    """

    actual: str
    predicted: str
    images: int
    fraction: float


def complete_model_card(model_dir: str, facts: Mapping[str, Any]) -> None:
    """Add facts to the card of a SavedModel, and write the page that shows all of it.

    Args:
      model_dir: folder of the SavedModel, which has a card.
      facts: what the Trainer could not know. `data`, `evaluation`, `thresholds`, `serving`,
        `licence` and `contact` are shown where they are given.
    """
    card = {**read_model_card(model_dir), **facts}
    page = files.join(model_dir, MODEL_CARD_PAGE)
    files.write_file(page, render_model_card(card))
    digests = {**card.get("files", {}), MODEL_CARD_PAGE: fingerprint_file(page)}
    write_model_card(model_dir, {**card, "files": digests})


def render_model_card(card: Mapping[str, Any]) -> str:
    """Return a model card as Markdown that can be read on its own."""
    environment = jinja2.Environment(  # nosec B701
        loader=jinja2.PackageLoader("trainer.export.model_card_page", ""),
        # The result is Markdown; `_escape` makes text harmless, also as HTML in Markdown.
        autoescape=False,  # noqa: S701
        finalize=_escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["measured"] = _format_measured
    evaluation = card.get("evaluation")
    matrix = evaluation["confusion_matrix"] if evaluation else []
    return environment.get_template(_TEMPLATE).render(
        card=card,
        confusions=list_confusions(card["classes"], matrix)[:_MOST_CONFUSIONS],
        shows_matrix=0 < len(matrix) <= _MOST_CLASSES_IN_MATRIX,
    )


def list_confusions(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> list[Confusion]:
    """Return which classes are taken for which, the most frequent first.

    Args:
      classes: class names in the order of the matrix.
      matrix: number of images, rows actual, columns predicted.
    """
    confusions = [
        Confusion(classes[actual], classes[predicted], images, images / sum(row))
        for actual, row in enumerate(matrix)
        for predicted, images in enumerate(row)
        if images and actual != predicted
    ]
    return sorted(confusions, key=lambda confusion: confusion.images, reverse=True)


def _format_measured(value: float | None, interval: Sequence[float] | None = None) -> str:
    """Return a metric with its confidence interval in brackets."""
    if value is None:
        return "undefined"
    text = f"{value:.4f}"
    return f"{text} ({interval[0]:.3f} to {interval[1]:.3f})" if interval else text


def _escape(value: Any) -> Any:
    """Return text that Markdown shows as it is, in one line."""
    if not isinstance(value, str):
        return value
    text = " ".join(value.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)
