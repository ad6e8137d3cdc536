"""Exports a model for TensorFlow Lite, with its built-in operations alone.

Nothing but the interpreter is needed to run it: no TensorFlow, and no extra operations. The file
contains the preprocessing and the calibration.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import tensorflow as tf

from data.invalid import InvalidData
from data.storage import files
from trainer.export.served_probabilities import ServedProbabilities
from trainer.line_search.arithmetic import lite_operations
from trainer.settings import Settings

TFLITE_MODEL = files.join("assets.extra", "model.tflite")

# How the converter lists what it cannot convert.
_MISSING = re.compile(r"(?:TF Select|Custom) ops: (.+)")


def write_tflite_model(
    served: ServedProbabilities,
    read: Callable[[tf.Tensor], tf.Tensor],
    settings: Settings,
    directory: str,
) -> None:
    """Write `assets.extra/model.tflite` of a SavedModel.

    Its input `spectrograms` is float32 [N, height, width], grey levels from 0 to 1. Its output
    `probabilities` is float32 [N, classes], in the order of the classes in the model card.

    Args:
      served: the model, and what becomes of its probabilities.
      read: maps spectrograms to the input of the model.
      settings: settings of the run.
      directory: folder of the SavedModel.

    Raises:
      InvalidData: TensorFlow Lite lacks an operation of the model.
    """

    def classify(spectrograms: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": served.compute(read(spectrograms))}

    shape = [None, settings.height, settings.width]
    function = tf.function(
        classify,
        input_signature=[tf.TensorSpec(shape, tf.float32, name="spectrograms")],
        autograph=False,
    )
    # The converter looks for the variables in a module.
    module = tf.Module()
    module.weights = [weight.value for weight in served.model.weights]
    with lite_operations():
        traced = function.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced], module)
    files.write_file(files.join(directory, TFLITE_MODEL), _convert(converter, served.model.name))


def _convert(converter: tf.lite.TFLiteConverter, name: str) -> bytes:
    try:
        content: bytes = converter.convert()
    except Exception as error:
        missing = ", ".join(_MISSING.findall(str(error))) or str(error).partition("\n")[0]
        raise InvalidData(
            f"export.tflite: TensorFlow Lite cannot run the model {name}; it lacks {missing}. "
            "Leave export.tflite out, or choose another model."
        ) from error
    return content
