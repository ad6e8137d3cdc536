"""The contrast with which spectrograms are shown."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def find_contrast_limits(image: NDArray[Any]) -> tuple[float, float]:
    """Return the grey levels of an image [height, width] to draw as black and as white.

    The few lightest of thousands of pixels would take contrast from all others. The darkest ones
    may be the signal.
    """
    return float(image.min()), float(np.percentile(image, 99.8))
