"""Images of paths whose drift and sagitta are known."""

from __future__ import annotations

import numpy as np

ROWS, CHANNELS = 64, 128


def path_image(
    middle: float, drift: float, sagitta: float, rows: int = ROWS, channels: int = CHANNELS
) -> np.ndarray:
    """A path one channel wide, brightness 1, on 0: float32 [1, rows, channels].

    Args:
      middle: channel at half-time.
      drift, sagitta: in widths of the band.
      rows, channels: size of the image.
    """
    time = (np.arange(rows) + 0.5) / rows
    path = middle + channels * (drift * (time - 0.5) + 4 * sagitta * time * (1 - time) - sagitta)
    image = np.zeros((rows, channels), np.float32)
    place = np.round(path).astype(int)
    inside = (place >= 0) & (place < channels)
    image[np.arange(rows)[inside], place[inside]] = 1
    return image[None]


def noise(count: int, seed: int, rows: int = ROWS, channels: int = CHANNELS) -> np.ndarray:
    """White noise of deviation 1, float32 [count, rows, channels]."""
    return np.random.default_rng(seed).normal(size=(count, rows, channels)).astype(np.float32)
