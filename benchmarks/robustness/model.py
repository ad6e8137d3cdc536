"""Runs an exported model with TensorFlow alone: the SavedModel and its model card."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# All batches have one shape, so that TensorFlow traces once.
_BATCH = 128


class ServedModel:
    """A SavedModel that this project exported.

    Attributes:
      classes: names in the order of the probabilities.
      height: pixels of an image along time.
      width: pixels of an image along frequency.
    """

    def __init__(self, folder: Path):
        """Load the model.

        Raises:
          ValueError: the folder does not contain a model of this project.
        """
        import tensorflow as tf

        from trainer.export.model_card import read_model_card

        card = read_model_card(str(folder))
        if "classes" not in card:
            raise ValueError(
                f"{folder} contains no model of this project: assets.extra/model.json is missing."
            )
        self.classes: list[str] = card["classes"]
        self.height: int = card["height"]
        self.width: int = card["width"]
        self._classify = tf.saved_model.load(str(folder)).signatures["classify_spectrograms"]

    def predict_probabilities(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes.

        Args:
          images: grey levels, float32 [N, height, width] from 0 to 1.

        Returns:
          float32 [N, classes].
        """
        import tensorflow as tf

        probabilities = []
        for first in range(0, len(images), _BATCH):
            batch = images[first : first + _BATCH]
            padded = np.pad(batch, [(0, _BATCH - len(batch)), (0, 0), (0, 0)])
            outputs = self._classify(tf.constant(padded, tf.float32))
            probabilities.append(outputs["probabilities"].numpy()[: len(batch)])
        return np.concatenate(probabilities)
