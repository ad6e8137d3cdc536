"""Templates and embedded pictures for self-contained HTML pages."""

from __future__ import annotations

import base64
from typing import Literal

import jinja2


def load_templates(package: str) -> jinja2.Environment:
    """Return the templates in the folder of a package, by file name."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def encode_data_uri(picture: bytes, kind: Literal["png", "svg+xml"]) -> str:
    """Return a data URI, which holds the picture itself."""
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode()
