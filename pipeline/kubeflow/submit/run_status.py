"""What an installation says of a run and its tasks, in the form of either of its APIs.

Up to release 2, the details of a run list its tasks, and for each also a driver and an executor.
From release 3 on, the tasks have an address of their own and no start time (kubeflow/pipelines,
backend/api/v2/run.proto).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ENDED = {"SUCCEEDED", "SKIPPED", "CACHED", "FAILED", "CANCELED"}
"""States that do not change any more, of runs and of tasks."""

_NOT_STARTED = {None, "", "RUNTIME_STATE_UNSPECIFIED", "PENDING"}


@dataclass(frozen=True)
class Task:
    """A task of a run.

    Attributes:
      name: its name in the package; of a driver or an executor, a name that the installation gave.
      task_id: its id.
      pod: name of its pod; may be empty.
      state: RUNNING, SUCCEEDED, CACHED and so on; may be empty.
      started: when it started, in seconds since 1970; 0 if that is not known.
      ended: when it ended, in seconds since 1970; 0 if it has not.
      parent: id of the task that it belongs to; may be empty.
      children: ids of the tasks, or names of the pods, that belong to it.
      message: its error, or else the latest error in its history; may be empty.
    """

    name: str
    task_id: str
    pod: str
    state: str
    started: float
    ended: float
    parent: str
    children: tuple[str, ...]
    message: str

    @property
    def has_started(self) -> bool:
        """Whether it runs or ran, or was answered from the cache."""
        return self.state not in _NOT_STARTED

    @property
    def has_ended(self) -> bool:
        """Whether its state does not change any more."""
        return self.state in ENDED


@dataclass(frozen=True)
class RunStatus:
    """A run.

    Attributes:
      state: RUNNING, SUCCEEDED and so on; may be empty.
      message: its error, or else the latest error in its history; may be empty.
      tasks: its tasks, in no order.
    """

    state: str
    message: str
    tasks: tuple[Task, ...]

    @property
    def has_ended(self) -> bool:
        """Whether its state does not change any more."""
        return self.state in ENDED


def read_task_details(run: Mapping[str, Any]) -> list[Any]:
    """Return the tasks that are part of a run as JSON; an empty list if the run names none."""
    details = run.get("run_details") or {}
    return details.get("task_details") or run.get("tasks") or []


def read_status(run: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> RunStatus:
    """Return the status of a run.

    Args:
      run: the run as JSON.
      tasks: its tasks as JSON.
    """
    return RunStatus(run.get("state") or "", _find_message(run), tuple(map(_read_task, tasks)))


def _read_task(task: Mapping[str, Any]) -> Task:
    history = task.get("state_history") or ()
    running = [entry.get("update_time") for entry in history if entry.get("state") == "RUNNING"]
    started = task.get("start_time") or next(iter(running), None) or task.get("create_time")
    pods = task.get("pods") or ()
    children = task.get("child_tasks") or ()
    return Task(
        name=task.get("display_name") or task.get("name") or "",
        task_id=task.get("task_id") or "",
        pod=task.get("pod_name") or next((pod.get("name") or "" for pod in pods), ""),
        state=task.get("state") or "",
        started=_to_seconds(started),
        ended=_to_seconds(task.get("end_time")),
        parent=task.get("parent_task_id") or "",
        children=tuple(child.get("task_id") or child.get("pod_name") or "" for child in children),
        message=_find_message(task),
    )


def _find_message(described: Mapping[str, Any]) -> str:
    """Return the error of a run or task, or else the latest error in its history."""
    history = reversed(described.get("state_history") or ())
    errors = [
        described.get("error"),
        described.get("status_metadata"),
        *(state.get("error") for state in history),
        # What the pod last said, such as an image that cannot be pulled.
        {"message": described.get("lifecycle_message")},
    ]
    messages = (" ".join(((error or {}).get("message") or "").split()) for error in errors)
    return next(filter(None, messages), "").rstrip(".")


def _to_seconds(moment: str | None) -> float:
    """Convert a time such as 2026-01-01T00:00:00Z. The API gives 1970 where there is no time."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp() if moment else 0.0
