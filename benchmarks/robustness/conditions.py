"""What is done to the spectrograms of a test set, and how one of them is made."""

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
from data.simulation.spectrogram import (
    NOISE_DEVIATION,
    choose_oversampling,
    simulate_spectrogram,
)

Rendering = Callable[[np.ndarray], np.ndarray]
"""From grey levels, float32 [N, H, W] from 0 to 1, to others."""

_FINELY = np.linspace(0.0, 1.0, 8193)


@dataclass(frozen=True)
class Condition:
    """One way in which a test set differs from the data that a model was trained on.

    Attributes:
      name: as in the table.
      rendering: of finished images; None leaves them.
      noise_deviation, oversampling: see `simulate_spectrogram`.
      interference: from random numbers and the image's width to what is heard; None for nothing.
      part_inside: the part of its time that a signal spends inside the band; None for what the
        preset draws.
    """

    name: str
    rendering: Rendering | None = None
    noise_deviation: float = NOISE_DEVIATION
    oversampling: int | None = None
    interference: Callable[[np.random.Generator, int], Interference] | None = None
    part_inside: float | None = None

    @property
    def shot(self) -> Condition:
        """What has to be simulated: conditions that differ in their rendering share it."""
        return dataclasses.replace(self, name="", rendering=None)


@dataclass(frozen=True)
class Shot:
    """One image to be simulated: the `number`-th of its class under that seed."""

    class_name: str
    number: int


UNCHANGED = Condition("unchanged")


def conditions(height: int, width: int) -> list[Condition]:
    """Every condition of the benchmark for images of that size, the unchanged one first."""
    usual = choose_oversampling(height, width)
    averaged = {max(1, usual // 2), -(-3 * usual // 2)} - {usual}
    return [
        UNCHANGED,
        Condition("polarity inverted", rendering=_inverted),
        Condition("darker", rendering=_darker),
        Condition("brighter", rendering=_brighter),
        Condition("a quarter of the contrast", rendering=_flat),
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
            Condition(f"carrier of {strength} dB", interference=partial(_carrier, strength))
            for strength in (5, 10, 20)
        ),
        *(
            Condition(f"burst of {rise} dB, 8 % of the time", interference=partial(_burst, rise))
            for rise in (3, 10)
        ),
        Condition("3 dead channels", interference=_dead),
        Condition("carrier 10 dB, burst 10 dB, 3 dead channels", interference=_everything),
        *(
            Condition(f"cut by the band's edge, {100 * part:.0f} % inside", part_inside=part)
            for part in (0.9, 0.7, 0.5, 0.3)
        ),
    ]


def simulate(
    shot: Shot, seed: int, preset: Preset, height: int, width: int, condition: Condition
) -> np.ndarray:
    """One image, before its rendering is changed.

    Signal and interference depend on shot, seed and preset alone, so that one condition has the
    same lines as another.

    Returns:
      uint8 [height, width].
    """
    names = (zlib.crc32(b"robustness"), zlib.crc32(shot.class_name.encode()), shot.number)
    streams = np.random.SeedSequence(seed, spawn_key=names).spawn(3)
    signal_rng, noise_rng, other_rng = map(np.random.default_rng, streams)
    if condition.part_inside is None:
        signal = SIGNALS[shot.class_name](signal_rng, preset)
    else:
        # Whole first, so that no more than that part is outside afterwards.
        whole = SIGNALS[shot.class_name](signal_rng, dataclasses.replace(preset, inside=1.0))
        signal = whole and cut_by_edge(whole, condition.part_inside, other_rng.uniform() < 0.5)
    heard = condition.interference and condition.interference(other_rng, width)
    return simulate_spectrogram(
        signal,
        height,
        width,
        noise_rng,
        condition.oversampling,
        condition.noise_deviation,
        heard,
    )


def cut_by_edge(signal: Signal, part: float, upper: bool) -> Signal:
    """Moves a signal along frequency until only a part of it is inside the band.

    Args:
      signal: wholly inside the band.
      part: of the time that it is on, 0 to 1.
      upper: whether it leaves over the upper edge or the lower.
    """
    frequencies = signal.path(_FINELY[signal.envelope(_FINELY) > 0.0])
    edge, below = (1.0, part) if upper else (0.0, 1.0 - part)
    shift = edge - np.quantile(frequencies, below)

    def moved(time: np.ndarray) -> np.ndarray:
        return signal.path(time) + shift

    return dataclasses.replace(signal, path=moved)


def _inverted(images: np.ndarray) -> np.ndarray:
    return 1.0 - images


def _darker(images: np.ndarray) -> np.ndarray:
    return 0.5 * images


def _brighter(images: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * images


def _flat(images: np.ndarray) -> np.ndarray:
    return 0.5 + 0.25 * (images - 0.5)


def _carrier(strength: float, rng: np.random.Generator, width: int) -> Interference:
    return Interference(carriers=(carrier(rng.uniform(0.05, 0.95), strength),))


def _burst(rise: float, rng: np.random.Generator, width: int) -> Interference:
    duration = 0.08
    return Interference(bursts=(Burst(rng.uniform(0.0, 1.0 - duration), duration, rise),))


def _dead(rng: np.random.Generator, width: int) -> Interference:
    """Three channels as wide as a column of the image."""
    columns = rng.choice(width, 3, replace=False)
    return Interference(dead_bands=tuple(DeadBand(c / width, 1 / width) for c in columns))


def _everything(rng: np.random.Generator, width: int) -> Interference:
    return Interference(
        _carrier(10, rng, width).carriers,
        _burst(10, rng, width).bursts,
        _dead(rng, width).dead_bands,
    )
