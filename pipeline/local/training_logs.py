"""TensorBoard on the training logs of an output folder."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def serve_training_logs(output: str, port: int) -> NoReturn:
    """Replace this process by TensorBoard, which shows every training run into an output folder.

    Raises:
      LookupError: the folder does not exist.
    """
    if not os.path.isdir(output):
        raise LookupError(f"{output} does not exist. Run the pipeline into it first.")
    command = [
        sys.executable,
        "-m",
        "tensorboard.main",
        f"--logdir={os.path.abspath(output)}/artifacts/Trainer/model_run",
        f"--port={port}",
        # TensorBoard keeps ten images of each kind by default: fewer than a run has epochs.
        "--samples_per_plugin=images=500",
    ]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is needed to start Python
