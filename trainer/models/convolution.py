"""A convolution whose batch normalisation takes little time in training, and none outside it."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("radio_signals")
class NormalisedConvolution(keras.layers.Layer):
    """Convolution, batch normalisation and ReLU.

    Outside training, the normalisation is part of the kernel and the bias, so that TensorFlow
    computes all three in one operation. In training, one operation normalises a batch; the layer of
    Keras takes a dozen. On a CPU it takes least time if the filters are a multiple of eight.

    Input: float [N, H, W, channels].
    Output: float [N, H / strides, W / strides, filters], rounded up.
    """

    def __init__(self, filters: int, window: int, strides: int = 1, **options: Any) -> None:
        """Create the layer.

        Args:
          filters: channels of the output.
          window: height and width of the kernel.
          strides: pixels from window to window.
          **options: options of every Keras layer, such as `name`.
        """
        super().__init__(**options)
        self._arguments = {"filters": filters, "window": window, "strides": strides}
        self.convolution = keras.layers.Conv2D(
            filters, window, strides=strides, padding="same", use_bias=False
        )
        self.normalisation = keras.layers.BatchNormalization(momentum=0.9)

    @property
    def layers(self) -> list[keras.layers.Layer]:
        """The layers inside, as a model lists its own."""
        return [self.convolution, self.normalisation]

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Create the weights."""
        self.convolution.build(shape)
        self.normalisation.build(self.convolution.compute_output_shape(shape))

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Convolve a batch."""
        normalisation = self.normalisation
        if training:
            outputs = self.convolution(inputs)
            # Only the layer of Keras shares the mean and the variance with other replicas.
            if normalisation.synchronized:
                outputs = normalisation(outputs, training=True)
            else:
                outputs = self._normalise_batch(outputs)
            return keras.ops.relu(outputs)
        scale = normalisation.gamma * keras.ops.rsqrt(
            normalisation.moving_variance + normalisation.epsilon
        )
        # The averages are float32, whatever the inputs are.
        kernel = keras.ops.cast(self.convolution.kernel * scale, inputs.dtype)
        bias = keras.ops.cast(normalisation.beta - normalisation.moving_mean * scale, inputs.dtype)
        strides = self._arguments["strides"]
        outputs = keras.ops.conv(inputs, kernel, strides=strides, padding="same")
        return keras.ops.relu(tf.nn.bias_add(outputs, bias))

    def _normalise_batch(self, outputs: tf.Tensor) -> tf.Tensor:
        """Normalise a batch, and update the averages as `BatchNormalization` does."""
        normalisation = self.normalisation
        normalised, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=outputs,
            scale=normalisation.gamma,
            offset=normalisation.beta,
            mean=[],
            variance=[],
            epsilon=normalisation.epsilon,
            is_training=True,
        )
        # The operation estimates the variance of more images, Keras that of the batch.
        values = tf.cast(tf.size(outputs) / outputs.shape[-1], tf.float32)
        variance *= (values - 1.0) / values
        averages = (normalisation.moving_mean, normalisation.moving_variance)
        for average, latest in zip(averages, (mean, variance), strict=True):
            average.assign(latest + normalisation.momentum * (average - latest))
        return normalised

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return tuple(self.convolution.compute_output_shape(shape))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), **self._arguments}
