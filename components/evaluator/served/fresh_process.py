"""Loads a SavedModel in a process with TensorFlow alone and asks it. A program.

    python -I fresh_process.py MODEL FOLDER LIMIT PATTERN...

The warm-up requests come first, then all examples in the files that match the patterns. FOLDER
gets `answers.npz`, the answers by signature and output, and then `facts.json`. If the model is not
loaded and has not answered the warm-up requests after LIMIT seconds, SIGALRM ends the process; 0 is
no limit.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

if __name__ == "__main__":
    # What a server does not have. An import of these fails, whoever tries it.
    for package in (
        *("components", "data", "pipeline", "trainer"),
        *("keras", "tf_keras", "tensorflow_transform", "tfx", "tfx_bsl"),
    ):
        sys.modules[package] = None  # type: ignore[assignment]

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

_WARM_UP_REQUESTS = os.path.join("assets.extra", "tf_serving_warmup_requests")
_LITE_MODEL = os.path.join("assets.extra", "model.tflite")
_EXAMPLES = "serving_default"
_IMAGES_PER_BATCH = 64


def main(model_dir: str, folder: str, limit: str, *patterns: str) -> None:
    """Ask a model and write what it answers."""
    signal.setitimer(signal.ITIMER_REAL, float(limit))
    started = time.perf_counter()
    model = tf.saved_model.load(model_dir)
    loaded = time.perf_counter()
    signatures = model.signatures
    answers: dict[str, Any] = {}
    for name, inputs in _read_requests(os.path.join(model_dir, _WARM_UP_REQUESTS)):
        if name in signatures:
            _collect(answers, f"warm_up/{name}", [signatures[name](**inputs)])
    warm = time.perf_counter()
    signal.setitimer(signal.ITIMER_REAL, 0)
    if _EXAMPLES in signatures:
        signature = signatures[_EXAMPLES]
        (argument,) = signature.structured_input_signature[1]
        batches = _read_examples(patterns)
        _collect(answers, _EXAMPLES, [signature(**{argument: batch}) for batch in batches])
    lite = os.path.join(model_dir, _LITE_MODEL)
    if tf.io.gfile.exists(lite):
        answers["tflite/probabilities"] = _ask_lite(lite, _read_examples(patterns))
    np.savez(os.path.join(folder, "answers.npz"), **answers)
    facts = {
        "load_seconds": loaded - started,
        "warm_up_seconds": warm - loaded,
        "memory_bytes": _read_peak_memory(),
        "outputs": {name: sorted(signatures[name].structured_outputs) for name in signatures},
    }
    with open(os.path.join(folder, "facts.json"), "w", encoding="utf-8") as file:
        json.dump(facts, file)


def _read_requests(file: str) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
    """Yield the signature and the inputs of each warm-up request."""
    for record in tf.data.TFRecordDataset(file):
        request = PredictionLog.FromString(record.numpy()).predict_log.request
        inputs = {
            name: tf.constant(tf.make_ndarray(value)) for name, value in request.inputs.items()
        }
        yield request.model_spec.signature_name, inputs


def _read_examples(patterns: tuple[str, ...]) -> tf.data.Dataset:
    """Return batches of serialised examples, string [N], in the order of the file names."""
    names = sorted({name for pattern in patterns for name in tf.io.gfile.glob(pattern)})
    # As in `trainer.inputs.records.UNTUNED`, which this program cannot import.
    untuned = tf.data.Options()
    untuned.autotune.enabled = False
    return tf.data.TFRecordDataset(names).batch(_IMAGES_PER_BATCH).with_options(untuned)


def _ask_lite(file: str, batches: tf.data.Dataset) -> np.ndarray[Any, Any]:
    """Return the probabilities that a model for TensorFlow Lite gives to examples."""
    with tf.io.gfile.GFile(file, "rb") as content:
        ask = tf.lite.Interpreter(model_content=content.read()).get_signature_runner()
    _, height, width = ask.get_input_details()["spectrograms"]["shape_signature"]
    spec = {"image": tf.io.FixedLenFeature([], tf.string)}
    parts = []
    for batch in batches:
        pixels = tf.io.decode_raw(tf.io.parse_example(batch, spec)["image"], tf.uint8)
        levels = tf.reshape(tf.cast(pixels, tf.float32) / 255, [-1, height, width])
        parts.append(ask(spectrograms=levels)["probabilities"])
    return np.concatenate(parts)


def _collect(answers: dict[str, Any], prefix: str, parts: list[dict[str, tf.Tensor]]) -> None:
    """Put the outputs of several calls of a signature together."""
    for output in parts[0]:
        values = np.concatenate([part[output].numpy() for part in parts])
        # Texts are objects, which only pickle could store.
        answers[f"{prefix}/{output}"] = values.astype("S") if values.dtype == object else values


def _read_peak_memory() -> int:
    """Return the most memory, in bytes, that this process has had at a time.

    `getrusage` would also count the memory of the process that started this one.
    """
    with open("/proc/self/status", encoding="ascii") as file:
        (line,) = (line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
