"""The description of all routes in the form of OpenAPI."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import yaml

from pipeline.serving.served_model import ServedModel

_WHICH = {
    "/v1/": ("", "/versions/{version}", "/labels/{label}"),
    "/v2/": ("", "/versions/{version}"),
}
_PARAMETERS = {
    "name": "Name of the model.",
    "version": "Number of a loaded version; without it, the newest answers.",
    "label": "latest, previous, or a label that the server was started with.",
}


def describe_api(model_name: str, loaded: Sequence[ServedModel]) -> dict[str, Any]:
    """Return the description.

    Args:
      model_name: name of the model in addresses.
      loaded: the versions; the size of spectrograms is that of the first.
    """
    api: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("openapi.yaml").read_text())
    api["info"]["version"] = version("radio-signals")
    api["paths"] = {
        variant: _describe_path(variant, operations, model_name)
        for path, operations in api["paths"].items()
        for variant in _list_variants(path)
    }
    if loaded:
        rows, columns = loaded[0].height, loaded[0].width
        schema = api["components"]["schemas"]["Spectrogram"]
        schema.update(minItems=rows, maxItems=rows)
        schema["items"].update(minItems=columns, maxItems=columns)
        api["info"]["description"] += (
            f"\nVersion {loaded[0].version} answers. It reads spectrograms of {rows} x {columns} "
            f"and knows the classes {', '.join(loaded[0].classes)}."
        )
    return api


def _list_variants(path: str) -> list[str]:
    """Return the paths with which a model can be named by version and label."""
    which = _WHICH.get(path[:4], ("",)) if "{name}" in path else ("",)
    return [path.replace("{name}", "{name}" + each) for each in which]


def _describe_path(path: str, operations: dict[str, Any], model_name: str) -> dict[str, Any]:
    parameters = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PARAMETERS[name],
            "schema": {"type": "string", **({"default": model_name} if name == "name" else {})},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]
    # Copied, because the variants of a path share what the file says of it.
    return {**({"parameters": parameters} if parameters else {}), **copy.deepcopy(operations)}
