"""Inverts a colour map: from the colours of a picture to the values that were drawn."""

from __future__ import annotations

import difflib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_VALUES = 256
_COLOURS = 1 << 24

# Of an answer: the value in the low byte, the distance in the high one.
_UNKNOWN = 0xFFFF
_FARTHEST = 0xFE


def check_colour_map(name: str) -> None:
    """Refuse a name that Matplotlib does not know.

    Raises:
      ValueError: there is no such colour map.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        near = difflib.get_close_matches(name, list(colormaps), n=1, cutoff=0)
        raise ValueError(f'Matplotlib has no colour map "{name}". Did you mean {near[0]}?')


def invert_colour_map(
    colours: NDArray[np.uint8], name: str
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Find the values that a colour map draws in the given colours, or in the nearest ones.

    Args:
      colours: uint8 [..., 3], red, green and blue.
      name: Matplotlib's name of the colour map.

    Returns:
      Values from 0 to 255, and the distances of the colours from those of the map: the root of the
      sum of the squares over red, green and blue, at most 254. Both uint8 [...].
    """
    known = _remember_answers(name)
    red, green, blue = (colours[..., channel].astype(np.int32) for channel in range(3))
    codes = red << 16 | green << 8 | blue
    answers = known[codes]
    if (answers == _UNKNOWN).any():
        new = np.unique(codes[answers == _UNKNOWN])
        # Threads that find the same colours at the same time write the same answers.
        known[new] = _find_nearest(new, name)
        answers = known[codes]
    return (answers & 0xFF).astype(np.uint8), (answers >> 8).astype(np.uint8)


@lru_cache(maxsize=2)
def _remember_answers(name: str) -> NDArray[np.uint16]:  # noqa: ARG001 - the key of the cache
    """Return the answers that are known so far, uint16 by colour: 32 MiB.

    The pictures of a data set have the same few hundred or thousand colours.
    """
    return np.full(_COLOURS, _UNKNOWN, np.uint16)


@lru_cache(maxsize=2)
def _list_colours(name: str) -> NDArray[np.int32]:
    """Return the colours of the values from 0 to 255, int32 [256, 3]."""
    from matplotlib import colormaps

    colour_map = colormaps[name].resampled(_VALUES)
    return colour_map(np.arange(_VALUES), bytes=True)[:, :3].astype(np.int32)


def _find_nearest(codes: NDArray[np.int32], name: str) -> NDArray[np.uint16]:
    from scipy.spatial import KDTree

    colours = np.stack([codes >> 16, codes >> 8 & 0xFF, codes & 0xFF], axis=-1)
    distances, values = KDTree(_list_colours(name)).query(colours)
    far = np.minimum(np.rint(distances), _FARTHEST).astype(np.uint16)
    return (far << 8 | values.astype(np.uint16)).astype(np.uint16)
