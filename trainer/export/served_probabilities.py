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
        self._answer = model
        if outliers:
            evidence = model.get_layer(outliers.layer).output
            self._answer = keras.Model(model.input, [model.output, evidence])

    def compute(self, images: tf.Tensor) -> tf.Tensor:
        """Return the probabilities of float32 [N, height, width, 1]: float32 [N, classes]."""
        answer = self._answer(images, training=False)
        probabilities, evidence = answer if self._outliers else (answer, None)
        if self.temperature is not None:
            probabilities = apply_temperature(probabilities, self.temperature)
        if self._outliers:
            probabilities = self._outliers.lower_confidence(probabilities, evidence)
        return probabilities
