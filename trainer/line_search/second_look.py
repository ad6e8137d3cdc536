"""Looks at a spectrogram again, as it was before interference was removed from it.

What is removed may be a part of a slow signal. The network decides which of the two explanations
of such a spectrogram to believe.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from trainer.line_search.arithmetic import asinh, uses_lite_operations

# The sums of carriers, in standard deviations of noise, and their numbers.
_SCALES = [5.0, 1.0, 5.0, 1.0]


@keras.saving.register_keras_serializable("radio_signals")
class BothLooks(keras.layers.Layer):
    """Appends the original spectrograms, where they differ, to the cleaned ones.

    Input: cleaned and original spectrograms, float32 [N, H, W] each.
    Output: float32 [N + M, H, W], and int32 [M]: which of the N have changed.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})

    def call(self, cleaned: tf.Tensor, original: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Append to a batch."""
        if uses_lite_operations():
            changed = tf.range(tf.shape(cleaned)[0])
            return tf.concat([cleaned, original], axis=0), changed
        differs = tf.reduce_any(tf.not_equal(cleaned, original), axis=[1, 2])
        changed = tf.cast(tf.where(differs)[:, 0], tf.int32)
        return tf.concat([cleaned, tf.gather(original, changed)], axis=0), changed

    def compute_output_spec(
        self, cleaned: keras.KerasTensor, _original: keras.KerasTensor
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Return [any, H, W] and [any]."""
        return keras.KerasTensor(cleaned.shape), keras.KerasTensor([None], "int32")


@keras.saving.register_keras_serializable("radio_signals")
class SideBySide(keras.layers.Layer):
    """Puts what both looks found, and what was removed between them, side by side.

    Input: evidence, float32 [N + M, features], in the order of `BothLooks`; int32 [M], which of
    the N have changed; float32 [N, 4], what `WithoutCarriers` and `WithoutIntermittentCarriers`
    removed.
    Output: float32 [N, 4 + 2 features]. Both looks at an unchanged spectrogram are the same.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trainable": False, "dtype": "float32", **options})

    def call(self, evidence: tf.Tensor, changed: tf.Tensor, removed: tf.Tensor) -> tf.Tensor:
        """Rearrange a batch."""
        images = tf.shape(removed)[0]
        cleaned, original = evidence[:images], evidence[images:]
        if not uses_lite_operations():
            original = tf.tensor_scatter_nd_update(cleaned, changed[:, tf.newaxis], original)
        return tf.concat([asinh(removed / _SCALES), cleaned, original], axis=1)

    def compute_output_spec(
        self,
        evidence: keras.KerasTensor,
        _changed: keras.KerasTensor,
        removed: keras.KerasTensor,
    ) -> keras.KerasTensor:
        """Return [N, 4 + 2 features]."""
        return keras.KerasTensor([removed.shape[0], removed.shape[1] + 2 * evidence.shape[1]])
