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


def wait_for(url: str, process: subprocess.Popen, is_complete) -> object:
    """Return what TensorBoard serves once it is complete; it reads new files every 5 seconds."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                served = json.load(response)
        except OSError:
            served = None
        if served and is_complete(served):
            return served
        time.sleep(0.5)
    pytest.fail(f"TensorBoard did not serve {url}, exit status {process.poll()}")


@pytest.mark.slow
def test_the_images_of_more_than_ten_epochs_are_served(tmp_path):
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
            tags = wait_for(f"{base}/tags", process, lambda served: served)
            assert list(tags) == ["6/tensorboard/validation"]
            images = wait_for(
                f"{base}/images?run=6/tensorboard/validation&tag=pictures/confusion%20matrix",
                process,
                lambda served: len(served) == 14,
            )
            assert [image["step"] for image in images] == list(range(1, 15))
        finally:
            process.terminate()
