"""Models without weights whose decisions are known: real SavedModels with real model cards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from trainer.export.model_card import describe_files, write_model_card

HEIGHT, WIDTH = 16, 24

GREYS = ("dark", "grey", "light")
"""Classes of `by_brightness`: a mean level near 0.2, 0.5 or 0.8."""

LINES = ("line", "noise")
"""Classes of `by_line`."""


def by_brightness(levels: tf.Tensor) -> tf.Tensor:
    """Return the probabilities of `GREYS`; the farther from 0.35 and 0.65, the more certain."""
    mean = tf.reduce_mean(levels, axis=[1, 2])[:, tf.newaxis]
    return tf.nn.softmax(-100.0 * tf.square(mean - tf.constant([[0.2, 0.5, 0.8]])))


def by_line(levels: tf.Tensor) -> tf.Tensor:
    """Return the probabilities of `LINES`, from the strongest sum along a straight line."""
    mean, variance = tf.nn.moments(levels, axes=[1, 2], keepdims=True)
    pixels = (levels - mean) * tf.math.rsqrt(variance + 1e-9)
    drifts, rows, columns = np.ogrid[-WIDTH // 2 : WIDTH // 2 + 1, :HEIGHT, :WIDTH]
    moved = columns + np.rint(drifts * (rows / (HEIGHT - 1) - 0.5)).astype(int)
    inside = (moved >= 0) & (moved < WIDTH)
    places = rows * WIDTH + np.clip(moved, 0, WIDTH - 1)
    along = tf.gather(tf.reshape(pixels, [-1, HEIGHT * WIDTH]), places, axis=1)
    sums = tf.abs(tf.reduce_sum(along * inside.astype(np.float32), axis=2))
    evidence = tf.reduce_max(sums, axis=[1, 2]) / HEIGHT**0.5 - 7.0
    return tf.stack([tf.sigmoid(evidence), tf.sigmoid(-evidence)], axis=1)


def write_model(
    folder: Path,
    classify: Callable[[tf.Tensor], tf.Tensor],
    classes: tuple[str, ...],
    model_id: str = "hand-made",
) -> Path:
    """Write a version of a model, with the signatures and the card of an exported one."""

    def answer(levels: tf.Tensor) -> dict[str, tf.Tensor]:
        probabilities = classify(levels)
        names = tf.gather(tf.constant(classes), tf.argmax(probabilities, axis=1))
        score = tf.reduce_max(probabilities, axis=1)
        return {"probabilities": probabilities, "class": names, "score": score}

    def answer_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {"image": tf.io.FixedLenFeature([], tf.string)}
        pixels = tf.io.decode_raw(tf.io.parse_example(examples, spec)["image"], tf.uint8)
        return answer(tf.reshape(tf.cast(pixels, tf.float32) / 255, [-1, HEIGHT, WIDTH]))

    module = tf.Module()
    module.spectrograms = tf.function(
        answer, [tf.TensorSpec([None, HEIGHT, WIDTH], tf.float32, name="spectrograms")]
    )
    module.examples = tf.function(
        answer_examples, [tf.TensorSpec([None], tf.string, name="examples")]
    )
    signatures = {
        "serving_default": module.examples,
        "classify_spectrograms": module.spectrograms,
    }
    tf.saved_model.save(module, str(folder), signatures)
    card = {
        "model_id": model_id,
        "classes": list(classes),
        "height": HEIGHT,
        "width": WIDTH,
        "files": describe_files(str(folder)),
    }
    write_model_card(str(folder), card)
    return folder
