"""The requests that TensorFlow Serving answers while it loads a model."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from trainer.export.warm_up import write_warm_up_requests


def test_each_signature_is_asked_about_the_same_image_where_the_server_looks(tmp_path):
    write_warm_up_requests(str(tmp_path), 16, 24)
    file = tmp_path / "assets.extra" / "tf_serving_warmup_requests"
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(file))]
    by_example, by_pixels = (PredictionLog.FromString(r).predict_log.request for r in records)
    assert by_example.model_spec.signature_name == "serving_default"
    (example,) = tf.make_ndarray(by_example.inputs["examples"])
    (stored,) = tf.train.Example.FromString(example).features.feature["image"].bytes_list.value
    levels = np.frombuffer(stored, np.uint8).reshape(16, 24)
    assert by_pixels.model_spec.signature_name == "classify_spectrograms"
    spectrograms = tf.make_ndarray(by_pixels.inputs["spectrograms"])
    assert spectrograms.dtype == np.float32
    np.testing.assert_array_equal(spectrograms[0], (levels / 255).astype(np.float32))
    assert len(np.unique(levels)) > 100, "a constant image would take another way"
