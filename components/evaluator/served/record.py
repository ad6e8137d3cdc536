"""What the model took in a process of its own: a file in the Evaluator's output `evaluation`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from components.evaluator.served.process import Served
from data.storage import files

_RECORD = "serving.json"


def write_record(evaluation_dir: str, served: Served, excesses: Sequence[str]) -> None:
    """Write what the model took.

    Args:
      evaluation_dir: the output `evaluation`.
      served: time and memory.
      excesses: a sentence for each limit that the model exceeded.
    """
    record = {
        "load_seconds": round(served.load_seconds, 3),
        "warm_up_seconds": round(served.warm_up_seconds, 3),
        "memory_bytes": served.memory_bytes,
        "excesses": list(excesses),
    }
    files.write_file(files.join(evaluation_dir, _RECORD), json.dumps(record, indent=2))


def read_record(evaluation_dir: str) -> dict[str, Any]:
    """Return what `write_record` wrote; empty for an evaluation by an earlier release."""
    try:
        record: dict[str, Any] = json.loads(files.read_text(files.join(evaluation_dir, _RECORD)))
    except FileNotFoundError:
        return {}
    return record
