"""The progress bar of a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from trainer.watching.epoch_log import TrainingProgress


class TrainingBar:
    """A line with a bar over all epochs, which Rich can print.

    It shows the epoch and the percentage of it that is done, the bar, loss and accuracy of the
    epoch so far, the training speed in images/s, and the remaining time estimated from the last
    half minute.
    """

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn(" epoch {task.fields[epoch]}/{task.total:.0f} {task.fields[percent]:>3} %"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[metrics]}"),
            TimeRemainingColumn(),
            expand=True,
        )

    def update(self, progress: TrainingProgress) -> None:
        """Move the bar and show the current metrics."""
        if not self._bar.task_ids:
            self._bar.add_task("", total=progress.epochs, epoch="", percent="", metrics="")
        self._bar.update(
            self._bar.task_ids[0],
            # A resumed training run does not start at zero.
            completed=progress.epoch - 1 + progress.fraction,
            epoch=f"{progress.epoch:>{len(str(progress.epochs))}}",
            percent=f"{100 * progress.fraction:.0f}",
            metrics=f"loss {progress.loss:.3f} accuracy {progress.accuracy:.3f} "
            f"{progress.images_per_second:5,.0f} images/s",
        )

    def __rich__(self) -> Progress:
        return self._bar
