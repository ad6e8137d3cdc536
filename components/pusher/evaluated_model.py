"""Collects what the model card says about the data and the evaluation of a model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx.components.example_gen.utils import FINGERPRINT_PROPERTY_NAME
from tfx.types import artifact_utils, standard_component_specs
from tfx.types.artifact import Artifact

from components.evaluator.confidence_intervals import LEVEL
from components.evaluator.evaluation import Evaluation, read_evaluation
from components.evaluator.failed_thresholds import describe_failed_thresholds, list_thresholds
from components.evaluator.served.record import read_record
from components.evaluator.slices import LINE_STRENGTH_RANGE
from components.spectrogram_example_gen.examples_artifact import (
    FINDINGS_FILE,
    SOURCE_PROPERTY,
    find_evaluated_split,
)
from data.storage import files

_SIMULATED = "(SIMULATED: "


def describe_evaluated_model(
    inputs: Mapping[str, list[Artifact]], classes: list[str]
) -> dict[str, Any]:
    """Return facts for `trainer.export.model_card_page.complete_model_card`.

    Args:
      inputs: the artifacts of each input of the Pusher, with `evaluation` and `examples`.
      classes: class names in the order of the model's outputs.
    """
    evaluation_dir = artifact_utils.get_single_uri(inputs[standard_component_specs.EVALUATION_KEY])
    serving = read_record(evaluation_dir)
    examples = artifact_utils.get_single_instance(inputs[standard_component_specs.EXAMPLES_KEY])
    return {
        "data": _describe_data(examples),
        "evaluation": {
            "split": find_evaluated_split(examples),
            **_describe_evaluation(read_evaluation(evaluation_dir, classes)),
        },
        "thresholds": list_thresholds(evaluation_dir),
        "failed_thresholds": describe_failed_thresholds(evaluation_dir),
        "serving": {key: value for key, value in serving.items() if key != "excesses"},
    }


def _describe_data(examples: Artifact) -> dict[str, Any]:
    findings = json.loads(files.read_text(files.join(examples.uri, FINDINGS_FILE)))
    source = examples.get_string_custom_property(SOURCE_PROPERTY)
    return {
        # A card may be public, so it does not tell where folders are on this machine.
        "source": source.rstrip("/").rpartition("/")[2],
        "simulated": _SIMULATED in source,
        "fingerprint": examples.get_string_custom_property(FINGERPRINT_PROPERTY_NAME),
        "images": findings["images"],
        "dropped_rows": len(findings["dropped_rows"]),
    }


def _describe_evaluation(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "level": LEVEL,
        **evaluation.overall.as_json(),
        "line_strengths": [
            {
                "value": part.value,
                "images": part.metrics.images,
                "accuracy": part.metrics.accuracy.value,
                "interval": part.metrics.accuracy.interval,
            }
            for part in evaluation.slices
            if part.feature == LINE_STRENGTH_RANGE
        ],
    }
