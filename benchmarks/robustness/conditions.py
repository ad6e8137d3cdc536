"""The conditions of the test sets, and the simulation of their spectrograms."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from data.simulation.classes import SIGNALS, Signal
from data.simulation.interference import Burst, DeadBand, Interference, carrier
from data.simulation.presets import Preset
from data.simulation.spectrogram import NOISE_DEVIATION, simulate_spectrogram
from data.spectrogram import choose_oversampling

Rendering = Callable[[np.ndarray], np.ndarray]
"""Changes grey levels, float32 [N, H, W] from 0 to 1."""

_FINE_TIME = np.linspace(0.0, 1.0, 8193)


@dataclass(frozen=True)
class Condition:
    """One way in which a test set differs from the data that a model was trained on.

    Attributes:
      name: the name in the tables.
      rendering: changes finished images; None leaves them unchanged.
      noise_deviation: see `simulate_spectrogram`.
      oversampling: see `simulate_spectrogram`.
      interference: draws interference from random numbers and the image's width; None for none.
      fraction_inside: fraction of its time that a signal spends inside the band; None for the
        preset's own.
    """

    name: str
    rendering: Rendering | None = None
    noise_deviation: float = NOISE_DEVIATION
    oversampling: int | None = None
    interference: Callable[[np.random.Generator, int], Interference] | None = None
    fraction_inside: float | None = None

    @property
    def shot(self) -> Condition:
        """The simulation without name and rendering, which several conditions may share."""
        return dataclasses.replace(self, name="", rendering=None)


@dataclass(frozen=True)
class Shot:
    """One image to simulate: the image with this number of its class."""

    class_name: str
    number: int


UNCHANGED = Condition("unchanged")


def list_conditions(height: int, width: int) -> list[Condition]:
    """Return all conditions for images of a size, the unchanged one first."""
    usual = choose_oversampling(height, width)
    averaged = {max(1, usual // 2), -(-3 * usual // 2)} - {usual}
    return [
        UNCHANGED,
        Condition("polarity inverted", rendering=_invert),
        Condition("darker", rendering=_darken),
        Condition("brighter", rendering=_brighten),
        Condition("a quarter of the contrast", rendering=_flatten),
        *(
            Condition(f"noise of {deviation:g} digitiser steps, not 13", noise_deviation=deviation)
            for deviation in (3.0, 39.0)
        ),
        *(
            Condition(
                f"{number} x {number} FFT values a pixel, not {usual} x {usual}",
                oversampling=number,
            )
            for number in sorted(averaged)
        ),
        *(
            Condition(f"carrier of {strength} dB", interference=partial(_draw_carrier, strength))
            for strength in (5, 10, 20)
        ),
        *(
            Condition(
                f"burst of {rise} dB, 8 % of the time", interference=partial(_draw_burst, rise)
            )
            for rise in (3, 10)
        ),
        Condition("3 dead channels", interference=_draw_dead_bands),
        Condition("carrier 10 dB, burst 10 dB, 3 dead channels", interference=_draw_everything),
        *(
            Condition(
                f"cut by the band's edge, {100 * inside:.0f} % inside", fraction_inside=inside
            )
            for inside in (0.9, 0.7, 0.5, 0.3)
        ),
    ]


def simulate(
    shot: Shot, seed: int, preset: Preset, height: int, width: int, condition: Condition
) -> np.ndarray:
    """Simulate one image, before its rendering is changed.

    The signal depends only on shot, seed and preset, so that all conditions have the same lines.

    Returns:
      uint8 [height, width].
    """
    names = (zlib.crc32(b"robustness"), zlib.crc32(shot.class_name.encode()), shot.number)
    streams = np.random.SeedSequence(seed, spawn_key=names).spawn(3)
    signal_rng, noise_rng, other_rng = map(np.random.default_rng, streams)
    if condition.fraction_inside is None:
        signal = SIGNALS[shot.class_name](signal_rng, preset)
    else:
        # The whole signal is inside first, so that exactly the requested fraction is afterwards.
        whole = SIGNALS[shot.class_name](signal_rng, dataclasses.replace(preset, inside=1.0))
        signal = whole and cut_by_edge(whole, condition.fraction_inside, other_rng.uniform() < 0.5)
    interference = condition.interference and condition.interference(other_rng, width)
    return simulate_spectrogram(
        signal,
        height,
        width,
        noise_rng,
        condition.oversampling,
        condition.noise_deviation,
        interference,
    )


def cut_by_edge(signal: Signal, fraction: float, upper: bool) -> Signal:
    """Shift a signal along frequency until only a fraction of it is inside the band.

    Args:
      signal: a signal that is completely inside the band.
      fraction: fraction of the time that the signal is on, 0 to 1.
      upper: whether it leaves the band at the upper edge or at the lower.
    """
    frequencies = signal.path(_FINE_TIME[signal.envelope(_FINE_TIME) > 0.0])
    edge, below = (1.0, fraction) if upper else (0.0, 1.0 - fraction)
    shift = edge - np.quantile(frequencies, below)

    def shifted(time: np.ndarray) -> np.ndarray:
        return signal.path(time) + shift

    return dataclasses.replace(signal, path=shifted)


def _invert(images: np.ndarray) -> np.ndarray:
    return 1.0 - images


def _darken(images: np.ndarray) -> np.ndarray:
    return 0.5 * images


def _brighten(images: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * images


def _flatten(images: np.ndarray) -> np.ndarray:
    return 0.5 + 0.25 * (images - 0.5)


def _draw_carrier(strength: float, rng: np.random.Generator, _width: int) -> Interference:
    return Interference(carriers=(carrier(rng.uniform(0.05, 0.95), strength),))


def _draw_burst(rise: float, rng: np.random.Generator, _width: int) -> Interference:
    duration = 0.08
    return Interference(bursts=(Burst(rng.uniform(0.0, 1.0 - duration), duration, rise),))


def _draw_dead_bands(rng: np.random.Generator, width: int) -> Interference:
    """Draw three dead channels, each as wide as a column of the image."""
    columns = rng.choice(width, 3, replace=False)
    return Interference(dead_bands=tuple(DeadBand(c / width, 1 / width) for c in columns))


def _draw_everything(rng: np.random.Generator, width: int) -> Interference:
    return Interference(
        _draw_carrier(10, rng, width).carriers,
        _draw_burst(10, rng, width).bursts,
        _draw_dead_bands(rng, width).dead_bands,
    )
