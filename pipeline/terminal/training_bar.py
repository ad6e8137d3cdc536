"""The bar shown while a model is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from trainer.watching.epoch_log import TrainingProgress


class TrainingBar:
    """A line with a bar over all epochs, for whatever displays renderables of rich.

    Epoch and part of it, bar, loss and accuracy of the epoch so far, images/s of training, and
    the time that the remaining epochs take at the speed of the last half minute.
    """

    def __init__(self):
        self._bar = Progress(
            TextColumn(" epoch {task.fields[epoch]}/{task.total:.0f} {task.fields[percent]:>3} %"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            expand=True,
        )
        self._task = None

    def update(self, progress: TrainingProgress) -> None:
        """Move the bar and show the present figures."""
        epoch = f"{progress.epoch:>{len(str(progress.epochs))}}"
        figures = (
            f"loss {progress.loss:.3f} accuracy {progress.accuracy:.3f} "
            f"{progress.images_per_second:5,.0f} images/s"
        )
        shown = {
            "epoch": epoch,
            "percent": f"{100 * progress.part:.0f}",
            "figures": figures,
            # A run that goes on where another was killed does not start at zero.
            "completed": progress.epoch - 1 + progress.part,
        }
        if self._task is None:
            self._task = self._bar.add_task("", total=progress.epochs, **shown)
        else:
            self._bar.update(self._task, **shown)

    def __rich__(self):
        return self._bar
