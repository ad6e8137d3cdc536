"""Follows a run on Kubeflow Pipelines to its end, and finds out which tasks failed and why."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.markup import escape

from pipeline.kubeflow.submit.api_client import KubeflowClient
from pipeline.kubeflow.submit.api_errors import UnavailableError
from pipeline.kubeflow.submit.run_status import ENDED, RunStatus, Task
from pipeline.terminal.console import show_spinner
from pipeline.terminal.failures import ServiceError

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

    def update(self, run: RunStatus) -> None:
        """Show what has changed since the last call."""
        for task in sorted(run.tasks, key=lambda task: task.started):
            if task.name not in self._tasks or not task.has_started:
                continue
            if self._states.get(task.name) == task.state:
                continue
            self._states[task.name] = task.state
            self._changed_at[task.name] = time.monotonic()
            self._print(task)

    @property
    def running(self) -> str:
        """The tasks that are running, and for how many seconds they have been seen to run."""
        now = time.monotonic()
        names = (name for name, state in self._states.items() if state == "RUNNING")
        return ", ".join(f"{name} {now - self._changed_at[name]:.0f} s" for name in names)

    def _print(self, task: Task) -> None:
        if not task.has_ended and self._console.is_terminal:
            # The spinner shows it.
            return
        ended_tasks = sum(state in ENDED for state in self._states.values())
        count = f"[{ended_tasks:>2}/{len(self._tasks)}]" if task.has_ended else ""
        seconds = task.ended - task.started
        # Without a start, this would be the time since 1970.
        is_timed = task.has_ended and task.started and seconds >= 0
        duration = f"{seconds:8.1f} s" if is_timed else ""
        width = len(f"[ 0/{len(self._tasks)}]")
        line = f"{count:<{width}} {task.name:<24} {task.state.lower():<10}{duration}"
        self._console.print(escape(line.rstrip()))


def follow_run(
    client: KubeflowClient,
    run_id: str,
    tasks: tuple[str, ...],
    console: Console,
    timeout: float | None,
) -> RunStatus:
    """Show the progress of a run until it ends.

    Args:
      client: sends requests to the installation.
      run_id: id of the run.
      tasks: names of its tasks.
      console: the user's console.
      timeout: longest time to wait in seconds; None to wait for ever.

    Returns:
      The run that has ended.

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
            if run.has_ended:
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


def find_failures(run: RunStatus, tasks: tuple[str, ...]) -> dict[str, str]:
    """Return what failed in a run.

    Args:
      run: the run.
      tasks: names of its tasks.

    Returns:
      The API's message by task, empty if it gives none. Messages about a task's driver or executor
      count as the task's. A failure that belongs to no task has the name "".
    """
    parents = _find_parents(run.tasks)
    failures: dict[str, str] = {}
    for task in run.tasks:
        if task.state != "FAILED":
            continue
        name = _find_package_task(task, parents, tasks)
        if name or task.message:
            messages = dict.fromkeys(filter(None, (failures.get(name), task.message)))
            failures[name] = "; ".join(messages)
    if any(failures):
        failures.pop("", None)
    elif run.message:
        failures[""] = run.message
    return failures


def find_tasks_not_run(run: RunStatus, tasks: tuple[str, ...]) -> list[str]:
    """Return the tasks that a run did not start."""
    started = {task.name for task in run.tasks if task.has_started}
    return [task for task in tasks if task not in started]


def _find_parents(tasks: Sequence[Task]) -> dict[str, Task]:
    """Return each task's parent by the task's id or pod; the API has two ways to give it."""
    by_id = {task.task_id: task for task in tasks}
    parents = {}
    for task in tasks:
        if task.parent in by_id:
            parents[task.task_id] = by_id[task.parent]
        for child in task.children:
            parents.setdefault(child, task)
    return parents


def _find_package_task(task: Task, parents: dict[str, Task], tasks: tuple[str, ...]) -> str:
    """Return the name of the package's task that a driver or executor works for."""
    for ancestor in _walk_up(task, parents):
        if ancestor.name in tasks:
            return ancestor.name
    driver = task.name.removesuffix("-driver")
    return driver if driver in tasks else ""


def _walk_up(task: Task | None, parents: dict[str, Task]) -> Iterator[Task]:
    seen: set[str] = set()
    while task is not None and task.task_id not in seen:
        seen.add(task.task_id)
        yield task
        task = parents.get(task.task_id) or parents.get(task.pod)
