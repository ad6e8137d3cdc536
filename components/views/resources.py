"""The templates and scripts of this package."""

from __future__ import annotations

from importlib import resources

import jinja2

from components.pages import load_templates


def load_template(name: str) -> jinja2.Template:
    """Return a template of this package."""
    return load_templates(__package__).get_template(name)


def read_script(name: str) -> str:
    """Return the text of a script of this package."""
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
