"""The slices of the evaluated split that are evaluated separately, and how TFMA gets them."""

from __future__ import annotations

import bisect
import itertools

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.extractors import predictions_extractor, slice_key_extractor
from tensorflow_model_analysis.proto import config_pb2

from data import example_features
from trainer.export.warm_up import EXAMPLES_ARGUMENT

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
    """Return TFMA's own extractors, with some between them.

    They pass the examples to the model by name, drop the images as soon as the model has answered,
    and add the ranges before the slices are made.
    """
    *before, predicting, unbatching, slicing = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    stages = (predicting.stage_name, slicing.stage_name)
    expected = (
        predictions_extractor.PREDICTIONS_EXTRACTOR_STAGE_NAME,
        slice_key_extractor.SLICE_KEY_EXTRACTOR_STAGE_NAME,
    )
    if stages != expected:
        raise ValueError(f"TFMA's extractors are {stages} where {expected} are expected.")
    naming = tfma.extractors.Extractor("NameExamples", beam.Map(_name_examples))
    dropping = tfma.extractors.Extractor("DropImages", beam.Map(_drop_images))
    ranges = tfma.extractors.Extractor("Ranges", beam.Map(_add_range))
    return [*before, naming, predicting, dropping, unbatching, ranges, slicing]


def _name_examples(batch: tfma.types.Extracts) -> tfma.types.Extracts:
    """Give the examples the name of the model's input.

    Without a name, TFMA calls the model in a way that TensorFlow refuses at first. The message has
    all images in it, and writing it takes a quarter as long as the answers.
    """
    features = {**batch[tfma.FEATURES_KEY], EXAMPLES_ARGUMENT: batch[tfma.INPUT_KEY]}
    return {**batch, tfma.FEATURES_KEY: features}


def _drop_images(batch: tfma.types.Extracts) -> tfma.types.Extracts:
    """Leave out what no metric needs and Beam would copy for each image."""
    batch = {key: value for key, value in batch.items() if key != tfma.INPUT_KEY}
    unused = {EXAMPLES_ARGUMENT, example_features.IMAGE}
    features = {k: value for k, value in batch[tfma.FEATURES_KEY].items() if k not in unused}
    return {**batch, tfma.FEATURES_KEY: features}


def _add_range(extracts: tfma.types.Extracts) -> tfma.types.Extracts:
    features = extracts[tfma.FEATURES_KEY]
    # A user's own schema may omit the feature. Then only these slices are missing.
    strength = np.ravel(features.get(example_features.LINE_STRENGTH, ()))
    if not strength.size:
        return extracts
    named = np.array([line_strength_range(float(strength[0]))])
    return {**extracts, tfma.FEATURES_KEY: {**features, LINE_STRENGTH_RANGE: named}}
