"""Writes the requests that TensorFlow Serving answers while it loads a model.

Without them, the first client of a new version would wait until TensorFlow has prepared the graph.
See https://www.tensorflow.org/tfx/serving/saved_model_warmup
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from data import example_features
from data.storage import files

WARM_UP_REQUESTS = files.join("assets.extra", "tf_serving_warmup_requests")
"""The file that TensorFlow Serving looks for: TFRecords of PredictionLog."""

EXAMPLES_ARGUMENT = "examples"
"""The argument of the signature `serving_default`."""


def write_warm_up_requests(model_dir: str, height: int, width: int) -> None:
    """Write a request for each signature, with the same image of random grey levels.

    One image is enough: TensorFlow prepares a graph once, whatever the number of images.

    Args:
      model_dir: folder of the SavedModel.
      height: time steps of an image.
      width: frequency channels of an image.
    """
    levels = np.random.default_rng(0).integers(0, 256, (height, width), dtype=np.uint8)
    image = tf.train.Feature(bytes_list=tf.train.BytesList(value=[levels.tobytes()]))
    features = tf.train.Features(feature={example_features.IMAGE: image})
    example = tf.train.Example(features=features).SerializeToString()
    spectrogram = (levels / 255).astype(np.float32)
    files.make_folder(files.join(model_dir, "assets.extra"))
    with tf.io.TFRecordWriter(files.join(model_dir, WARM_UP_REQUESTS)) as writer:
        writer.write(_make_record("serving_default", EXAMPLES_ARGUMENT, [example]))
        writer.write(_make_record("classify_spectrograms", "spectrograms", spectrogram[np.newaxis]))


def _make_record(signature: str, argument: str, value: Any) -> bytes:
    request = PredictRequest(model_spec=ModelSpec(name="radio-signals", signature_name=signature))
    request.inputs[argument].CopyFrom(tf.make_tensor_proto(value))
    log = PredictionLog(predict_log=PredictLog(request=request))
    record: bytes = log.SerializeToString()
    return record
