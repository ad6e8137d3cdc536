"""Parses the execution properties of SpectrogramExampleGen."""

from __future__ import annotations

import json
from typing import Any

from components.spectrogram_example_gen.file_systems import choose_files
from data.reading.inventory import Inventory, take_inventory
from data.reading.layout import Division, Layout, Tolerance

NEWEST = -1
"""Requests the newest span instead of a certain one."""


def parse_layout(exec_properties: dict[str, Any]) -> Layout:
    """Return what the data must look like."""
    # Executors get a list, drivers get the JSON that ML Metadata stores.
    classes = exec_properties["classes"]
    return Layout(
        classes=tuple(json.loads(classes) if isinstance(classes, str) else classes),
        height=int(exec_properties["height"]),
        width=int(exec_properties["width"]),
        label_column=exec_properties["label_column"],
        values=exec_properties["values"],
        resize=bool(exec_properties["resize"]),
        colour_map=exec_properties["colour_map"],
    )


def parse_tolerance(exec_properties: dict[str, Any]) -> Tolerance:
    """Return which faults of the data are tolerated."""
    return Tolerance(
        max_bad_rows=int(exec_properties["max_bad_rows"]),
        allow_duplicates=bool(exec_properties["allow_duplicates"]),
    )


def take_requested_inventory(exec_properties: dict[str, Any]) -> Inventory:
    """Return which files of the data folder are to be read.

    Raises:
      InvalidData: the folder or the span does not exist.
    """
    span = int(exec_properties["wanted_span"])
    folder = exec_properties["data"]
    return take_inventory(
        folder,
        parse_layout(exec_properties),
        exec_properties["format"],
        None if span == NEWEST else span,
        choose_files(folder),
        Division(float(exec_properties["validation_fraction"]), int(exec_properties["seed"])),
    )
