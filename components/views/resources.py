"""The templates and scripts of this package."""

from __future__ import annotations

from importlib import resources

import jinja2

from components.pages import templates


def template(name: str) -> jinja2.Template:
    """Return a template of this package."""
    return templates(__package__).get_template(name)


def text(name: str) -> str:
    """Return the text of a file of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
