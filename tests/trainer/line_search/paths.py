"""Images of paths with known drift and sagitta."""

from __future__ import annotations

import numpy as np

ROWS, CHANNELS = 64, 128


def path_image(
    middle: float, drift: float, sagitta: float, rows: int = ROWS, channels: int = CHANNELS
) -> np.ndarray:
    """Return a path one channel wide, of brightness 1 on 0: float32 [1, rows, channels].

    Args:
      middle: channel at half-time.
      drift, sagitta: in widths of the band.
      rows, channels: size of the image.
    """
    time = (np.arange(rows) + 0.5) / rows
    path = middle + channels * (drift * (time - 0.5) + 4 * sagitta * time * (1 - time) - sagitta)
    image = np.zeros((rows, channels), np.float32)
    column = np.round(path).astype(int)
    inside = (column >= 0) & (column < channels)
    image[np.arange(rows)[inside], column[inside]] = 1
    return image[None]


def line_image(middle: float, drift: float, sagitta: float) -> np.ndarray:
    """Return a path as wide as lines are after resizing. Drift and sagitta are in channels."""
    return sum(
        weight * path_image(middle + offset, drift / CHANNELS, sagitta / CHANNELS)
        for offset, weight in ((-1, 0.4), (0, 1.0), (1, 0.4))
    )


def noise(count: int, seed: int, rows: int = ROWS, channels: int = CHANNELS) -> np.ndarray:
    """Return white noise of standard deviation 1: float32 [count, rows, channels]."""
    return np.random.default_rng(seed).normal(size=(count, rows, channels)).astype(np.float32)
