"""Builds and compiles a model: loss, optimiser and learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from data.invalid import InvalidData
from trainer.fitting.learning_rate import make_learning_rate
from trainer.settings import Settings

_OPTIMIZERS = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def build_model(settings: Settings) -> keras.Model:
    """Return the model with random weights.

    Raises:
      ValueError: its probabilities are not float32.
    """
    previous_policy = keras.mixed_precision.dtype_policy()
    if settings.mixed_precision:
        # Layers keep the policy under which they were created, so it can be reset afterwards.
        keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        model = settings.recipe.build(settings.height, settings.width, len(settings.classes))
    finally:
        keras.mixed_precision.set_dtype_policy(previous_policy)
    dtype = model.outputs[0].dtype
    if dtype != "float32":
        raise ValueError(
            f"The last layer of the model {settings.model} returns {dtype}. Create it with "
            'dtype="float32", or turn mixed_precision off.'
        )
    return model


def compile_model(
    model: keras.Model,
    settings: Settings,
    steps_per_epoch: int,
    metrics: Sequence[keras.metrics.Metric] = (),
) -> None:
    """Give the model its loss, optimiser and learning rate.

    Args:
      model: a built model.
      settings: settings of the run.
      steps_per_epoch: batches per epoch.
      metrics: metrics to record in addition to the accuracy.

    Raises:
      InvalidData: the optimiser does not accept a setting.
    """
    rate = make_learning_rate(settings.epochs, steps_per_epoch, **settings.schedule.set_values)
    model.compile(
        optimizer=make_optimizer(rate, **settings.optimizer.set_values),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        # By its name alone, Keras would create the metric, and its variables, while it traces.
        metrics=[keras.metrics.CategoricalAccuracy("accuracy"), *metrics],
        steps_per_execution=_fit_into_epoch(settings.steps_per_execution, steps_per_epoch),
        # Keras would compile with XLA, whose convolutions are slower on CPUs than oneDNN's.
        jit_compile=False,
    )
    # TensorFlow traces the training step a second time if variables are created in the first trace.
    model.optimizer.build(model.trainable_variables)


def make_optimizer(
    rate: keras.optimizers.schedules.LearningRateSchedule,
    name: str = "adam",
    weight_decay: float | None = None,
    momentum: float | None = None,
    clip_norm: float | None = None,
) -> keras.optimizers.Optimizer:
    """Return an optimiser of Keras.

    Args:
      rate: learning rate by step.
      name: adam, adamw, rmsprop or sgd.
      weight_decay: fraction of each weight, times the rate, to subtract at every step (the
        decoupled decay of Loshchilov and Hutter, arXiv:1711.05101). Biases and the scales of
        normalisation do not decay. None for the optimiser's default: 0.004 for adamw, otherwise
        no decay.
      momentum: momentum of sgd or rmsprop; None for none.
      clip_norm: largest norm of the gradients, taken as one vector. A longer one is scaled down.

    Raises:
      InvalidData: the optimiser does not accept one of the settings, such as the momentum.
    """
    settings = {"weight_decay": weight_decay, "momentum": momentum}
    options = {key: value for key, value in settings.items() if value is not None}
    try:
        optimizer = _OPTIMIZERS[name](rate, global_clipnorm=clip_norm, **options)
    except (TypeError, ValueError) as error:
        raise InvalidData(
            f"optimizer.name: {name} does not accept {', '.join(options)} ({error}). "
            "Remove what it does not accept, or choose another optimiser."
        ) from error
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def _fit_into_epoch(steps_per_execution: int, steps_per_epoch: int) -> int:
    """Return the largest number up to `steps_per_execution` that divides the steps of an epoch.

    With any other number, the last execution of an epoch would run into the next epoch.
    """
    largest = min(steps_per_execution, steps_per_epoch)
    return max(steps for steps in range(1, largest + 1) if steps_per_epoch % steps == 0)
