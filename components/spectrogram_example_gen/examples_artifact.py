"""What the examples artifact says of its data, besides the examples: findings and source."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import Any

from components.spectrogram_example_gen.file_systems import choose_files
from data.reading.inventory import Inventory
from data.reading.problems import MOST_LISTED
from data.reading.verdict import Findings
from data.seed_layout import RECORD

SOURCE_PROPERTY = "source"
"""Custom property of the artifact: describes where the data came from."""

FINDINGS_FILE = "findings.json"
"""File beside the splits: images of each class, dropped rows and warnings."""


def describe_source(folder: str) -> str:
    """Return the data folder, with a note if it holds simulated data."""
    try:
        with choose_files(folder).open(os.path.join(folder, RECORD)) as file:
            record = json.load(file)
    except FileNotFoundError:
        return folder
    return f"{folder} (SIMULATED: preset {record.get('preset')}, seed {record.get('seed')})"


def format_findings(findings: Findings, inventory: Inventory) -> dict[str, Any]:
    """Return the content of the findings file."""
    return {
        "format": inventory.format,
        "span": inventory.span,
        "files": inventory.paths,
        "images": findings.counts,
        "dropped_rows": [asdict(problem) for problem in findings.dropped],
        "warnings": [asdict(problem) for problem in findings.warnings[:MOST_LISTED]],
        "warnings_in_all": len(findings.warnings),
    }
