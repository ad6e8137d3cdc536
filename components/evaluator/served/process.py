"""Runs `fresh_process.py` beside the evaluation and reads what it wrote."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.evaluator.served import fresh_process
from data.invalid import InvalidData

_LOG = logging.getLogger("radio_signals.evaluator")

_REMEDY = "Correct the model or its export."
_ERROR = re.compile(r"^[\w.]*(?:Error|Exception)\b.*", re.MULTILINE)


@dataclass(frozen=True)
class Served:
    """What a model answered in a process with TensorFlow alone, and what it took.

    Attributes:
      load_seconds: time to load the model.
      warm_up_seconds: time to answer the warm-up requests after that.
      memory_bytes: the most memory that the process had at a time, TensorFlow included.
      outputs: the outputs of each signature.
      answers: an array for each output. The keys are `warm_up/SIGNATURE/OUTPUT` for the warm-up
        requests, and for all examples in stored order `serving_default/OUTPUT` and, if there is a
        model for TensorFlow Lite, `tflite/probabilities`.
    """

    load_seconds: float
    warm_up_seconds: float
    memory_bytes: int
    outputs: Mapping[str, list[str]]
    answers: Mapping[str, NDArray[Any]]

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Probabilities of all examples, float32 [N, classes], in stored order."""
        return self.answers["serving_default/probabilities"]


class FreshProcess:
    """A process that asks a model. Leaving the `with` block ends it."""

    def __init__(self, model_dir: str, patterns: Sequence[str], most_seconds: float = 0) -> None:
        """Start the process.

        Args:
          model_dir: a SavedModel.
          patterns: file patterns of TFRecords of the examples to ask about.
          most_seconds: how long loading and warm-up may take before the process is ended; 0 for as
            long as they need.
        """
        self._most_seconds = most_seconds
        self._folder = tempfile.TemporaryDirectory()
        self._messages = os.path.join(self._folder.name, "messages")
        # The GPU belongs to the evaluation, and a client has none.
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        with open(self._messages, "wb") as messages:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", fresh_process.__file__),
                    *(model_dir, self._folder.name, str(most_seconds), *patterns),
                ],
                stdin=subprocess.DEVNULL,
                stdout=messages,
                stderr=messages,
                cwd=self._folder.name,
                env=environment,
            )

    def __enter__(self) -> FreshProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def finish(self) -> Served:
        """Wait for the answers.

        Raises:
          InvalidData: the model cannot be loaded or does not answer.
        """
        status = self._process.wait()
        if status:
            raise InvalidData(self._explain(status))
        with open(os.path.join(self._folder.name, "facts.json"), encoding="utf-8") as file:
            facts = json.load(file)
        with np.load(os.path.join(self._folder.name, "answers.npz")) as stored:
            return Served(**facts, answers=dict(stored))

    def _explain(self, status: int) -> str:
        if status == -signal.SIGALRM:
            return (
                "The trained model did not answer the warm-up requests in a process of its own "
                f"within {self._most_seconds:g} s. {_REMEDY}"
            )
        if status < 0:
            return (
                "The process that loaded the trained model was ended by "
                f"{signal.Signals(-status).name}. If memory was short, free some and run again."
            )
        with open(self._messages, encoding="utf-8", errors="replace") as file:
            messages = file.read().strip()
        _LOG.error("the process that loaded the trained model wrote:\n%s", messages)
        errors = _ERROR.findall(messages) or messages.splitlines() or ["It wrote no message."]
        return (
            "The trained model cannot be loaded, or does not answer, in a process with TensorFlow "
            f"alone. {_REMEDY}\n{errors[-1]}"
        )
