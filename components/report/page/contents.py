"""What a report shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.report.data_statistics import SplitStatistics
from components.report.data_validation import Validation
from components.report.page.spectrograms import Gallery
from components.report.predictions import Predictions
from components.report.provenance import Ancestor
from components.report.results import Results


@dataclass(frozen=True)
class Contents:
    """Everything on the page.

    Attributes:
      results: the Evaluator's and the Trainer's figures.
      predictions: of the exported model on the validation split.
      galleries: spectrograms of it.
      statistics: of the data, a split after the other.
      validation: of the data, and how far splits are apart.
      configuration: of the run, by dotted key.
      versions: of Python and packages, by name.
      code: fingerprint of the project's own code.
      lineage: the artifacts that the report is of.
      interactive: TFMA's views, a document for a frame; empty for a page without scripts.
    """

    results: Results
    predictions: Predictions
    galleries: Sequence[Gallery]
    statistics: Sequence[SplitStatistics]
    validation: Validation
    configuration: Mapping[str, Any]
    versions: Mapping[str, str]
    code: str
    lineage: Sequence[Ancestor]
    interactive: str = ""
