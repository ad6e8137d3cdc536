"""`run_fn` of the Trainer step."""

from __future__ import annotations

import json
import os
import tempfile
import time

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx.components.trainer.fn_args_utils import FnArgs

from data.invalid import InvalidData
from trainer import models
from trainer.augmentation import Augmentation
from trainer.confusion_matrix import ConfusionMatrix
from trainer.export import export
from trainer.input import training_batches, validation_batches
from trainer.model_run import BEST_WEIGHTS, TENSORBOARD, TRAINING_FACTS, TRAINING_LOG
from trainer.progress import EpochLog, logger
from trainer.schedule import exponential_decay
from trainer.tensorboard_log import TensorBoardLog


def run_fn(fn_args: FnArgs) -> None:
    """Train, keep the weights of the best validation accuracy, and export that model.

    Args:
      fn_args: TFX's arguments. `custom_config` holds `classes`, `height`, `width`, `model`,
        `epochs`, `batch_size`, `seed`, `schedule` and `augment` (None values take the
        model's own), `initial_weights` (path or empty), `early_stopping` (epochs without
        improvement, 0 for never).

    Raises:
      InvalidData: the initial weights do not fit the model.
    """
    settings = fn_args.custom_config
    started = time.perf_counter()
    keras.utils.set_random_seed(settings["seed"])
    # The order of additions in parallel kernels would otherwise change the last bits, and a
    # repeated run would end with other weights.
    tf.config.experimental.enable_op_determinism()

    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    classes = settings["classes"]
    recipe = models.load(settings["model"])
    augment = {**recipe.AUGMENT, **_chosen(settings["augment"])}
    schedule = {**recipe.SCHEDULE, **_chosen(settings["schedule"])}
    train = training_batches(
        fn_args.train_files,
        transform,
        len(classes),
        settings["batch_size"],
        settings["seed"],
        Augmentation(**augment),
    )
    validation = validation_batches(
        fn_args.eval_files, transform, len(classes), settings["batch_size"]
    )

    model = recipe.build(settings["height"], settings["width"], len(classes))
    if settings["initial_weights"]:
        _load_weights(model, settings["initial_weights"])
    confusion_matrix = ConfusionMatrix(len(classes))
    model.compile(
        optimizer=keras.optimizers.Adam(
            exponential_decay(total_steps=train.steps * settings["epochs"], **schedule)
        ),
        loss="categorical_crossentropy",
        metrics=["accuracy", confusion_matrix],
        # Keras would compile with XLA, whose convolutions are slower on CPUs than oneDNN's.
        jit_compile=False,
    )
    logger.info(
        "%s, %s parameters; %s training and %s validation images; %d epochs of %d steps",
        model.name,
        f"{model.count_params():,}",
        f"{train.images:,}",
        f"{validation.images:,}",
        settings["epochs"],
        train.steps,
    )
    epoch_log = EpochLog(train.images)
    tensorboard = TensorBoardLog(
        os.path.join(fn_args.model_run_dir, TENSORBOARD),
        classes,
        confusion_matrix,
        validation.dataset,
    )
    # HDF5 needs a file that it can seek in, and an artifact may be in a bucket.
    with tempfile.TemporaryDirectory() as folder:
        best_weights = os.path.join(folder, os.path.basename(BEST_WEIGHTS))
        history = model.fit(
            train.dataset,
            steps_per_epoch=train.steps,
            epochs=settings["epochs"],
            validation_data=validation.dataset,
            callbacks=[
                *_callbacks(epoch_log, best_weights, fn_args.model_run_dir, settings),
                tensorboard,
            ],
            verbose=0,
        ).history
        model.load_weights(best_weights)
        kept = os.path.join(fn_args.model_run_dir, BEST_WEIGHTS)
        tf.io.gfile.makedirs(os.path.dirname(kept))
        tf.io.gfile.copy(best_weights, kept, overwrite=True)
    accuracies = history["val_accuracy"]
    best_epoch = accuracies.index(max(accuracies)) + 1
    logger.info("exporting the weights of epoch %d, the best on validation", best_epoch)
    tensorboard.show_mistakes("misclassified by the exported model", best_epoch)
    facts = {
        "model": settings["model"],
        "parameters": model.count_params(),
        "epochs": len(accuracies),
        "best_epoch": best_epoch,
        "batch_size": settings["batch_size"],
        "seed": settings["seed"],
        "schedule": schedule,
        "augment": augment,
        "train_images": train.images,
        "validation_images": validation.images,
        "images_per_second": epoch_log.images / epoch_log.seconds,
        "seconds": time.perf_counter() - started,
    }
    export(
        model,
        transform,
        classes,
        settings["height"],
        settings["width"],
        fn_args.serving_model_dir,
        facts={"training": facts},
    )
    with tf.io.gfile.GFile(os.path.join(fn_args.model_run_dir, TRAINING_FACTS), "w") as file:
        json.dump(facts, file, indent=2)


def _chosen(section: dict) -> dict:
    """The keys of a configuration section that somebody set."""
    return {name: value for name, value in section.items() if value is not None}


def _callbacks(
    epoch_log: EpochLog, best_weights: str, model_run_dir: str, settings: dict
) -> list[keras.callbacks.Callback]:
    callbacks = [
        epoch_log,
        keras.callbacks.ModelCheckpoint(
            best_weights, monitor="val_accuracy", save_best_only=True, save_weights_only=True
        ),
        keras.callbacks.CSVLogger(os.path.join(model_run_dir, TRAINING_LOG)),
    ]
    if settings["early_stopping"]:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="val_accuracy", patience=settings["early_stopping"]
            )
        )
    return callbacks


def _load_weights(model: keras.Model, path: str) -> None:
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidData(
            f"The initial weights {path} do not fit the model {model.name} with "
            f"{model.output_shape[-1]} classes: {str(error).splitlines()[0]}"
        ) from error
