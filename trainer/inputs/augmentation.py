"""Random changes to training images that keep their class.

Which changes keep the label of a spectrogram (axis 0 is time, axis 1 is frequency), and which not:

* A flip in time or in frequency: a straight, curved or wandering line stays one.
* A shift in frequency with wrap-around: sampling is complex, so a tone that leaves one edge of the
  band enters at the other in real recordings too.
* An inversion: whether a rendering draws power bright or dark is arbitrary.
* Added noise, within reason: it only makes a signal weaker.
* Brightness and contrast keep the label, but normalisation removes both, so they have no effect.
* Rotation, shear and stretching change the label: they change the drift rates and curvatures that
  tell the classes apart. A shift in time breaks a line where its ends meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class Augmentation:
    """The changes to make.

    Attributes:
      flip_time: whether to reverse time in half of the images, on average.
      flip_frequency: whether to reverse frequency in half of the images, on average.
      invert: whether to change the sign of half of the images, on average; images have mean 0.
      shift_frequency: largest cyclic shift, as a fraction of the band's width; 0 for none.
      noise: standard deviation of added Gaussian noise, in standard deviations of the image; 0 for
        none.
    """

    flip_time: bool = False
    flip_frequency: bool = False
    invert: bool = False
    shift_frequency: float = 0.0
    noise: float = 0.0

    def __call__(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Return augmented images, float32 [N, H, W, 1]; `seed`, int64 [2], determines how."""
        # TensorFlow reverses frequencies in a tenth of the time if no axis follows.
        images = tf.squeeze(images, axis=3)
        seeds = tf.random.experimental.stateless_split(seed, 5)
        if self.flip_time:
            images = _flip_half(images, 1, seeds[0])
        if self.flip_frequency:
            images = _flip_half(images, 2, seeds[1])
        if self.invert:
            images *= tf.where(_choose_half(images, seeds[4]), -1.0, 1.0)
        if self.shift_frequency:
            images = _shift(images, self.shift_frequency, seeds[2])
        if self.noise:
            images += self.noise * tf.random.stateless_normal(tf.shape(images), seeds[3])
        return images[..., tf.newaxis]


def _flip_half(images: tf.Tensor, axis: int, seed: tf.Tensor) -> tf.Tensor:
    return tf.where(_choose_half(images, seed), tf.reverse(images, [axis]), images)


def _choose_half(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform([tf.shape(images)[0], 1, 1], seed) < 0.5


def _shift(images: tf.Tensor, largest: float, seed: tf.Tensor) -> tf.Tensor:
    width = tf.shape(images)[2]
    limit = tf.cast(tf.cast(width, tf.float32) * largest, tf.int32)
    shifts = tf.random.stateless_uniform(
        [tf.shape(images)[0], 1], seed, minval=-limit, maxval=limit + 1, dtype=tf.int32
    )
    columns = tf.math.floormod(tf.range(width)[tf.newaxis, :] - shifts, width)
    return tf.gather(images, columns, axis=2, batch_dims=1)
