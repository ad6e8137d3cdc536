"""Finds the validation spectrograms that a model misclassifies most confidently."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from trainer.inputs.batches import get_images


@dataclass(frozen=True)
class Mistake:
    """A misclassified spectrogram.

    Attributes:
      image: float32 [H, W], as the model sees it.
      actual: index of the actual class.
      predicted: index of the class that the model chose.
      probability: probability that the model gave to this class.
      position: position in the stored order of the split, from 0.
    """

    image: npt.NDArray[np.float32]
    actual: int
    predicted: int
    probability: float
    position: int


def find_mistakes(
    model: keras.Model, batches: tf.data.Dataset, limit: int
) -> tuple[list[Mistake], int, int]:
    """Classify a split and return the mistakes that the model is most confident of.

    The split is read once. At most one batch and `limit` images are in memory.

    Args:
      model: maps the inputs of a batch to probabilities [N, classes].
      batches: dataset of `trainer.inputs.batches.ValidationBatches`, in stored order.
      limit: greatest number of mistakes to return, the most confident first. Ties keep their
        stored order.

    Returns:
      The mistakes, the number of all mistakes, and the number of images.
    """
    mistakes: list[Mistake] = []
    wrong = images_seen = 0
    for inputs, labels in batches:
        probabilities = model.predict_on_batch(inputs)
        images = get_images(inputs)
        actual = np.argmax(labels.numpy(), axis=-1)
        predicted = np.argmax(probabilities, axis=-1)
        for row in np.flatnonzero(actual != predicted):
            mistakes.append(
                Mistake(
                    images[row, ..., 0].numpy(),
                    int(actual[row]),
                    int(predicted[row]),
                    float(probabilities[row, predicted[row]]),
                    images_seen + int(row),
                )
            )
            wrong += 1
        images_seen += len(actual)
        mistakes.sort(key=lambda mistake: (-mistake.probability, mistake.position))
        del mistakes[limit:]
    return mistakes, wrong, images_seen
