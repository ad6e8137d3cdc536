"""A training step that takes seconds: tiny data, a tiny model, and TFX's arguments for `run_fn`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from keras import layers
from tensorflow_transform.tf_metadata import metadata_io, schema_utils
from tfx.components.trainer.fn_args_utils import FnArgs

from trainer.export.model_card import read_model_card
from trainer.models.recipe import Recipe
from trainer.preprocessing import preprocessing_fn
from trainer.settings import Settings, resolve
from trainer.training import run_fn

CLASSES = ("stripe", "dot", "nothing")
HEIGHT, WIDTH = 16, 24
TRAIN, VALIDATION = 50, 21
LAYOUT = {"classes": list(CLASSES), "height": HEIGHT, "width": WIDTH}
CONFIG = {**LAYOUT, "model": "tiny", "epochs": 5, "batch_size": 8, "seed": 0}


def build(height: int, width: int, classes: int) -> keras.Model:
    """Return a model with every kind of state: normalisation, dropout and weights."""
    return keras.Sequential(
        [
            keras.Input((height, width, 1)),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.BatchNormalization(),
            layers.GlobalMaxPooling2D(),
            layers.Dropout(0.3),
            layers.Dense(classes, activation="softmax", dtype="float32"),
        ],
        name="tiny",
    )


RECIPE = Recipe(build, schedule={"initial_rate": 0.02}, augment={"flip_time": True, "noise": 0.1})


def write_data(folder: Path) -> None:
    """Write both splits and the Transform step's output to `folder`."""
    rng = np.random.default_rng(0)
    for split, count in (("train", TRAIN), ("validation", VALIDATION)):
        with tf.io.TFRecordWriter(str(folder / f"{split}.tfrecord")) as writer:
            # The first class has more images than the others.
            for label in np.maximum(np.arange(count) % 4 - 1, 0):
                writer.write(_make_example(rng, int(label)))
    spec = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "label": tf.io.FixedLenFeature([], tf.int64),
    }
    metadata = tft.DatasetMetadata(schema_utils.schema_from_feature_spec(spec))
    rows = [{"image": bytes(HEIGHT * WIDTH), "label": 0}]
    with tft_beam.Context(temp_dir=str(folder / "temporary")), beam.Pipeline() as pipeline:
        (
            (pipeline | beam.Create(rows), metadata)
            | tft_beam.AnalyzeDataset(lambda inputs: preprocessing_fn(inputs, LAYOUT))
            | tft_beam.WriteTransformFn(str(folder / "transform"))
        )
    # The Transform step writes this folder too.
    metadata_io.write_metadata(metadata, str(folder / "transform" / "metadata"))


def fn_args(data: Path, output: Path, **config: Any) -> FnArgs:
    """Return TFX's arguments for `run_fn`; `config` overrides the configuration."""
    return FnArgs(
        train_files=[str(data / "train.*")],
        eval_files=[str(data / "validation.*")],
        transform_graph_path=str(data / "transform"),
        serving_model_dir=str(output / "Format-Serving"),
        model_run_dir=str(output / "model_run"),
        custom_config={**CONFIG, **config},
    )


def make_settings(**config: Any) -> Settings:
    """Return the settings of a run of the tiny model; `config` overrides the configuration."""
    return resolve({**CONFIG, **config})


def train(data: Path, output: Path, **config: Any) -> dict[str, Any]:
    """Run the Trainer step and return the model card."""
    run_fn(fn_args(data, output, **config))
    return read_model_card(str(output / "Format-Serving"))


def _make_example(rng: np.random.Generator, label: int) -> bytes:
    image = rng.integers(0, 120, (HEIGHT, WIDTH), dtype=np.uint8)
    if CLASSES[label] == "stripe":
        # Not of one level throughout, which would be a dead channel.
        image[:, rng.integers(WIDTH)] = rng.integers(180, 256, HEIGHT)
    elif CLASSES[label] == "dot":
        row, column = rng.integers(HEIGHT - 2), rng.integers(WIDTH - 2)
        image[row : row + 3, column : column + 3] = 255
    features = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
        "label": tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()
