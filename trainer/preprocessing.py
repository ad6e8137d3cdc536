"""`preprocessing_fn` of the Transform step: from stored bytes to the input of a model.

Transform saves this function as a TensorFlow graph. Training reads examples through that graph, and
the exported model contains it, so serving cannot normalise examples differently. Spectrograms that
reach the model as numbers are normalised by the same function, `normalise`.
"""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from data import example_features
from trainer.settings import resolve_normalisation

# Half a grey level. A constant image has standard deviation 0; it becomes zeros, not infinities.
_SMALLEST_DEVIATION = 0.5 / 255
# A channel is dead if its standard deviation over time is at most this fraction of the channels'
# mean. The fraction is not 0, because neighbours leak into a dead channel, and the logarithm
# amplifies that. Simulated dead channels reach 0.2 to 0.52 of the mean. The quietest of 128 live
# channels reaches 0.52 or more in all but one of 3,200 spectrograms with lines of up to 18 dB.
_DEAD_FRACTION = 0.5


def preprocessing_fn(
    inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """Reshape to [height, width, 1] and, for most models, standardise each image on its own.

    Statistics of the whole data set would not help: the absolute level of a spectrogram depends on
    gain and rendering, not on the line in it.

    Args:
      inputs: `image` string [N] (height x width bytes) and `label` int64 [N]. Other features are
        dropped.
      custom_config: `height`, `width`, and the keys of `trainer.settings.resolve_normalisation`.

    Returns:
      `image` float32 [N, height, width, 1], with mean 0 and standard deviation 1 or, if the
      normalisation is `levels`, grey levels from 0 to 1; `label` int64 [N].
    """
    height, width = int(custom_config["height"]), int(custom_config["width"])
    # An inferred schema has shape [1] where the curated one has none.
    encoded = tf.reshape(inputs[example_features.IMAGE], [-1])
    levels = tf.io.decode_raw(encoded, tf.uint8)
    # The number of images is given, so that an image of another size is an error. With -1 it would
    # become several images.
    levels = tf.reshape(levels, [tf.shape(encoded)[0], height, width, 1])
    images = tf.cast(levels, tf.float32) / 255.0
    return {
        example_features.IMAGE: normalise(images, resolve_normalisation(custom_config)),
        example_features.LABEL: tf.reshape(inputs[example_features.LABEL], [-1]),
    }


def normalise(images: tf.Tensor, normalisation: str) -> tf.Tensor:
    """Normalise grey levels from 0 to 1, float32 [N, H, W, 1], as `trainer.config` describes."""
    return standardise(images) if normalisation == "image" else images


def standardise(images: tf.Tensor) -> tf.Tensor:
    """Bring each image of float32 [N, H, W, 1] to mean 0 and standard deviation 1.

    Dead channels, which hardly change over time, and their neighbours become 0 and do not count.
    """
    means, variances = tf.nn.moments(images, axes=[1], keepdims=True)
    deviations = tf.sqrt(variances)
    limit = _compute_dead_limit(images.shape[1])
    dead = deviations <= limit * tf.reduce_mean(deviations, axis=2, keepdims=True)
    dead = tf.cast(dead, images.dtype)
    # Downsampling the image affected the neighbours too: they would look like faint lines.
    # A pooling layer takes many times as long for a single row.
    around = tf.pad(dead, [[0, 0], [0, 0], [1, 1], [0, 0]])
    alive = 1.0 - tf.maximum(dead, tf.maximum(around[:, :, :-2], around[:, :, 2:]))
    # Those of all pixels follow from those of the channels.
    weights = tf.math.divide_no_nan(alive, tf.reduce_sum(alive, axis=2, keepdims=True))
    mean = tf.reduce_sum(weights * means, axis=2, keepdims=True)
    variance = tf.reduce_sum(weights * (variances + tf.square(means - mean)), axis=2, keepdims=True)
    scale = alive / tf.maximum(tf.sqrt(variance), _SMALLEST_DEVIATION)
    return scale * images - scale * mean


def _compute_dead_limit(rows: int) -> float:
    """Return the largest standard deviation of a dead channel, relative to the channels' mean.

    A standard deviation from few rows is uncertain. The limit is at least four standard errors
    away from the value for noise.
    """
    return min(_DEAD_FRACTION, max(0.0, 1 - 4 / math.sqrt(2 * max(rows - 1, 1))))
