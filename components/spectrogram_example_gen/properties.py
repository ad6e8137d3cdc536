"""The component's execution properties, as what the reader takes."""

from __future__ import annotations

import json
from typing import Any

from components.spectrogram_example_gen.file_systems import files_of
from data.reading.inventory import Inventory, take_inventory
from data.reading.layout import Layout, Tolerance

NEWEST = -1
"""Instead of a span's number: the newest there is."""


def layout_of(exec_properties: dict[str, Any]) -> Layout:
    """What the data must look like."""
    # Executors are given the list, drivers the JSON that the metadata hold.
    classes = exec_properties["classes"]
    return Layout(
        classes=tuple(json.loads(classes) if isinstance(classes, str) else classes),
        height=int(exec_properties["height"]),
        width=int(exec_properties["width"]),
        label_column=exec_properties["label_column"],
        values=exec_properties["values"],
    )


def tolerance_of(exec_properties: dict[str, Any]) -> Tolerance:
    """What is let pass."""
    return Tolerance(
        max_bad_rows=int(exec_properties["max_bad_rows"]),
        allow_duplicates=bool(exec_properties["allow_duplicates"]),
    )


def inventory_of(exec_properties: dict[str, Any]) -> Inventory:
    """What there is to read.

    Raises:
      InvalidData: there is no such folder or span.
    """
    span = int(exec_properties["wanted_span"])
    folder = exec_properties["data"]
    return take_inventory(
        folder,
        layout_of(exec_properties),
        exec_properties["format"],
        None if span == NEWEST else span,
        files_of(folder),
    )
