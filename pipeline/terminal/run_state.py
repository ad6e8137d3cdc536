"""What this process runs at the moment, for messages and logs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class RunState:
    """The run and the step of this process.

    Attributes:
      run_id: start of the run, ISO 8601, local time; empty before the run.
      step: id of the node that runs, or ran last; empty before the first.
    """

    run_id: str = ""
    step: str = ""


RUN = RunState()
"""The only run of this process."""
