"""Draws the interference of an image, from the ranges of its preset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np

from data.simulation.classes import Signal
from data.simulation.envelopes import Envelope, single_pulse_envelope, square_wave_envelope
from data.simulation.interference import Bandpass, Burst, DeadBand, HotBand, Interference, carrier
from data.simulation.presets import Crowd, Preset

# Dead and hot channels are as wide as a pixel of the published images.
_CHANNELS = 128

Kind = TypeVar("Kind")


def draw_interference(
    signal: Signal | None, rng: np.random.Generator, preset: Preset
) -> Interference:
    """Draw what an image of a preset holds besides its signal and noise.

    An ingredient that is left out changes none of the others.

    Args:
      signal: the signal of the image; None for an image without.
      rng: source of all numbers.
      preset: says how many of each kind there are, and how strong they are.
    """
    crowd = preset.crowd
    if crowd == Crowd():
        return Interference()
    seeds = iter(rng.integers(2**63, size=7))

    def draw(
        numbers: tuple[int, int], make: Callable[[np.random.Generator], Kind]
    ) -> tuple[Kind, ...]:
        own = np.random.default_rng(next(seeds))
        return tuple(make(own) for _ in range(own.integers(numbers[0], numbers[1] + 1)))

    def draw_carrier(own: np.random.Generator, envelope: Envelope | None = None) -> Signal:
        strength = own.uniform(*preset.strength) if signal is None else signal.strength
        return carrier(own.uniform(), strength + own.uniform(*crowd.excess), envelope)

    carriers = draw(crowd.carriers, draw_carrier)
    carriers += draw(
        crowd.intermittent_carriers, lambda own: draw_carrier(own, _draw_visit(own, crowd))
    )
    carriers += draw(crowd.pulsed_lines, lambda own: draw_carrier(own, _draw_pulses(own, crowd)))
    return Interference(
        carriers,
        draw(crowd.bursts, lambda own: _draw_burst(own, crowd)),
        draw(crowd.dead_channels, lambda own: DeadBand(_draw_channel(own), 1 / _CHANNELS)),
        draw(
            crowd.hot_channels,
            lambda own: HotBand(_draw_channel(own), 1 / _CHANNELS, own.uniform(*crowd.heat)),
        ),
        _draw_bandpass(np.random.default_rng(next(seeds)), crowd),
    )


def _draw_visit(rng: np.random.Generator, crowd: Crowd) -> Envelope:
    """Return the envelope of a tone that is on once."""
    duration = rng.uniform(*crowd.on_fraction)
    # It may have begun before the observation or end after it. Half of it at least is inside.
    return single_pulse_envelope(rng.uniform(-0.5 * duration, 1.0 - 0.5 * duration), duration)


def _draw_pulses(rng: np.random.Generator, crowd: Crowd) -> Envelope:
    period = rng.uniform(*crowd.pulse_period)
    return square_wave_envelope(
        rng.uniform(0.0, period), period, rng.uniform(*crowd.pulse_fraction)
    )


def _draw_burst(rng: np.random.Generator, crowd: Crowd) -> Burst:
    duration = rng.uniform(*crowd.burst_duration)
    return Burst(rng.uniform(0.0, 1.0 - duration), duration, rng.uniform(*crowd.burst_rise))


def _draw_channel(rng: np.random.Generator) -> float:
    """Return the lower edge of a channel, in band widths."""
    return float(rng.integers(_CHANNELS)) / _CHANNELS


def _draw_bandpass(rng: np.random.Generator, crowd: Crowd) -> Bandpass:
    ranges = (crowd.slope, crowd.ripple, crowd.ripple_periods, (0.0, 1.0))
    return Bandpass(*(rng.uniform(*each) for each in ranges))
