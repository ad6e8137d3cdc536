"""Which grey levels a spectrogram is drawn with."""

from __future__ import annotations

import numpy as np


def shown_range(image: np.ndarray) -> tuple[float, float]:
    """Return the levels [H, W] that are to be drawn black and white.

    The eye is lost in the few lightest of thousands of pixels. The darkest may be the signal.
    """
    return image.min(), np.percentile(image, 99.8)
