"""What a training run tells while it goes on."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

import keras

# The command line shows this logger's records; on a cluster they go to the step's log.
logger = logging.getLogger("radio_signals.training")

_SECONDS_BETWEEN_SIGNS_OF_LIFE = 0.25


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training run is.

    Attributes:
      epoch: the running epoch, from 1.
      epochs: of the whole run.
      part: of the epoch's training batches that are done, 0 to 1.
      loss: mean over the epoch so far.
      accuracy: the same.
      images_per_second: of training, in this epoch so far.
    """

    epoch: int
    epochs: int
    part: float
    loss: float
    accuracy: float
    images_per_second: float


class EpochLog(keras.callbacks.Callback):
    """Logs a line an epoch, and adds learning rate and speed to Keras's own logs.

    Must come before the callbacks that write those logs to files. A record with the attribute
    `transient` is a sign of life within an epoch, for displays that can overwrite it; its
    attribute `progress` is a TrainingProgress, or None when training is over. These records have
    the level DEBUG, so that logs which keep every line are spared them.

    Attributes:
      images: images trained on so far.
      seconds: time spent in training batches so far, validation and checkpoints excluded.
    """

    def __init__(self, images_per_epoch: int):
        super().__init__()
        self._images_per_epoch = images_per_epoch
        self.images = 0
        self.seconds = 0.0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._started = time.perf_counter()
        self._last_sign = 0.0

    def on_train_batch_end(self, batch, logs=None):
        self._batches_ended = now = time.perf_counter()
        if now - self._last_sign > _SECONDS_BETWEEN_SIGNS_OF_LIFE:
            self._last_sign = now
            part = (batch + 1) / self.params["steps"]
            progress = TrainingProgress(
                epoch=self._epoch + 1,
                epochs=self.params["epochs"],
                part=part,
                loss=float(logs["loss"]),
                accuracy=float(logs["accuracy"]),
                images_per_second=part * self._images_per_epoch / (now - self._started),
            )
            logger.debug(
                "epoch %d/%d, %.0f %%, loss %.4f",
                progress.epoch,
                progress.epochs,
                100 * progress.part,
                progress.loss,
                extra={"transient": True, "progress": progress},
            )

    def on_test_begin(self, logs=None):
        # Validation inside fit starts when the last training batch is really done.
        self._batches_ended = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
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

    def on_train_end(self, logs=None):
        logger.debug("trained", extra={"transient": True, "progress": None})
