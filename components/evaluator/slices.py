"""The parts of the validation split that are evaluated on their own."""

from __future__ import annotations

import bisect
import itertools

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import slice_key_extractor

from data import example_features

# TFMA slices by exact value, so a measured number is put into a range first.
LINE_STRENGTH_RANGE = "line_strength_range"

# In deviations; `data.example_features` says of what. Noise stays below 5; from 7 on lines are
# plain to an eye.
LINE_STRENGTHS = (5.0, 7.0, 10.0)
LINE_STRENGTH_RANGES = (
    f"below {LINE_STRENGTHS[0]:g}",
    *(f"{low:g} to {high:g}" for low, high in itertools.pairwise(LINE_STRENGTHS)),
    f"{LINE_STRENGTHS[-1]:g} and more",
)

SLICED_BY = (example_features.CLASS_NAME, LINE_STRENGTH_RANGE)


def line_strength_range(strength: float) -> str:
    """Return the range that a line strength is in. Its lower bound belongs to it."""
    return LINE_STRENGTH_RANGES[bisect.bisect_right(LINE_STRENGTHS, strength)]


def slicing_specs() -> list[tfma.SlicingSpec]:
    """Everything, which alone is held against thresholds, then each of SLICED_BY."""
    return [tfma.SlicingSpec(), *(tfma.SlicingSpec(feature_keys=[key]) for key in SLICED_BY)]


def custom_extractors(
    eval_shared_model, eval_config: tfma.EvalConfig, tensor_adapter_config
) -> list[tfma.extractors.Extractor]:
    """TFMA's own extractors, and before examples are sliced, the ranges. TFX calls it by name."""
    *before, slicing = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    if slicing.stage_name != slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME:
        raise ValueError(f"TFMA ends with {slicing.stage_name} instead of slicing")
    ranges = tfma.extractors.Extractor(stage_name="Ranges", ptransform=beam.Map(_with_ranges))
    return [*before, ranges, slicing]


def _with_ranges(extracts: tfma.types.Extracts) -> tfma.types.Extracts:
    features = extracts[tfma.FEATURES_KEY]
    # A schema of one's own may leave it out; its slices are then missing, and nothing else.
    strength = np.ravel(features.get(example_features.LINE_STRENGTH, ()))
    if not strength.size:
        return extracts
    named = np.array([line_strength_range(float(strength[0]))])
    return {**extracts, tfma.FEATURES_KEY: {**features, LINE_STRENGTH_RANGE: named}}
