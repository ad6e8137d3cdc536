"""`radio-signals tensorboard` serves the training logs of an output folder."""

import json
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import tensorflow as tf

from tests.ports import free_port


def answer(url: str, process: subprocess.Popen, wanted) -> object:
    """What is served once it is what is wanted; TensorBoard reads its files again every 5 s."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                served = json.load(response)
        except OSError:
            served = None
        if served and wanted(served):
            return served
        time.sleep(0.5)
    pytest.fail(f"TensorBoard did not serve {url}, exit status {process.poll()}")


def test_pictures_of_more_than_ten_epochs_are_served(tmp_path):
    folder = tmp_path / "artifacts" / "Trainer" / "model_run" / "6" / "tensorboard" / "validation"
    with tf.summary.create_file_writer(str(folder)).as_default():
        for epoch in range(1, 15):
            tf.summary.image("pictures/confusion matrix", np.zeros((1, 4, 4, 3), np.uint8), epoch)
    port = free_port()
    command = [sys.executable, "-m", "pipeline.cli.main", "tensorboard", "--output", str(tmp_path)]
    with subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            base = f"http://localhost:{port}/data/plugin/images"
            tags = answer(f"{base}/tags", process, lambda served: served)
            assert list(tags) == ["6/tensorboard/validation"]
            pictures = answer(
                f"{base}/images?run=6/tensorboard/validation&tag=pictures/confusion%20matrix",
                process,
                lambda served: len(served) == 14,
            )
            assert [picture["step"] for picture in pictures] == list(range(1, 15))
        finally:
            process.terminate()
