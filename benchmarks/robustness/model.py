"""An exported model as anybody uses it: TensorFlow, the SavedModel and what its card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

# One batch shape, so that TensorFlow traces once.
_BATCH = 128


class ServedModel:
    """A SavedModel that this project exported.

    Attributes:
      classes: names in the order of its probabilities.
      height, width: pixels of an image.
    """

    def __init__(self, folder: Path):
        """Loads it.

        Raises:
          ValueError: the folder holds no model of this project.
        """
        import tensorflow as tf

        from trainer.export.model_card import read_model_card

        card = read_model_card(str(folder))
        if "classes" not in card:
            raise ValueError(
                f"{folder} holds no model of this project: assets.extra/model.json is missing."
            )
        self.classes: list[str] = card["classes"]
        self.height: int = card["height"]
        self.width: int = card["width"]
        self._classify = tf.saved_model.load(str(folder)).signatures["classify_spectrograms"]

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """From grey levels, float32 [N, height, width] from 0 to 1, to float32 [N, classes]."""
        import tensorflow as tf

        answers = []
        for first in range(0, len(images), _BATCH):
            batch = images[first : first + _BATCH]
            filled = np.pad(batch, [(0, _BATCH - len(batch)), (0, 0), (0, 0)])
            answer = self._classify(tf.constant(filled, tf.float32))["probabilities"]
            answers.append(answer.numpy()[: len(batch)])
        return np.concatenate(answers)
