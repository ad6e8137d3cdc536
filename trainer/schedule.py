"""The learning rate over a training run."""

from __future__ import annotations

import math

import keras

# Where the rate ends, as a part of where it starts, when no `decay_steps` are given.
_FINAL_PART = 0.01


def exponential_decay(
    total_steps: int,
    initial_rate: float,
    decay_rate: float,
    decay_steps: float | None = None,
    staircase: bool = False,
) -> keras.optimizers.schedules.ExponentialDecay:
    """Return Keras's schedule: initial_rate * decay_rate ** (step / decay_steps).

    Args:
      total_steps: optimiser steps of the whole run, epochs x steps an epoch.
      initial_rate: the rate at step 0.
      decay_rate: factor applied every `decay_steps`, above 0, at most 1.
      decay_steps: None spreads the decay over the run, so that it ends at a hundredth of the
        initial rate however many epochs or images there are.
      staircase: whether the rate drops at once every `decay_steps` instead of gliding.
    """
    if decay_steps is None:
        drops = math.log(_FINAL_PART) / math.log(decay_rate) if decay_rate < 1 else 1
        decay_steps = total_steps / drops
    return keras.optimizers.schedules.ExponentialDecay(
        initial_rate, decay_steps, decay_rate, staircase=staircase
    )
