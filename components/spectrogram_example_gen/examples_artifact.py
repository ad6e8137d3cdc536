"""What the examples artifact says of its data, besides the examples: findings and source."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

from tfx.types import Artifact, artifact_utils

from components.spectrogram_example_gen.file_systems import choose_files
from data import stored_images
from data.invalid import InvalidData
from data.reading.inventory import Inventory
from data.reading.layout import DIVIDED, Division
from data.reading.problems import MOST_LISTED
from data.reading.verdict import Findings
from data.seed_layout import RECORD, TEST, VALIDATION

SOURCE_PROPERTY = "source"
"""Custom property of the artifact: describes where the data came from."""

_MOST_RECORD_BYTES = 1 << 20

FINDINGS_FILE = stored_images.FINDINGS_FILE
"""File beside the splits: images of each class and of each file, dropped rows and warnings."""


def find_evaluated_split(examples: Artifact) -> str:
    """Return the split that measures the model: the test images if there are any."""
    has_test = TEST in artifact_utils.decode_split_names(examples.split_names)
    return TEST if has_test else VALIDATION


def describe_source(folder: str, division: Division = DIVIDED) -> str:
    """Return the data folder, with notes if it holds simulated data and how they are divided."""
    divided = ""
    if division.fraction:
        divided = f", {division.fraction:g} of each class for validation (seed {division.seed})"
    return f"{_name_source(folder)}{divided}"


def _name_source(folder: str) -> str:
    path = os.path.join(folder, RECORD)
    try:
        with choose_files(folder).open(path) as file:
            record = json.loads(file.read(_MOST_RECORD_BYTES))
        preset, seed = record["preset"], record["seed"]
    except FileNotFoundError:
        return folder
    except (ValueError, KeyError, TypeError):
        raise InvalidData(
            f"{path} is not as the simulator wrote it. Restore or remove it."
        ) from None
    return f"{folder} (SIMULATED: preset {preset}, seed {seed})"


def format_findings(
    findings: Findings, inventory: Inventory, stored: dict[str, int]
) -> dict[str, Any]:
    """Return the content of the findings file.

    Args:
      findings: what was found in the data.
      inventory: what was read.
      stored: number of images in each file of examples, by its path relative to the artifact.
    """
    return {
        "format": inventory.format,
        "span": inventory.span,
        "files": inventory.shown_paths,
        "validation_fraction": inventory.division.fraction,
        "division_seed": inventory.division.seed if inventory.division.fraction else None,
        "images": findings.counts,
        "remarks": findings.remarks,
        stored_images.STORED: stored,
        "dropped_rows": [asdict(problem) for problem in findings.dropped],
        "warnings": [asdict(problem) for problem in findings.warnings[:MOST_LISTED]],
        "warnings_in_all": len(findings.warnings),
    }
