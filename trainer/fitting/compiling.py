"""A network that is ready to be fitted: built, with loss, optimiser and learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from data.invalid import InvalidData
from trainer.fitting.learning_rate import learning_rate
from trainer.settings import Settings

# Those that have a momentum of their own to be set.
_WITH_MOMENTUM = ("sgd", "rmsprop")

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build_model(settings: Settings) -> keras.Model:
    """Return the network with random weights.

    Raises:
      ValueError: its probabilities are not float32.
    """
    before = keras.mixed_precision.dtype_policy()
    if settings.mixed_precision:
        # Layers keep the policy under which they were made, so that it need not last longer.
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = settings.recipe.build(settings.height, settings.width, len(settings.classes))
    finally:
        keras.mixed_precision.set_dtype_policy(before)
    dtype = model.outputs[0].dtype
    if dtype != "float32":
        raise ValueError(
            f"The last layer of the model {settings.model} makes {dtype}. Make it with "
            'dtype="float32", or leave mixed_precision off.'
        )
    return model


def compile_model(
    model: keras.Model,
    settings: Settings,
    steps_per_epoch: int,
    metrics: Sequence[keras.metrics.Metric] = (),
) -> None:
    """Give the network its loss, optimiser and learning rate.

    Args:
      model: built.
      settings: of this run.
      steps_per_epoch: batches an epoch.
      metrics: to be followed besides the accuracy.

    Raises:
      InvalidData: the optimiser has no such setting.
    """
    rate = learning_rate(settings.epochs, steps_per_epoch, **settings.schedule.set_values)
    model.compile(
        optimizer=optimizer(rate, **settings.optimizer.set_values),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=["accuracy", *metrics],
        steps_per_execution=_steps_per_execution(settings.steps_per_execution, steps_per_epoch),
        # Keras would compile with XLA, whose convolutions are slower on CPUs than oneDNN's.
        jit_compile=False,
    )


def optimizer(
    rate: keras.optimizers.schedules.LearningRateSchedule,
    name: str = "adam",
    weight_decay: float | None = None,
    momentum: float | None = None,
    clip_norm: float | None = None,
) -> keras.optimizers.Optimizer:
    """Return an optimiser of Keras.

    Args:
      rate: the learning rate by step.
      name: adam, adamw, rmsprop or sgd.
      weight_decay: part of each weight, times the rate, that is taken off at every step (the
        decoupled decay of Loshchilov and Hutter, arXiv:1711.05101). Biases and the scales of
        normalisation are spared. None for the optimiser's own: 0.004 for adamw, else none.
      momentum: of sgd and rmsprop, None for none.
      clip_norm: largest norm of all gradients together; longer ones are shortened to it.

    Raises:
      InvalidData: momentum for an optimiser that has none.
    """
    arguments = {}
    if momentum is not None:
        if name not in _WITH_MOMENTUM:
            raise InvalidData(
                f"optimizer.momentum: {name} has none to set. Leave it out, or choose "
                f"optimizer.name {' or '.join(_WITH_MOMENTUM)}."
            )
        arguments["momentum"] = momentum
    if weight_decay is not None:
        arguments["weight_decay"] = weight_decay
    chosen = _OPTIMIZERS[name](rate, global_clipnorm=clip_norm, **arguments)
    if chosen.weight_decay:
        chosen.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return chosen


def _steps_per_execution(wanted: int, steps_per_epoch: int) -> int:
    """The largest number up to the one wanted that divides an epoch.

    Keras lets the last execution of an epoch run over its end otherwise, into the next epoch.
    """
    largest = min(wanted, steps_per_epoch)
    return max(steps for steps in range(1, largest + 1) if steps_per_epoch % steps == 0)
