"""A part that learns nothing is computed once, and training is what it would have been."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from keras import layers

from tests.trainer.small_run import CLASSES, HEIGHT, LAYOUT, TRAIN, VALIDATION, WIDTH, fn_args
from trainer import models
from trainer.export.model_run import BEST_WEIGHTS, TRAINING_LOG
from trainer.fitting.compiling import build_model
from trainer.fitting.precomputed import precompute
from trainer.inputs.augmentation import Augmentation
from trainer.inputs.batches import (
    TrainingBatches,
    get_images,
    read_records,
    read_validation_batches,
)
from trainer.models.recipe import PrecomputedLayer, Recipe
from trainer.settings import resolve
from trainer.training import run_fn

FIXED = PrecomputedLayer("sums", "rest", unchanged_by=frozenset({"flip_time"}))


def build(height: int, width: int, classes: int) -> keras.Model:
    """Column sums, which a flip in time does not change, beside a convolution."""
    shape = (height, width, 1)
    image = keras.Input(shape, name="image")
    sums = keras.Sequential(
        [keras.Input(shape), layers.AveragePooling2D((height, 1)), layers.Flatten()], name="sums"
    )
    inputs = {"image": keras.Input(shape, name="image"), "evidence": keras.Input((width,))}
    picture = layers.Conv2D(4, 3, use_bias=False)(inputs["image"])
    picture = layers.GlobalMaxPooling2D()(layers.BatchNormalization(momentum=0.9)(picture))
    features = layers.Concatenate()([picture, layers.Dense(4)(inputs["evidence"])])
    rest = keras.Model(
        inputs, layers.Dense(classes, activation="softmax", dtype="float32")(features), name="rest"
    )
    return keras.Model(image, rest({"image": image, "evidence": sums(image)}), name="two_parts")


RECIPE = Recipe(build, {"initial_rate": 0.01}, {"flip_time": True}, precomputed_layer=FIXED)
UNSPLIT_RECIPE = Recipe(build, {"initial_rate": 0.01}, {"flip_time": True})


@pytest.fixture(autouse=True)
def two_parts(monkeypatch) -> None:
    monkeypatch.setitem(models.MODELS, "two_parts", __name__)


def task_of(small_data, **augment):
    settings = resolve(
        {**LAYOUT, "model": "two_parts", "epochs": 1, "batch_size": 10, "seed": 0}
        | {"augment": augment}
    )
    transform = tft.TFTransformOutput(str(small_data / "transform"))
    train = TrainingBatches(
        read_records([str(small_data / "train.*")]),
        transform,
        len(CLASSES),
        10,
        0,
        Augmentation(**settings.augment.set_values),
    )
    validation = read_validation_batches(
        read_records([str(small_data / "validation.*")]), transform, len(CLASSES), 10
    )
    return precompute(build_model(settings), settings, train, validation), train, validation


def test_batches_hold_what_the_part_makes_of_their_own_images(small_data):
    task, _, _ = task_of(small_data)
    seen = 0
    for batches in (task.train.read_epochs(0, 2), task.validation.dataset):
        for inputs, _ in batches:
            expected = inputs["image"].numpy().mean(axis=(1, 3))
            np.testing.assert_allclose(inputs["evidence"], expected, atol=1e-5)
            seen += len(expected)
    assert seen == 2 * TRAIN + VALIDATION


def test_images_and_labels_are_those_of_the_batches_without_it(small_data):
    task, train, validation = task_of(small_data)
    for with_it, without in (
        (task.train.read_epochs(0, 1), train.read_epochs(0, 1)),
        (task.validation.dataset, validation.dataset),
    ):
        for (inputs, labels), (images, expected) in zip(with_it, without, strict=True):
            np.testing.assert_array_equal(get_images(inputs), images)
            np.testing.assert_array_equal(labels, expected)


def test_the_part_that_is_fitted_answers_as_the_whole_model(small_data):
    task, _, validation = task_of(small_data)
    assert task.model is not task.whole_model and task.seconds > 0
    for (inputs, _), (images, _) in zip(task.validation.dataset, validation.dataset, strict=True):
        np.testing.assert_allclose(task.model(inputs), task.whole_model(images), atol=1e-6)


@pytest.mark.parametrize("change", [{"noise": 0.1}, {"flip_frequency": True}, {"invert": True}])
def test_an_augmentation_that_the_part_would_see_has_it_computed_every_time(small_data, change):
    task, train, validation = task_of(small_data, **change)
    assert task.model is task.whole_model
    assert (task.train, task.validation) == (train, validation)


def test_training_is_what_it_would_have_been(small_data, tmp_path, monkeypatch):
    answers, logs = [], []
    for name in ("RECIPE", "UNSPLIT_RECIPE"):
        monkeypatch.setattr(f"{__name__}.RECIPE", globals()[name])
        output = tmp_path / name
        run_fn(fn_args(small_data, output, model="two_parts", epochs=3))
        spectrograms = tf.random.stateless_uniform([5, HEIGHT, WIDTH], [1, 2])
        served = tf.saved_model.load(str(output / "Format-Serving"))
        answers.append(served.signatures["classify_spectrograms"](spectrograms)["probabilities"])
        with open(output / "model_run" / TRAINING_LOG) as file:
            logs.append([float(row["val_loss"]) for row in csv.DictReader(file)])
        # The weights file is of the whole model either way.
        whole = build(HEIGHT, WIDTH, len(CLASSES))
        whole.load_weights(output / "model_run" / BEST_WEIGHTS)
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)
    np.testing.assert_allclose(*answers, atol=1e-3)
