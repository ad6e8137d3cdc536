"""Weights the images of each class in the loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.utils.class_weight import compute_class_weight


def get_class_weights(
    setting: str | dict[str, float] | None,
    classes: Sequence[str],
    read_labels: Callable[[], npt.NDArray[np.int64]],
) -> dict[int, float] | None:
    """Return weights by label index, as `keras.Model.fit` takes them; None for equal weights.

    Args:
      setting: None; `balanced`, which gives every class the same total weight (scikit-learn's
        images / (classes x images of the class)); or weights by class name. Classes that are not
        named have weight 1.
      classes: names in the order of the labels.
      read_labels: returns the labels of the training images, int [N]; called only if needed.
    """
    if setting is None:
        return None
    if isinstance(setting, str):
        labels = read_labels()
        present = np.unique(labels)
        weights = compute_class_weight("balanced", classes=present, y=labels)
        return {int(label): float(weight) for label, weight in zip(present, weights, strict=True)}
    return {label: float(setting.get(name, 1.0)) for label, name in enumerate(classes)}
