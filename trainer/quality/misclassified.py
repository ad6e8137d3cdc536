"""Which validation spectrograms a model gets wrong, and how sure it is of them."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from trainer.inputs.batches import spectrograms


@dataclass(frozen=True)
class Mistake:
    """A spectrogram taken for another class.

    Attributes:
      image: float32 [H, W], as the model sees it.
      actual: index of its class.
      predicted: index of the class that the model decided for.
      probability: what the model gave that class.
      position: in the stored order of the split, from 0.
    """

    image: np.ndarray
    actual: int
    predicted: int
    probability: float
    position: int


def find_mistakes(
    model: keras.Model, batches: tf.data.Dataset, limit: int
) -> tuple[list[Mistake], int, int]:
    """Classify a split and return the mistakes that the model is most sure of.

    Args:
      model: from the first of a batch to probabilities [N, classes].
      batches: as of `trainer.inputs.batches.ValidationBatches`, in stored order. They are gone through
        once, and no more than a batch and `limit` images are held.
      limit: at most so many mistakes, the most confident first; ties in stored order.

    Returns:
      The mistakes, how many there are in all, and how many images there are.
    """
    mistakes: list[Mistake] = []
    wrong = seen = 0
    for inputs, labels in batches:
        probabilities = model.predict_on_batch(inputs)
        images = spectrograms(inputs)
        actual = np.argmax(labels.numpy(), axis=-1)
        predicted = np.argmax(probabilities, axis=-1)
        for row in np.flatnonzero(actual != predicted):
            mistakes.append(
                Mistake(
                    images[row, ..., 0].numpy(),
                    int(actual[row]),
                    int(predicted[row]),
                    float(probabilities[row, predicted[row]]),
                    seen + int(row),
                )
            )
            wrong += 1
        seen += len(actual)
        mistakes.sort(key=lambda mistake: (-mistake.probability, mistake.position))
        del mistakes[limit:]
    return mistakes, wrong, seen
