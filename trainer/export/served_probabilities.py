"""The probabilities that an exported model answers with."""

from __future__ import annotations

import keras
import tensorflow as tf

from trainer.quality.calibration import apply_temperature
from trainer.quality.outliers import Outliers


class ServedProbabilities:
    """A trained model, the temperature that calibrates it, and its outlier test."""

    def __init__(
        self,
        model: keras.Model,
        temperature: float | None = None,
        outliers: Outliers | None = None,
    ) -> None:
        """Put the parts together.

        Args:
          model: maps float32 [N, height, width, 1] to probabilities [N, classes].
          temperature: calibrates the probabilities; None leaves them.
          outliers: lowers the confidence in outliers; None leaves it.
        """
        self.model, self.temperature = model, temperature
        self._outliers = outliers

    def compute(self, images: tf.Tensor) -> tf.Tensor:
        """Return the probabilities of float32 [N, height, width, 1]: float32 [N, classes]."""
        if self._outliers is None:
            return self._calibrate(self.model(images, training=False))
        parts = self._outliers.parts
        evidence = self.model.get_layer(parts.name)(images, training=False)
        decision = self.model.get_layer(parts.rest)
        probabilities = decision({"image": images, "evidence": evidence}, training=False)
        return self._outliers.lower_confidence(self._calibrate(probabilities), evidence)

    def _calibrate(self, probabilities: tf.Tensor) -> tf.Tensor:
        if self.temperature is None:
            return probabilities
        return apply_temperature(probabilities, self.temperature)
