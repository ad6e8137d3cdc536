"""The gRPC example client, against a real socket.

TensorFlow Serving itself is not at hand. The gRPC server is a stand-in: its interface is TensorFlow
Serving's own, and it answers with exported models.
"""

import runpy
import sys
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    add_PredictionServiceServicer_to_server,
)

CLIENTS = Path(__file__).parents[2] / "deploy" / "serving" / "clients"
VERSIONS = {"stable": 1, "canary": 2}


class BrightestRow(tf.Module):
    """A model of 4 x 6 pixels: the class is the row that is brightest."""

    def __init__(self, version: int):
        super().__init__()
        self.version = version

    @tf.function(input_signature=[tf.TensorSpec([None, 4, 6], name="spectrograms")])
    def classify_spectrograms(self, spectrograms):
        probabilities = tf.nn.softmax(tf.reduce_sum(spectrograms, axis=2))
        names = [f"row {row} by version {self.version}" for row in range(4)]
        return {
            "probabilities": probabilities,
            "class": tf.gather(names, tf.argmax(probabilities, axis=1)),
            "score": tf.reduce_max(probabilities, axis=1),
        }


class StandIn(PredictionServiceServicer):
    """Stands in for TensorFlow Serving with two versions of a model."""

    def __init__(self, folder: Path):
        self.models = {}
        for version in VERSIONS.values():
            module = BrightestRow(version)
            path = str(folder / str(version))
            tf.saved_model.save(
                module, path, {"classify_spectrograms": module.classify_spectrograms}
            )
            self.models[version] = tf.saved_model.load(path)

    def Predict(self, request, context):  # noqa: N802 - gRPC calls it by this name
        spec = request.model_spec
        if spec.name != "radio-signals":
            context.abort(grpc.StatusCode.NOT_FOUND, f"Servable not found: {spec.name}")
        version = max(self.models)
        if spec.HasField("version"):
            version = spec.version.value
        elif spec.version_label:
            version = VERSIONS[spec.version_label]
        signature = self.models[version].signatures[spec.signature_name]
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        answers = signature(**{name: tf.constant(value) for name, value in inputs.items()})
        response = PredictResponse()
        response.model_spec.CopyFrom(spec)
        response.model_spec.version.value = version
        for name, answer in answers.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(answer))
        return response


@pytest.fixture(scope="module")
def grpc_server(tmp_path_factory):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    add_PredictionServiceServicer_to_server(StandIn(tmp_path_factory.mktemp("models")), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@pytest.fixture
def images(tmp_path) -> Path:
    """Three images whose brightest rows are 2, 0 and 3."""
    levels = np.zeros((3, 4, 6), np.uint8)
    levels[range(3), [2, 0, 3]] = 255
    np.save(tmp_path / "images.npy", levels)
    return tmp_path / "images.npy"


@pytest.fixture
def ask(monkeypatch, capsys):
    """Run an example in this process, because TensorFlow is loaded here; return what it prints."""

    def run(client: str, *arguments) -> list[str]:
        monkeypatch.setattr(sys, "argv", [client, *map(str, arguments)])
        runpy.run_path(str(CLIENTS / client), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize(
    ("options", "version"),
    [((), 2), (("--label", "stable"), 1), (("--label", "canary"), 2), (("--version", "1"), 1)],
)
def test_the_grpc_client_prints_the_class_of_each_image(ask, grpc_server, images, options, version):
    score = f"{1 / (1 + 3 * np.exp(-6)):.4f}"
    assert ask("classify_grpc.py", images, "--server", grpc_server, *options) == [
        f"{number}\trow {row} by version {version}\t{score}" for number, row in enumerate([2, 0, 3])
    ]


def test_the_grpc_client_says_what_the_server_refused(ask, grpc_server, images):
    with pytest.raises(SystemExit) as ended:
        ask("classify_grpc.py", images, "--server", grpc_server, "--model", "other")
    assert str(ended.value) == f"{grpc_server}: NOT_FOUND: Servable not found: other"
