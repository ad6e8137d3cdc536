"""Says how long a signal is on: always, in pulses, or for no longer than a spot."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.line_search.arithmetic import asinh, moments
from trainer.line_search.standard_rows import average_down

# Square waves: periods in observations, fractions of the period that they are on, and phases.
_PERIODS = np.linspace(0.14, 0.5, 10)
_DUTY_CYCLES = (0.1, 0.3, 0.5, 0.7, 0.9)
_PHASES = np.arange(8) / 8
# Points within a row, of whose square wave the row has the mean.
_POINTS = 8
# Standard deviation of a square wave that the rows show.
_LEAST_LENGTH = 0.05
# Columns about the path that hold most of a line.
_LINE = 3
# Brightness of a path's pixels, in standard deviations of noise.
_STRENGTH = 2.0
# Where to read the sorted values of a profile, from 0 to 1.
_QUANTILES = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)
# Which of the brightest rows to compare, from 0.
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
        matches = tf.matmul(tf.reshape(profiles, [-1, height]), _draw_waves(height))
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
        features = tf.concat(features, axis=2)
        return tf.reshape(features, [-1, features.shape[1] * features.shape[2]])


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
        pixels = images[..., 0]
        mean, variance = moments(pixels, [1, 2])
        mean, deviation = mean[..., 0], tf.sqrt(variance[..., 0] + 1e-4)
        taller = pixels[:, 1:] + pixels[:, :-1]
        square = taller[:, :, 1:] + taller[:, :, :-1]
        features = []
        for spots, size in ((pixels, 1), (taller, 2), (square, 4)):
            # In standard deviations of the sum of as many pixels of noise.
            middle, unit = size * mean, np.sqrt(size) * deviation
            bright = (tf.reduce_max(spots, axis=2) - middle) / unit
            dark = (middle - tf.reduce_min(spots, axis=2)) / unit
            ranks = [rank for rank in _RANKS if rank < spots.shape[1]]
            largest = tf.math.top_k(tf.stack([bright, dark], axis=1), max(ranks) + 1).values
            bright, dark = tf.unstack(asinh(tf.gather(largest, ranks, axis=2)), axis=1)
            features += [tf.maximum(bright, dark), tf.minimum(bright, dark)]
        return tf.concat(features, axis=1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "rows": self.rows, "channels": self.channels}


def _sum_likelihoods(rows: tf.Tensor) -> tf.Tensor:
    """Return the log of the mean likelihood ratio of a line in any of the channels, [N, H]."""
    return tf.reduce_logsumexp(_STRENGTH * rows, axis=2) - np.log(rows.shape[2])


def _draw_waves(height: int) -> npt.NDArray[np.float32]:
    """Return square waves of mean 0 and unit length: [H, duty cycles * periods * phases]."""
    time = (np.arange(height * _POINTS) + 0.5) / (height * _POINTS) - 0.5
    duty, period, phase = np.meshgrid(_DUTY_CYCLES, _PERIODS, _PHASES, indexing="ij")
    cycles = time[:, np.newaxis] / period.ravel() - phase.ravel()
    is_on = np.abs(cycles - np.round(cycles)) < duty.ravel() / 2
    waves = is_on.reshape(height, _POINTS, -1).mean(axis=1)
    waves -= waves.mean(axis=0)
    lengths = np.linalg.norm(waves, axis=0)
    # Few rows do not show a fast wave, which then matches nothing.
    lengths[lengths < _LEAST_LENGTH * np.sqrt(height)] = np.inf
    return (waves / lengths).astype(np.float32)
