"""Self-contained HTML pages: templates, and pictures inside them."""

from __future__ import annotations

import base64

import jinja2


def templates(package: str) -> jinja2.Environment:
    """Return the templates that lie in a package, by file name."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, ""),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def data_uri(picture: bytes, kind: str) -> str:
    """Return an address that holds a picture itself; `kind` is png or svg+xml."""
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode()
