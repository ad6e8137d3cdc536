"""Logs the progress of a training run."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

import keras

# The command line shows the records of this logger; on a cluster they go to the step's log.
logger = logging.getLogger("radio_signals.training")

SECONDS_BETWEEN_UPDATES = 0.25


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training run has come.

    Attributes:
      epoch: number of the running epoch, from 1.
      epochs: epochs of the whole run.
      fraction: fraction of the epoch's training batches that are done, 0 to 1.
      loss: mean training loss over the epoch so far.
      accuracy: mean training accuracy over the epoch so far.
      images_per_second: training speed in this epoch so far.
    """

    epoch: int
    epochs: int
    fraction: float
    loss: float
    accuracy: float
    images_per_second: float


class EpochLog(keras.callbacks.Callback):
    """Logs one line per epoch, and adds learning rate and speed to Keras's own logs.

    It must come before the callbacks that write those logs to files.

    Within an epoch it logs records with the attribute `transient`, for displays that can overwrite
    them. Their attribute `progress` is a TrainingProgress, or None when training is over. Their
    level is DEBUG, so that logs that keep every line can leave them out.

    Attributes:
      images: images trained on so far.
      seconds: time spent in training batches so far, without validation and checkpoints.
    """

    def __init__(self, images_per_epoch: int, images: int = 0, seconds: float = 0.0) -> None:
        """Create the callback.

        Args:
          images_per_epoch: images of the training split.
          images: images already trained on.
          seconds: time already spent on training.
        """
        super().__init__()
        self._images_per_epoch = images_per_epoch
        self.images = images
        self.seconds = seconds

    def on_epoch_begin(self, epoch: int, _logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._epoch = epoch
        self._started = time.perf_counter()
        self._last_update = 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Log the progress within the epoch, a few times per second."""
        self._batches_ended = now = time.perf_counter()
        if now - self._last_update > SECONDS_BETWEEN_UPDATES:
            self._last_update = now
            fraction = (batch + 1) / self.params["steps"]
            progress = TrainingProgress(
                epoch=self._epoch + 1,
                epochs=self.params["epochs"],
                fraction=fraction,
                loss=float(logs["loss"]),
                accuracy=float(logs["accuracy"]),
                images_per_second=fraction * self._images_per_epoch / (now - self._started),
            )
            logger.debug(
                "epoch %d/%d, %.0f %%, loss %.4f",
                progress.epoch,
                progress.epochs,
                100 * progress.fraction,
                progress.loss,
                extra={"transient": True, "progress": progress},
            )

    def on_test_begin(self, _logs: dict[str, Any] | None = None) -> None:
        """Stop the clock: validation starts when the last training batch has finished."""
        self._batches_ended = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Log the results of the epoch."""
        seconds = self._batches_ended - self._started
        self.images += self._images_per_epoch
        self.seconds += seconds
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )
        logs["images_per_second"] = self._images_per_epoch / seconds
        logger.info(
            "epoch %*d/%d  loss %.4f  accuracy %.4f  validation loss %.4f  accuracy %.4f  "
            "%4.0f images/s",
            len(str(self.params["epochs"])),
            epoch + 1,
            self.params["epochs"],
            logs["loss"],
            logs["accuracy"],
            logs["val_loss"],
            logs["val_accuracy"],
            logs["images_per_second"],
        )

    def on_train_end(self, _logs: dict[str, Any] | None = None) -> None:
        """Log that training is over."""
        logger.debug("trained", extra={"transient": True, "progress": None})
