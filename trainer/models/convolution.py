"""A convolution whose batch normalisation takes no time outside training."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("radio_signals")
class NormalisedConvolution(keras.layers.Layer):
    """Convolution, batch normalisation and ReLU.

    Outside training, the normalisation is part of the kernel and the bias, so that TensorFlow
    computes all three in one operation.

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
        if training:
            return keras.ops.relu(self.normalisation(self.convolution(inputs), training=True))
        normalisation = self.normalisation
        scale = normalisation.gamma * keras.ops.rsqrt(
            normalisation.moving_variance + normalisation.epsilon
        )
        bias = normalisation.beta - normalisation.moving_mean * scale
        outputs = keras.ops.conv(
            inputs,
            self.convolution.kernel * scale,
            strides=self._arguments["strides"],
            padding="same",
        )
        return keras.ops.relu(tf.nn.bias_add(outputs, bias))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the output."""
        return tuple(self.convolution.compute_output_shape(shape))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), **self._arguments}
