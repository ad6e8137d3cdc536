"""The slices of the evaluated split that are evaluated separately."""

from __future__ import annotations

import bisect
import itertools

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import slice_key_extractor
from tensorflow_model_analysis.proto import config_pb2

from data import example_features

# TFMA slices by exact values, so a measured number is first replaced by the range it is in.
LINE_STRENGTH_RANGE = "line_strength_range"

# In standard deviations of noise, see `data.example_features.LINE_STRENGTH`. Pure noise stays
# below 5. From 7 on, lines are clearly visible.
LINE_STRENGTHS = (5.0, 7.0, 10.0)
LINE_STRENGTH_RANGES = (
    f"below {LINE_STRENGTHS[0]:g}",
    *(f"{low:g} to {high:g}" for low, high in itertools.pairwise(LINE_STRENGTHS)),
    f"{LINE_STRENGTHS[-1]:g} and more",
)

SLICING_FEATURES = (example_features.CLASS_NAME, LINE_STRENGTH_RANGE)


def line_strength_range(strength: float) -> str:
    """Return the range that a line strength is in. A range includes its lower bound."""
    return LINE_STRENGTH_RANGES[bisect.bisect_right(LINE_STRENGTHS, strength)]


def list_slicing_specs() -> list[config_pb2.SlicingSpec]:
    """Return TFMA's specifications: the whole split, then its slices by each feature."""
    return [
        config_pb2.SlicingSpec(),
        *(config_pb2.SlicingSpec(feature_keys=[key]) for key in SLICING_FEATURES),
    ]


# TFX finds this function by its name and passes these arguments.
def custom_extractors(
    eval_shared_model: list[tfma.types.EvalSharedModel],
    eval_config: config_pb2.EvalConfig,
    tensor_adapter_config: object,
) -> list[tfma.extractors.Extractor]:
    """Return TFMA's own extractors, with one that adds the ranges before the one that slices."""
    *before, slicing = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    if slicing.stage_name != slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME:
        raise ValueError(f"TFMA's last extractor is {slicing.stage_name}, not the one that slices.")
    ranges = tfma.extractors.Extractor(stage_name="Ranges", ptransform=beam.Map(_add_range))
    return [*before, ranges, slicing]


def _add_range(extracts: tfma.types.Extracts) -> tfma.types.Extracts:
    features = extracts[tfma.FEATURES_KEY]
    # A user's own schema may omit the feature. Then only these slices are missing.
    strength = np.ravel(features.get(example_features.LINE_STRENGTH, ()))
    if not strength.size:
        return extracts
    named = np.array([line_strength_range(float(strength[0]))])
    return {**extracts, tfma.FEATURES_KEY: {**features, LINE_STRENGTH_RANGE: named}}
