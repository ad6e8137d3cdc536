#!/usr/bin/env python3
"""The tutorial notebook as a plain script: pandas, one Keras network, scikit-learn's report.

    python benchmarks/notebook_baseline.py DATA [--epochs 12] [--seed 0] [--json OUT]

This is what a user would run without the pipeline, and what benchmarks/training.py compares the
pipeline with. DATA holds images.csv and labels.csv (one-hot) in train/ and validation/, each image
64 x 128 pixels. The last line of the output is a JSON object, which --json also writes to a file:

  accuracy              on the validation images, with the weights of the last epoch
  train_images_per_s    training images per second of `fit`, which includes validation
  read_s, fit_s         seconds of reading the CSV files and of `fit`
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import layers
from sklearn.metrics import accuracy_score, classification_report
from tensorflow.keras.preprocessing.image import ImageDataGenerator

HEIGHT, WIDTH = 64, 128
BATCH_SIZE = 32


def read_split(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read one split.

    Args:
      folder: holds images.csv and labels.csv, with one row per image and no header.

    Returns:
      The images, float32 [N, 64, 128, 1], and the one-hot labels, float32 [N, classes].
    """
    pixels = pd.read_csv(folder / "images.csv", header=None, dtype="float32")
    labels = pd.read_csv(folder / "labels.csv", header=None, dtype="float32")
    return pixels.to_numpy().reshape(-1, HEIGHT, WIDTH, 1), labels.to_numpy()


def convolution(filters: int) -> list[keras.Layer]:
    """Return one of the two convolution blocks; each halves height and width."""
    return [
        layers.Conv2D(filters, (5, 5), padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D((2, 2)),
        layers.Dropout(0.25),
    ]


def build_network(classes: int) -> keras.Model:
    """Return the compiled network of the tutorial."""
    dense = [layers.Dense(1024), layers.BatchNormalization(), layers.ReLU(), layers.Dropout(0.4)]
    network = keras.Sequential(
        [
            keras.Input((HEIGHT, WIDTH, 1)),
            *convolution(32),
            *convolution(64),
            layers.Flatten(),
            *dense,
            layers.Dense(classes, activation="softmax"),
        ]
    )
    learning_rate = keras.optimizers.schedules.ExponentialDecay(
        initial_learning_rate=0.005, decay_steps=5, decay_rate=0.96, staircase=True
    )
    network.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return network


def main() -> None:
    """Read, train, evaluate, and print the metrics."""
    parser = argparse.ArgumentParser(description="The tutorial notebook as a plain script.")
    parser.add_argument("data", type=Path, help="folder with train/ and validation/")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="also write the metrics to this file")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)

    read_started = time.perf_counter()
    images, labels = read_split(arguments.data / "train")
    validation_images, validation_labels = read_split(arguments.data / "validation")
    read_seconds = time.perf_counter() - read_started

    network = build_network(labels.shape[1])
    batches = ImageDataGenerator(horizontal_flip=True).flow(images, labels, batch_size=BATCH_SIZE)
    # Full batches only, as in the tutorial.
    steps = len(images) // BATCH_SIZE
    fit_started = time.perf_counter()
    network.fit(
        batches,
        epochs=arguments.epochs,
        steps_per_epoch=steps,
        validation_data=(validation_images, validation_labels),
        verbose=2,
    )
    fit_seconds = time.perf_counter() - fit_started

    actual = validation_labels.argmax(axis=1)
    predicted = network.predict(validation_images, verbose=0).argmax(axis=1)
    print(classification_report(actual, predicted, zero_division=0))
    metrics = json.dumps(
        {
            "accuracy": float(accuracy_score(actual, predicted)),
            "train_images_per_s": arguments.epochs * steps * BATCH_SIZE / fit_seconds,
            "read_s": read_seconds,
            "fit_s": fit_seconds,
        }
    )
    if arguments.json:
        arguments.json.write_text(metrics + "\n")
    print(metrics)


if __name__ == "__main__":
    main()
