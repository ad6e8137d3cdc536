#!/usr/bin/env python3
"""Asks TensorFlow Serving for the classes of spectrograms over gRPC.

    pip install tensorflow-serving-api
    python classify_grpc.py IMAGES.npy [--server localhost:8500] [--label canary]

IMAGES.npy holds [images, height, width], grey levels from 0 to 1 or uint8 from 0 to 255.
"""

import argparse
import sys

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub


def classify(channel, spectrograms, model="radio-signals", version=None, label="", seconds=30):
    """Return the arrays `class`, `score` and `probabilities`, and the version that answered.

    Args:
      channel: to the server.
      spectrograms: float [N, height, width], grey levels from 0 to 1.
      model: name of the model.
      version: its number; None for the newest.
      label: instead of the number, such as `canary`.
      seconds: how long to wait for the answer.
    """
    request = PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = "classify_spectrograms"
    if version is not None:
        request.model_spec.version.value = version
    elif label:
        request.model_spec.version_label = label
    request.inputs["spectrograms"].CopyFrom(tf.make_tensor_proto(np.float32(spectrograms)))
    response = PredictionServiceStub(channel).Predict(request, timeout=seconds)
    arrays = {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}
    return arrays, response.model_spec.version.value


def main():
    """Print a line for each spectrogram."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", metavar="IMAGES.npy")
    parser.add_argument("--server", default="localhost:8500")
    parser.add_argument("--model", default="radio-signals")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--version", type=int)
    choice.add_argument("--label", default="")
    options = parser.parse_args()
    images = np.load(options.images)
    levels = images / 255 if images.dtype == np.uint8 else images
    with grpc.insecure_channel(options.server) as channel:
        try:
            answer, _ = classify(channel, levels, options.model, options.version, options.label)
        except grpc.RpcError as error:
            sys.exit(f"{options.server}: {error.code().name}: {error.details()}")
    for number, (name, score) in enumerate(zip(answer["class"], answer["score"], strict=True)):
        print(number, name.decode(), f"{score:.4f}", sep="\t")


if __name__ == "__main__":
    main()
