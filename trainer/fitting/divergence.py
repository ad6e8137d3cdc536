"""Ends a training run whose loss is no longer a finite number."""

from __future__ import annotations

import math

import keras

from data.invalid import InvalidData
from trainer.settings import Settings


class DivergedError(InvalidData):
    """Training with this configuration and these data leads to a loss that is not finite.

    It is an InvalidData, because running again would end in the same way.

    Attributes:
      place: the epoch, and the batch if it is known.
    """

    def __init__(self, loss: float, place: str, settings: Settings) -> None:
        """Create the error.

        Args:
          loss: the loss, NaN or infinite.
          place: where in training it occurred.
          settings: settings of the run.
        """
        name = "NaN" if math.isnan(loss) else "infinite"
        super().__init__(
            f"Training diverged: the loss is {name} in {place}. "
            f"Likely reasons: {_list_reasons(settings)}. Lower schedule.initial_rate or set "
            "optimizer.clip_norm, then run again."
        )
        self.place = place


class DivergenceCheck(keras.callbacks.Callback):
    """Raises an error as soon as a loss is NaN or infinite.

    It must come first, so that no other callback writes this loss or these weights.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings

    def on_epoch_begin(self, epoch: int, _logs: dict[str, float] | None = None) -> None:
        """Remember the epoch."""
        self._place = f"epoch {epoch + 1}"

    def on_train_batch_end(self, batch: int, logs: dict[str, float]) -> None:
        """Check the mean loss of the epoch so far, which stays NaN or infinite.

        Raises:
          DivergedError: the loss is not finite.
        """
        # With several replicas, the loss is that of one, and the others would wait for it forever.
        if self.model.distribute_strategy.num_replicas_in_sync == 1:
            self._check(logs["loss"], f", batch {batch + 1} of {self.params['steps']}")

    def on_epoch_end(self, _epoch: int, logs: dict[str, float]) -> None:
        """Check the losses of the epoch, over all replicas.

        Raises:
          DivergedError: a loss is not finite.
        """
        self._check(logs["loss"], "")
        self._check(logs["val_loss"], ", on the validation images")

    def _check(self, loss: float, place: str) -> None:
        if not math.isfinite(loss):
            raise DivergedError(loss, self._place + place, self._settings)


def _list_reasons(settings: Settings) -> str:
    rate = settings.schedule.set_values.get("initial_rate")
    reasons = [f"a learning rate that is too high (schedule.initial_rate is {rate:g})"]
    if settings.mixed_precision:
        reasons.append("rounding (mixed_precision is true)")
    if settings.class_weights:
        reasons.append(f"large class weights (class_weights is {settings.class_weights})")
    if settings.initial_weights or settings.warm_start_from:
        reasons.append("extreme starting weights")
    return ", ".join([*reasons, "or images unlike all others"])
