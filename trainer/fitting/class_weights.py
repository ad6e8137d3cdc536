"""How much an image of each class counts in the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

BALANCED = "balanced"


def class_weights(
    setting: str | dict[str, float] | None, classes: Sequence[str], labels: Callable[[], np.ndarray]
) -> dict[int, float] | None:
    """Return weights by label index, as `keras.Model.fit` takes them; None for all alike.

    Args:
      setting: None; `balanced`, by which every class counts the same in sum (scikit-learn's
        images / (classes x images of the class)); or weights by class name, 1 where not named.
      classes: names in the order of the labels.
      labels: returns those of the training images, int [N]; called if they are needed.
    """
    if setting is None:
        return None
    if setting == BALANCED:
        found = labels()
        present = np.unique(found)
        weights = compute_class_weight(BALANCED, classes=present, y=found)
        return {int(label): float(weight) for label, weight in zip(present, weights, strict=True)}
    return {label: float(setting.get(name, 1.0)) for label, name in enumerate(classes)}
