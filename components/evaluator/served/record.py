"""What the model took and answered in a process of its own: files in the output `evaluation`."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from components.evaluator.served.process import Served
from data.storage import files

_RECORD = "serving.json"
_PROBABILITIES = "served_probabilities.npy"


def write_record(evaluation_dir: str, served: Served, excesses: Sequence[str]) -> None:
    """Write what the model took, and the probabilities that it served.

    Args:
      evaluation_dir: the output `evaluation`.
      served: time, memory and answers.
      excesses: a sentence for each limit that the model exceeded.
    """
    record = {
        "load_seconds": round(served.load_seconds, 3),
        "warm_up_seconds": round(served.warm_up_seconds, 3),
        "memory_bytes": served.memory_bytes,
        "excesses": list(excesses),
    }
    files.write_file(files.join(evaluation_dir, _RECORD), json.dumps(record, indent=2))
    content = io.BytesIO()
    np.save(content, served.probabilities, allow_pickle=False)
    files.write_file(files.join(evaluation_dir, _PROBABILITIES), content.getvalue())


def read_record(evaluation_dir: str) -> dict[str, Any]:
    """Return what `write_record` wrote; empty for an evaluation by an earlier release."""
    try:
        record: dict[str, Any] = json.loads(files.read_text(files.join(evaluation_dir, _RECORD)))
    except FileNotFoundError:
        return {}
    return record


def read_probabilities(evaluation_dir: str) -> NDArray[np.float32]:
    """Return the probabilities that `write_record` wrote, float32 [N, classes], in stored order."""
    with files.open_file(files.join(evaluation_dir, _PROBABILITIES), "rb") as file:
        probabilities: NDArray[np.float32] = np.load(file, allow_pickle=False)
    return probabilities
