"""Says how long a signal is on: always, in pulses, or for no longer than a spot."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.line_search.arithmetic import asinh
from trainer.line_search.standard_rows import average_down

# Square waves: periods in observations, fractions of the period that they are on, and phases.
_PERIODS = np.linspace(0.14, 0.5, 10)
_DUTY_CYCLES = (0.1, 0.3, 0.5, 0.7, 0.9)
_PHASES = np.arange(8) / 8
# Points within a row, of whose square wave the row has the mean.
_POINTS = 8
# Columns about the path that hold most of a line.
_LINE = 3
# Brightness of a path's pixels, in standard deviations of noise.
_STRENGTH = 2.0
# Where to read the sorted values of a profile, from 0 to 1.
_QUANTILES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
# Numbers that describe a profile.
_FEATURES = 4 + len(_DUTY_CYCLES) + len(_QUANTILES)
# Heights and widths of a spot in pixels, and which of the brightest rows to compare, from 0.
_SPOTS = ((1, 1), (2, 1), (2, 2))
_RANKS = (0, 1, 2, 3, 4, 6, 8, 12, 24, 40)


@keras.saving.register_keras_serializable("radio_signals")
class PulseEvidence(keras.layers.Layer):
    """Compares the brightness of a path over time with square waves.

    Three profiles are compared: that of the columns on the path itself, that of the path wherever
    it is near, and that of a path anywhere in the band. Mirroring or inverting a spectrogram does
    not change the result. The layer has no weights and passes no gradient.

    Input: float32 [N, H, C], the spectrogram straightened along its best path; float32 [N, H, W],
    the spectrogram; and float32 [N, 4], the path, as `DriftSearch` describes it.
    Output: float32 [N, features].
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})

    def build(
        self,
        near_shape: tuple[int, ...],
        rows_shape: tuple[int, ...],  # noqa: ARG002 - Keras passes the shape of each input
        path_shape: tuple[int, ...],  # noqa: ARG002
    ) -> None:
        """Draw the square waves: [H, duty cycles * periods * phases]."""
        height = near_shape[1]
        time = (np.arange(height * _POINTS) + 0.5) / (height * _POINTS) - 0.5
        duty, period, phase = np.meshgrid(_DUTY_CYCLES, _PERIODS, _PHASES, indexing="ij")
        cycles = time[:, np.newaxis] / period.ravel() - phase.ravel()
        is_on = np.abs(cycles - np.round(cycles)) < duty.ravel() / 2
        waves = is_on.reshape(height, _POINTS, -1).mean(axis=1)
        waves -= waves.mean(axis=0)
        self._waves = (waves / np.linalg.norm(waves, axis=0)).astype(np.float32)

    def call(self, near: tf.Tensor, rows: tf.Tensor, path: tf.Tensor) -> tf.Tensor:
        """Compare a batch."""
        height, width = near.shape[1:]
        first = (width - _LINE) // 2
        profiles = tf.stack(
            [
                tf.reduce_sum(near[..., first : first + _LINE], axis=2) / np.sqrt(_LINE),
                _sum_likelihoods(near),
                _sum_likelihoods(rows * path[:, tf.newaxis, 3:]),
            ],
            axis=1,
        )
        mean = tf.reduce_mean(profiles, axis=2, keepdims=True)
        profiles -= mean
        deviation = tf.math.reduce_std(profiles, axis=2, keepdims=True) + 1e-3
        count = len(_PERIODS) * len(_PHASES)
        matches = tf.matmul(profiles, self._waves)
        matches = tf.reshape(matches, [-1, 3, len(_DUTY_CYCLES), count])
        matches = tf.reduce_max(matches, axis=3)
        best = tf.reduce_max(matches, axis=2, keepdims=True)
        by_brightness = tf.sort(profiles, axis=2)
        steps = tf.reduce_mean(
            tf.square(profiles[..., 1:] - profiles[..., :-1]), axis=2, keepdims=True
        )
        features = [
            mean,
            deviation,
            asinh(matches),
            best / (deviation * np.sqrt(height)),
            tf.gather(by_brightness, [round(q * (height - 1)) for q in _QUANTILES], axis=2),
            steps / tf.square(deviation),
        ]
        return tf.reshape(tf.concat(features, axis=2), [-1, 3 * _FEATURES])

    def compute_output_shape(
        self,
        near_shape: tuple[int | None, ...],
        rows_shape: tuple[int | None, ...],  # noqa: ARG002
        path_shape: tuple[int | None, ...],  # noqa: ARG002
    ) -> tuple[int | None, int]:
        """Return [N, features]."""
        return near_shape[0], 3 * _FEATURES


@keras.saving.register_keras_serializable("radio_signals")
class SpotEvidence(keras.layers.Layer):
    """Compares the brightest and the darkest spot of each row with those of the other rows.

    A line has bright spots in many rows, a short pulse in one or two. Mirroring or inverting a
    spectrogram does not change the result. The layer has no weights and passes no gradient.

    Input: float32 [N, H, W, 1].
    Output: float32 [N, features].
    """

    def __init__(self, rows: int, channels: int, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})
        self.rows, self.channels = rows, channels

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Compare a batch."""
        images = average_down(tf.stop_gradient(images), self.rows, self.channels)
        mean, variance = tf.nn.moments(images, axes=[1, 2, 3], keepdims=True)
        images = (images - mean) * tf.math.rsqrt(variance + 1e-4)
        features = []
        for size in _SPOTS:
            spots = tf.nn.avg_pool2d(images, size, 1, "VALID") * np.sqrt(np.prod(size))
            extremes = [tf.reduce_max(spots, axis=[2, 3]), -tf.reduce_min(spots, axis=[2, 3])]
            by_size = tf.sort(tf.stack(extremes, axis=2), axis=1, direction="DESCENDING")
            bright, dark = tf.unstack(asinh(tf.gather(by_size, _RANKS, axis=1)), axis=2)
            features += [tf.maximum(bright, dark), tf.minimum(bright, dark)]
        return tf.concat(features, axis=1)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, int]:
        """Return [N, features]."""
        return shape[0], 2 * len(_SPOTS) * len(_RANKS)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "rows": self.rows, "channels": self.channels}


def _sum_likelihoods(rows: tf.Tensor) -> tf.Tensor:
    """Return the log of the mean likelihood ratio of a line in any of the channels, [N, H]."""
    return tf.reduce_logsumexp(_STRENGTH * rows, axis=2) - np.log(rows.shape[2])
