"""`preprocessing_fn` of the Transform step: from stored bytes to what a model sees.

Transform saves this as a TensorFlow graph. Training reads examples through that graph and the
exported model carries it, so serving cannot normalise differently.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from data import example_features
from trainer.settings import resolve_normalisation

# Half a grey level. A constant image has deviation 0; it becomes zeros instead of infinities.
_SMALLEST_DEVIATION = 0.5 / 255
# A channel is dead that changes by less than this part of what channels change by on average. Not
# quite nothing: its neighbours leak into it, and the logarithm makes much of that. Simulated dead
# channels change by 0.2 to 0.52 of the average; the quietest of 128 by 0.52 or more in all but one
# of 3,200 spectrograms with lines of up to 18 dB.
_DEAD = 0.5


def preprocessing_fn(
    inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """Reshape to [height, width, 1] and, for most models, standardise each spectrogram by itself.

    By itself and not over the data set: the absolute level of a spectrogram is a matter of gain
    and rendering, the line in it is not.

    Args:
      inputs: `image` string [N] (height x width bytes), `label` int64 [N]; the others pass by.
      custom_config: `height`, `width`, and what `trainer.settings.resolve_normalisation` takes.

    Returns:
      `image` float32 [N, height, width, 1], with mean 0 and deviation 1 or, if normalisation is
      `levels`, grey levels from 0 to 1; `label` int64 [N].
    """
    height, width = int(custom_config["height"]), int(custom_config["width"])
    # An inferred schema has shape [1] where the curated one has none.
    encoded = tf.reshape(inputs[example_features.IMAGE], [-1])
    levels = tf.io.decode_raw(encoded, tf.uint8)
    # The number of images is named, and not left to be found, so that an image of another size
    # is an error and not several images.
    levels = tf.reshape(levels, [tf.shape(encoded)[0], height, width, 1])
    images = tf.cast(levels, tf.float32) / 255.0
    if resolve_normalisation(custom_config) == "image":
        images = standardise(images)
    return {
        example_features.IMAGE: images,
        example_features.LABEL: tf.reshape(inputs[example_features.LABEL], [-1]),
    }


def standardise(images: tf.Tensor) -> tf.Tensor:
    """Shift and scale each image of float32 [N, H, W, 1] to mean 0 and deviation 1.

    Channels that hardly change are dead: they become 0 and do not count, nor do their neighbours.
    """
    _, over_time = tf.nn.moments(images, axes=[1], keepdims=True)
    change = tf.sqrt(over_time)
    typical = tf.reduce_mean(change, axis=2, keepdims=True)
    dead = tf.cast(change <= _dead(images.shape[1]) * typical, images.dtype)
    # What made the image smaller took from the neighbours too: they would be faint lines.
    alive = (1.0 - tf.nn.max_pool2d(dead, [1, 3], 1, "SAME")) * tf.ones_like(images)
    mean, variance = tf.nn.weighted_moments(
        images, axes=[1, 2, 3], frequency_weights=alive, keepdims=True
    )
    return alive * (images - mean) / tf.maximum(tf.sqrt(variance), _SMALLEST_DEVIATION)


def _dead(rows: int) -> float:
    """By how much a dead channel changes, at most, in parts of what channels change by.

    Of few rows, a deviation is known badly: of noise, it is four standard errors away.
    """
    return min(_DEAD, max(0.0, 1 - 4 / math.sqrt(2 * max(rows - 1, 1))))
