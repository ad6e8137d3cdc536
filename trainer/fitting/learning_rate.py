"""The learning rate over a training run."""

from __future__ import annotations

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops
from keras.optimizers import schedules

# The final rate without `decay_steps`, as a fraction of the initial rate.
_FINAL_FRACTION = 0.01


def make_learning_rate(
    epochs: int,
    steps_per_epoch: int,
    initial_rate: float,
    kind: str = "exponential",
    warmup_epochs: float = 0.0,
    decay_rate: float = 0.9,
    decay_steps: float | None = None,
    staircase: bool = False,
) -> schedules.LearningRateSchedule:
    """Return the learning rate by optimiser step.

    The kind `exponential` is initial_rate * decay_rate ** (step / decay_steps).

    Args:
      epochs: epochs of the run.
      steps_per_epoch: optimiser steps per epoch.
      initial_rate: rate at step 0, or at the end of the warm-up.
      kind: `exponential`; `cosine`, half a cosine wave down to a hundredth of the initial rate at
        the end of the run; or `constant`.
      warmup_epochs: epochs at the start in which the rate rises linearly from 0. The schedule then
        spans the rest of the run.
      decay_rate: factor applied every `decay_steps`, above 0 and at most 1.
      decay_steps: None spreads the decay over the run, so that the rate ends at a hundredth of the
        initial rate for any number of epochs and images.
      staircase: whether the rate drops at once every `decay_steps` instead of gradually.
    """
    warmup_steps = min(round(warmup_epochs * steps_per_epoch), epochs * steps_per_epoch - 1)
    steps = epochs * steps_per_epoch - warmup_steps
    if kind == "cosine":
        return schedules.CosineDecay(
            0.0 if warmup_steps else initial_rate,
            decay_steps=steps,
            alpha=_FINAL_FRACTION,
            warmup_target=initial_rate if warmup_steps else None,
            warmup_steps=warmup_steps,
        )
    if kind == "constant":
        decay_rate = 1.0
    if decay_steps is None:
        drops = math.log(_FINAL_FRACTION) / math.log(decay_rate) if decay_rate < 1 else 1
        decay_steps = steps / drops
    decay = schedules.ExponentialDecay(initial_rate, decay_steps, decay_rate, staircase=staircase)
    return WarmUp(decay, initial_rate, warmup_steps) if warmup_steps else decay


@keras.saving.register_keras_serializable("radio_signals")
class WarmUp(schedules.LearningRateSchedule):
    """A rate that rises linearly from 0 and then follows another schedule from its start.

    Keras has a warm-up only for CosineDecay.
    """

    def __init__(self, after: schedules.LearningRateSchedule, target: float, steps: int) -> None:
        """Create the schedule.

        Args:
          after: the schedule to follow; its step 0 is the end of the warm-up.
          target: rate at the end of the warm-up.
          steps: optimiser steps of the warm-up, above 0.
        """
        self.after = after
        self.target = target
        self.steps = steps

    def __call__(self, step: int | tf.Tensor) -> tf.Tensor:
        """Return the rate at an optimiser step."""
        step = ops.cast(step, "float32")
        return ops.where(
            step < self.steps,
            self.target * step / self.steps,
            self.after(ops.maximum(step - self.steps, 0.0)),
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {
            "after": schedules.serialize(self.after),
            "target": self.target,
            "steps": self.steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUp:
        """Return the schedule that `get_config` described."""
        return cls(**{**config, "after": schedules.deserialize(config["after"])})
