"""A model in which only the initial weights are random. As a program, a worker that trains it."""

from __future__ import annotations

import sys

import keras
from keras import layers

from trainer import models
from trainer.models.recipe import Recipe

NAME = "plain"


def build(height: int, width: int, classes: int) -> keras.Model:
    """Return a model with batch normalisation and without dropout."""
    return keras.Sequential(
        [
            keras.Input((height, width, 1)),
            layers.Conv2D(4, 3, strides=2, use_bias=False),
            layers.BatchNormalization(momentum=0.8),
            layers.Activation("relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(classes, activation="softmax", dtype="float32"),
        ],
        name=NAME,
    )


RECIPE = Recipe(build, schedule={"initial_rate": 0.02})


def register() -> None:
    """Register the model by its name."""
    models.MODELS[NAME] = "tests.trainer.plain_model"


if __name__ == "__main__":
    register()
    if sys.argv[1] == "mirrored":
        import tensorflow as tf

        from trainer.distributed.strategy import mirror
        from trainer.distributed.worker_process import read_arguments
        from trainer.training import train_and_export

        cpus = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], cpus)
        train_and_export(read_arguments(sys.argv[2]), mirror(["CPU:0", "CPU:1"]))
    else:
        from trainer import worker

        sys.exit(worker.main(sys.argv[1:]))
