"""A layer without weights is computed once, without a change to training."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
from keras import layers

from tests.trainer.small_run import (
    CLASSES,
    HEIGHT,
    TRAIN,
    VALIDATION,
    WIDTH,
    fn_args,
    make_settings,
)
from trainer import models
from trainer.export.model_run import BEST_WEIGHTS, TRAINING_LOG
from trainer.fitting.compiling import build_model
from trainer.fitting.precomputed import precompute
from trainer.inputs.batches import get_images, read_batches
from trainer.inputs.records import read_records
from trainer.models.recipe import PrecomputedLayer, Recipe
from trainer.training import run_fn

SUMS = PrecomputedLayer("sums", "rest", unchanged_by=frozenset({"flip_time"}))


def build(height: int, width: int, classes: int) -> keras.Model:
    """Return a model of column means, which a flip in time does not change, and a convolution."""
    shape = (height, width, 1)
    image = keras.Input(shape, name="image")
    sums = keras.Sequential(
        [keras.Input(shape), layers.AveragePooling2D((height, 1)), layers.Flatten()], name="sums"
    )
    inputs = {
        "image": keras.Input(shape, name="image"),
        "evidence": keras.Input((width,), name="evidence"),
    }
    picture = layers.Conv2D(4, 3, use_bias=False)(inputs["image"])
    picture = layers.GlobalMaxPooling2D()(layers.BatchNormalization(momentum=0.9)(picture))
    features = layers.Concatenate()([picture, layers.Dense(4)(inputs["evidence"])])
    rest = keras.Model(
        inputs, layers.Dense(classes, activation="softmax", dtype="float32")(features), name="rest"
    )
    return keras.Model(image, rest({"image": image, "evidence": sums(image)}), name="two_layers")


RECIPE = Recipe(build, {"initial_rate": 0.01}, {"flip_time": True}, precomputed_layer=SUMS)
ORDINARY_RECIPE = Recipe(build, {"initial_rate": 0.01}, {"flip_time": True})


@pytest.fixture(autouse=True)
def two_layers(monkeypatch) -> None:
    monkeypatch.setitem(models.MODELS, "two_layers", __name__)


def precompute_sums(small_data, **augment):
    """Return the training setup, and the batches that it was made from."""
    settings = make_settings(model="two_layers", batch_size=10, augment=augment)
    train, validation = read_batches(
        read_records([str(small_data / "train.*")]),
        read_records([str(small_data / "validation.*")]),
        tft.TFTransformOutput(str(small_data / "transform")),
        settings,
    )
    return precompute(build_model(settings), settings, train, validation), train, validation


def test_batches_include_the_output_of_the_layer_for_their_own_images(small_data):
    setup, _, _ = precompute_sums(small_data)
    images = 0
    for batches in (setup.train.read_epochs(0, 2), setup.validation.dataset):
        for inputs, _ in batches:
            expected = inputs["image"].numpy().mean(axis=(1, 3))
            np.testing.assert_allclose(inputs["evidence"], expected, atol=1e-5)
            images += len(expected)
    assert images == 2 * TRAIN + VALIDATION


def test_images_and_labels_are_the_same_as_without_precomputation(small_data):
    setup, train, validation = precompute_sums(small_data)
    for with_evidence, without in (
        (setup.train.read_epochs(0, 1), train.read_epochs(0, 1)),
        (setup.validation.dataset.rebatch(10), validation.dataset),
    ):
        for (inputs, labels), (images, expected) in zip(with_evidence, without, strict=True):
            np.testing.assert_array_equal(get_images(inputs), images)
            np.testing.assert_array_equal(labels, expected)


def test_the_fitted_layer_answers_like_the_whole_model(small_data):
    setup, _, validation = precompute_sums(small_data)
    assert setup.model is not setup.whole_model
    assert setup.seconds > 0
    with_evidence = setup.validation.dataset.rebatch(10)
    for (inputs, _), (images, _) in zip(with_evidence, validation.dataset, strict=True):
        np.testing.assert_allclose(setup.model(inputs), setup.whole_model(images), atol=1e-6)


@pytest.mark.parametrize("change", [{"noise": 0.1}, {"flip_frequency": True}, {"invert": True}])
def test_nothing_is_precomputed_if_an_augmentation_changes_the_output(small_data, change):
    setup, train, validation = precompute_sums(small_data, **change)
    assert setup.model is setup.whole_model
    assert (setup.train, setup.validation) == (train, validation)


@pytest.mark.slow
def test_training_gives_the_same_result_as_without_precomputation(
    small_data, tmp_path, monkeypatch
):
    answers, logs = [], []
    for name in ("RECIPE", "ORDINARY_RECIPE"):
        monkeypatch.setattr(f"{__name__}.RECIPE", globals()[name])
        output = tmp_path / name
        run_fn(fn_args(small_data, output, model="two_layers", epochs=3))
        spectrograms = tf.random.stateless_uniform([5, HEIGHT, WIDTH], [1, 2])
        served = tf.saved_model.load(str(output / "Format-Serving"))
        answers.append(served.signatures["classify_spectrograms"](spectrograms)["probabilities"])
        with open(output / "model_run" / TRAINING_LOG) as file:
            logs.append([float(row["val_loss"]) for row in csv.DictReader(file)])
        # In both cases the weights file is for the whole model.
        whole_model = build(HEIGHT, WIDTH, len(CLASSES))
        whole_model.load_weights(output / "model_run" / BEST_WEIGHTS)
    assert logs[0] == pytest.approx(logs[1], rel=1e-4)
    np.testing.assert_allclose(*answers, atol=1e-3)
