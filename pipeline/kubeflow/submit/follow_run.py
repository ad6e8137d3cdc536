"""Follows a run on Kubeflow Pipelines to its end, and finds out which tasks failed and why."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.kubeflow.submit.api_client import KubeflowClient
from pipeline.kubeflow.submit.api_errors import UnavailableError
from pipeline.terminal.console import show_spinner
from pipeline.terminal.failures import ServiceError

_ENDED = {"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"}
_NOT_STARTED = {None, "RUNTIME_STATE_UNSPECIFIED", "PENDING"}
# Seconds between two requests: few at first, for runs that fail at once, then more.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
# Seconds for which an installation may be unavailable, for example during an upgrade.
_LONGEST_OUTAGE = 300.0


class _TaskDisplay:
    """Shows each change of a task's state once.

    The details of a run list more than the package's tasks: also a driver and an executor for each,
    and the whole run as a task. Only the tasks that the package names are shown.
    """

    def __init__(self, console: Console, tasks: tuple[str, ...]) -> None:
        self._console = console
        self._tasks = tasks
        self._states: dict[str, str] = {}
        self._changed_at: dict[str, float] = {}

    def update(self, run: Any) -> None:
        """Show what has changed since the last call."""
        for task in sorted(_list_task_details(run), key=lambda task: _to_seconds(task.start_time)):
            if task.display_name not in self._tasks or task.state in _NOT_STARTED:
                continue
            if self._states.get(task.display_name) == task.state:
                continue
            self._states[task.display_name] = task.state
            self._changed_at[task.display_name] = time.monotonic()
            self._print(task)

    @property
    def running(self) -> str:
        """The tasks that are running, and for how many seconds they have been seen to run."""
        now = time.monotonic()
        names = (name for name, state in self._states.items() if state == "RUNNING")
        return ", ".join(f"{name} {now - self._changed_at[name]:.0f} s" for name in names)

    def _print(self, task: Any) -> None:
        has_ended = task.state in _ENDED
        if not has_ended and self._console.is_terminal:
            # The spinner shows it.
            return
        ended_tasks = sum(state in _ENDED for state in self._states.values())
        count = f"[{ended_tasks:>2}/{len(self._tasks)}]" if has_ended else ""
        seconds = _to_seconds(task.end_time) - _to_seconds(task.start_time)
        # The API gives 1970 as the end of a task that has not ended.
        duration = f"{seconds:8.1f} s" if has_ended and seconds >= 0 else ""
        width = len(f"[ 0/{len(self._tasks)}]")
        line = f"{count:<{width}} {task.display_name:<24} {task.state.lower():<10}{duration}"
        self._console.print(escape(line.rstrip()))


def follow_run(
    client: KubeflowClient,
    run_id: str,
    tasks: tuple[str, ...],
    console: Console,
    timeout: float | None,
) -> Any:
    """Show the progress of a run until it ends.

    Args:
      client: sends requests to the installation.
      run_id: id of the run.
      tasks: names of its tasks.
      console: the user's console.
      timeout: longest time to wait in seconds; None to wait for ever.

    Returns:
      The run as the API describes it.

    Raises:
      ServiceError: the run has not ended in time, or the installation no longer answers.
    """
    display = _TaskDisplay(console, tasks)
    pauses = _pause_between_requests(timeout)
    last_answer = 0.0
    with show_spinner(console, "waiting") as show:
        while True:
            elapsed = next(pauses)
            try:
                run = client.get_run(run_id)
            except UnavailableError as error:
                if elapsed - last_answer > _LONGEST_OUTAGE:
                    raise ServiceError(
                        f"{error} The run continues, but is no longer followed."
                    ) from error
                show("no answer, trying again")
                continue
            last_answer = elapsed
            display.update(run)
            if run.state in _ENDED:
                return run
            show(escape(display.running) or f"waiting {elapsed:.0f} s")


def _pause_between_requests(timeout: float | None) -> Iterator[float]:
    """Yield the seconds since the start: at once, and after each of ever longer pauses.

    Raises:
      ServiceError: the next pause would exceed the timeout.
    """
    started = time.monotonic()
    pause = _FIRST_PAUSE
    while True:
        elapsed = time.monotonic() - started
        yield elapsed
        if timeout is not None and elapsed + pause > timeout:
            raise ServiceError(
                f"The run has not ended within {timeout:g} s. It continues; to end it, use the "
                "page of the run."
            )
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def find_failures(run: Any, tasks: tuple[str, ...]) -> dict[str, str]:
    """Return what failed in a run.

    Args:
      run: the run as the API describes it.
      tasks: names of its tasks.

    Returns:
      The API's message by task, empty if it gives none. Messages about a task's driver or executor
      count as the task's. A failure that belongs to no task has the name "".
    """
    details = _list_task_details(run)
    parents = _find_parents(details)
    failures: dict[str, str] = {}
    for task in details:
        if task.state != "FAILED":
            continue
        name = _find_package_task(task, parents, tasks)
        message = _find_error_message(task)
        if name or message:
            messages = dict.fromkeys(filter(None, (failures.get(name), message)))
            failures[name] = "; ".join(messages)
    if any(failures):
        failures.pop("", None)
    elif message := _find_error_message(run):
        failures[""] = message
    return failures


def find_tasks_not_run(run: Any, tasks: tuple[str, ...]) -> list[str]:
    """Return the tasks that a run did not start."""
    started = {
        task.display_name for task in _list_task_details(run) if task.state not in _NOT_STARTED
    }
    return [task for task in tasks if task not in started]


def _list_task_details(run: Any) -> list[Any]:
    return (run.run_details and run.run_details.task_details) or []


def _find_parents(details: list[Any]) -> dict[str, Any]:
    """Return each task's parent by the task's id; the API has two ways to give it."""
    by_id = {task.task_id: task for task in details}
    parents = {}
    for task in details:
        if task.parent_task_id in by_id:
            parents[task.task_id] = by_id[task.parent_task_id]
        for child in task.child_tasks or ():
            parents.setdefault(child.task_id or child.pod_name, task)
    return parents


def _find_package_task(task: Any, parents: dict[str, Any], tasks: tuple[str, ...]) -> str:
    """Return the name of the package's task that a driver or executor works for."""
    for ancestor in _walk_up(task, parents):
        if ancestor.display_name in tasks:
            return ancestor.display_name
    driver = (task.display_name or "").removesuffix("-driver")
    return driver if driver in tasks else ""


def _walk_up(task: Any, parents: dict[str, Any]) -> Iterator[Any]:
    seen: set[str] = set()
    while task is not None and task.task_id not in seen:
        seen.add(task.task_id)
        yield task
        task = parents.get(task.task_id) or parents.get(task.pod_name)


def _find_error_message(run_or_task: Any) -> str:
    """Return the error of a run or task, or else the latest error in its history."""
    history = reversed(run_or_task.state_history or ())
    errors = [run_or_task.error, *(state.error for state in history)]
    messages = (" ".join(error.message.split()) for error in errors if error and error.message)
    return next(messages, "").rstrip(".")


def _to_seconds(moment: Any) -> float:
    return moment.timestamp() if moment else 0.0
