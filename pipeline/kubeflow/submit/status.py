"""Follows a run on Kubeflow Pipelines, task by task."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.kubeflow.submit.api_errors import NoAnswer
from pipeline.kubeflow.submit.connection import Connection
from pipeline.terminal.console import busy
from pipeline.terminal.failures import ServiceError

_ENDED = {"SUCCEEDED", "SKIPPED", "FAILED", "CANCELED"}
_UNNOTICED = {None, "RUNTIME_STATE_UNSPECIFIED", "PENDING"}
# Seconds between two looks: soon at first, for runs that fail at once, then less often.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
# Seconds for which an installation may be away, to be updated, say, before waiting ends.
_AWAY = 300.0


class TasksInOrder:
    """Shows each change of a task's state, once.

    A run's details hold more than its tasks: for each of them a driver and an executor, and the
    whole as a task too. Only those that the package names are shown.
    """

    def __init__(self, console: Console, tasks: tuple[str, ...]):
        """Constructs it.

        Args:
          console: the user's.
          tasks: names of all tasks.
        """
        self._console = console
        self._tasks = tasks
        self._states: dict[str, str] = {}
        self._noticed: dict[str, float] = {}

    def show(self, run: Any) -> None:
        """Show what has changed since the last call."""
        for task in sorted(_details(run), key=lambda task: _seconds(task.start_time)):
            if task.display_name not in self._tasks or task.state in _UNNOTICED:
                continue
            if self._states.get(task.display_name) == task.state:
                continue
            self._states[task.display_name] = task.state
            self._noticed[task.display_name] = time.monotonic()
            self._line(task)

    @property
    def running(self) -> str:
        """The tasks that run now, and for how many seconds they have been seen to."""
        now = time.monotonic()
        running = (name for name, state in self._states.items() if state == "RUNNING")
        return ", ".join(f"{name} {now - self._noticed[name]:.0f} s" for name in running)

    def _line(self, task: Any) -> None:
        ended = task.state in _ENDED
        if not ended and self._console.is_terminal:
            # The spinner shows it.
            return
        number = sum(state in _ENDED for state in self._states.values())
        counted = f"[{number:>2}/{len(self._tasks)}]" if ended else ""
        taken = _seconds(task.end_time) - _seconds(task.start_time)
        # A task that has not ended ended in 1970.
        how_long = f"{taken:8.1f} s" if ended and taken >= 0 else ""
        width = len(f"[ 0/{len(self._tasks)}]")
        line = f"{counted:<{width}} {task.display_name:<24} {task.state.lower():<10}{how_long}"
        self._console.print(escape(line.rstrip()))


def follow(
    connection: Connection,
    run_id: str,
    tasks: tuple[str, ...],
    console: Console,
    timeout: float | None,
) -> Any:
    """Show a run until it ends.

    Args:
      connection: to the installation.
      run_id: of the run.
      tasks: names of its tasks.
      console: the user's.
      timeout: seconds to wait at most, None for ever.

    Returns:
      The run as the API describes it.

    Raises:
      ServiceError: it has not ended in time, or the installation has gone.
    """
    shown = TasksInOrder(console, tasks)
    started = heard = time.monotonic()
    pause = _FIRST_PAUSE
    with busy(console, "waiting") as say:
        while True:
            now = time.monotonic()
            try:
                run = connection.ask(connection.client.get_run, run_id=run_id)
                heard = now
                shown.show(run)
                if run.state in _ENDED:
                    return run
                say(escape(shown.running) or f"waiting {now - started:.0f} s")
            except NoAnswer as error:
                if now - heard > _AWAY:
                    raise ServiceError(f"{error} The run goes on without being watched.") from error
                say("no answer, trying again")
            if timeout is not None and now - started + pause > timeout:
                raise ServiceError(
                    f"The run has not ended within {timeout:g} s. It goes on; to end it, use the "
                    "page of the run."
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)


def failures_of(run: Any, tasks: tuple[str, ...]) -> dict[str, str]:
    """Return what failed in a run.

    Args:
      run: as the API describes it.
      tasks: names of its tasks.

    Returns:
      By task, what the API says of it, empty if it says nothing. What is said of a driver or an
      executor is said of its task. A failure of no task in particular has the name "".
    """
    details = _details(run)
    parents = _parents(details)
    found: dict[str, str] = {}
    for task in details:
        if task.state != "FAILED":
            continue
        name = _task_name(task, parents, tasks)
        if name or _message(task):
            found[name] = "; ".join(dict.fromkeys(filter(None, (found.get(name), _message(task)))))
    if any(found):
        found.pop("", None)
    elif _message(run):
        found[""] = _message(run)
    return found


def not_run(run: Any, tasks: tuple[str, ...]) -> list[str]:
    """Return the tasks that a run did not come to."""
    begun = {task.display_name for task in _details(run) if task.state not in _UNNOTICED}
    return [task for task in tasks if task not in begun]


def _details(run: Any) -> list[Any]:
    return (run.run_details and run.run_details.task_details) or []


def _parents(details: list[Any]) -> dict[str, Any]:
    """Return each task's parent by the task's id; both ways in which the API may tell."""
    by_id = {task.task_id: task for task in details}
    parents = {}
    for task in details:
        if task.parent_task_id in by_id:
            parents[task.task_id] = by_id[task.parent_task_id]
        for child in task.child_tasks or ():
            parents.setdefault(child.task_id or child.pod_name, task)
    return parents


def _task_name(task: Any, parents: dict[str, Any], tasks: tuple[str, ...]) -> str:
    """Return the name of the task that a driver or executor works for."""
    for one in _upwards(task, parents):
        if one.display_name in tasks:
            return one.display_name
    driver = (task.display_name or "").removesuffix("-driver")
    return driver if driver in tasks else ""


def _upwards(task: Any, parents: dict[str, Any]) -> Iterator[Any]:
    seen: set[str] = set()
    while task is not None and task.task_id not in seen:
        seen.add(task.task_id)
        yield task
        task = parents.get(task.task_id) or parents.get(task.pod_name)


def _message(of: Any) -> str:
    """Return the error of a run or task, or else the last one in its history."""
    errors = [of.error, *(state.error for state in reversed(of.state_history or ()))]
    messages = (" ".join(error.message.split()) for error in errors if error and error.message)
    return next(messages, "").rstrip(".")


def _seconds(moment: Any) -> float:
    return moment.timestamp() if moment else 0.0
