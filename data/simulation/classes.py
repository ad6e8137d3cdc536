"""The classes that can be simulated: a name, and a function that draws one signal.

To add a class, write a function here that draws the parameters of its path and envelope, and
register it in `SIGNALS`. If no path or envelope fits, add one to `data.simulation.paths` or
`data.simulation.envelopes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from data.simulation.envelopes import (
    Envelope,
    constant_envelope,
    single_pulse_envelope,
    square_wave_envelope,
)
from data.simulation.paths import Path, curved_path, straight_path, wandering_path
from data.simulation.presets import Preset, Range

# Much finer than an FFT row (9,216 steps over 256 or 384 rows), so that a squiggle also spreads
# within a row, as a walk with a step at every sample does. Coarse enough to be cheap.
WALK_STEPS = 9216

MOST_ATTEMPTS = 1000


@dataclass(frozen=True)
class Signal:
    """One tone.

    Attributes:
      path: its frequency.
      strength: in decibels, as in `Preset.strength`, while it is on.
      envelope: its amplitude.
    """

    path: Path
    strength: float
    envelope: Envelope = field(default_factory=constant_envelope)


def narrowband(rng: np.random.Generator, preset: Preset) -> Signal:
    """A straight line."""
    return _place_inside(rng, preset, _draw_straight(rng, preset), preset.strength)


def narrowbanddrd(rng: np.random.Generator, preset: Preset) -> Signal:
    """A curved line.

    Its *mean* drift has the range of a straight line's drift, so that only the curvature
    distinguishes the two classes.
    """
    derivative = 8.0 * _draw_signed(rng, preset.sagitta)
    drift_rate = _draw_signed(rng, preset.drift) - 0.5 * derivative
    curved = partial(curved_path, drift_rate=drift_rate, drift_rate_derivative=derivative)
    return _place_inside(rng, preset, curved, preset.strength)


def squiggle(rng: np.random.Generator, preset: Preset) -> Signal:
    """A line that wanders at random."""
    return _place_inside(rng, preset, _draw_wandering(rng, preset), preset.squiggle_strength)


def noise(_rng: np.random.Generator, _preset: Preset) -> None:
    """No signal at all."""


def brightpixel(rng: np.random.Generator, preset: Preset) -> Signal:
    """One pulse, so short that it is hardly more than one bright pixel."""
    duration = rng.uniform(*preset.pixel_duration)
    begin = rng.uniform(0.0, 1.0 - duration)
    envelope = single_pulse_envelope(begin, duration)
    drift_rate = _draw_signed(rng, preset.drift)

    # The frequency at the beginning of the pulse is drawn. If the frequency at time 0 were drawn,
    # there would be fewer pulses near one edge of the band.
    def drifting(frequency: float) -> Path:
        return straight_path(frequency - drift_rate * begin, drift_rate)

    return _place_inside(rng, preset, drifting, preset.pixel_strength, envelope)


def squarepulsednarrowband(rng: np.random.Generator, preset: Preset) -> Signal:
    """A straight line, switched on and off."""
    straight = _draw_straight(rng, preset)
    envelope = _draw_square_wave(rng, preset)
    return _place_inside(rng, preset, straight, preset.pulsed_strength, envelope)


def squigglesquarepulsednarrowband(rng: np.random.Generator, preset: Preset) -> Signal:
    """A squiggle, switched on and off."""
    wandering = _draw_wandering(rng, preset)
    envelope = _draw_square_wave(rng, preset)
    return _place_inside(rng, preset, wandering, preset.pulsed_squiggle_strength, envelope)


SIGNALS: dict[str, Callable[[np.random.Generator, Preset], Signal | None]] = {
    "squiggle": squiggle,
    "narrowbanddrd": narrowbanddrd,
    "narrowband": narrowband,
    "noise": noise,
    "brightpixel": brightpixel,
    "squarepulsednarrowband": squarepulsednarrowband,
    "squigglesquarepulsednarrowband": squigglesquarepulsednarrowband,
}
"""By the name in a data set's labels, the function that draws one signal of the class."""

PRIMARY = (
    "brightpixel",
    "narrowband",
    "narrowbanddrd",
    "noise",
    "squarepulsednarrowband",
    "squiggle",
    "squigglesquarepulsednarrowband",
)
"""The classes of the published primary sets, in alphabetical order.

Scores had to be listed in that order (`Judging_Criteria.ipynb`, setiQuest/ML4SETI).
"""

_COARSE_TIMES = np.linspace(0.0, 1.0, 257)

# Fine enough that many of them are in the shortest pulse of a preset, 1/128 of the observation.
_FINE_TIMES = np.linspace(0.0, 1.0, 8193)


def check_classes(names: Sequence[str]) -> None:
    """Refuse classes that cannot be simulated.

    Raises:
      ValueError: a class is unknown or named twice, or no class is named.
    """
    unknown = [name for name in names if name not in SIGNALS]
    if unknown:
        raise ValueError(
            f"Cannot simulate class {unknown[0]!r}. Classes that can: {', '.join(SIGNALS)}."
        )
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Class names must be distinct and at least one. Received: {list(names)}.")


def _draw_signed(rng: np.random.Generator, sizes: Range) -> float:
    return float(rng.uniform(*sizes) * rng.choice((-1.0, 1.0)))


def _draw_straight(rng: np.random.Generator, preset: Preset) -> Callable[[float], Path]:
    """Return a function from the frequency at time 0 to the path that starts there."""
    return partial(straight_path, drift_rate=_draw_signed(rng, preset.drift))


def _draw_wandering(rng: np.random.Generator, preset: Preset) -> Callable[[float], Path]:
    """Return a function from the frequency at time 0 to the path that starts there."""
    for _ in range(MOST_ATTEMPTS):
        drift_rate = _draw_signed(rng, preset.drift)
        deviation = rng.uniform(*preset.wander) / np.sqrt(WALK_STEPS)
        steps = rng.normal(0.0, deviation, WALK_STEPS)
        wandering = partial(wandering_path, drift_rate=drift_rate, steps=steps)
        # A walk as wide as the band does not fit inside it: draw again.
        if np.ptp(wandering(0.0)(_COARSE_TIMES)) < 0.95:
            break
    return wandering


def _draw_square_wave(rng: np.random.Generator, preset: Preset) -> Envelope:
    period = rng.uniform(*preset.pulse_period)
    return square_wave_envelope(rng.uniform(0.0, period), period, rng.uniform(*preset.duty_cycle))


def _place_inside(
    rng: np.random.Generator,
    preset: Preset,
    path_from: Callable[[float], Path],
    strength: Range,
    envelope: Envelope | None = None,
) -> Signal:
    """Return a signal that spends at least `preset.inside` of its on-time inside the band.

    Args:
      rng: source of its frequency and strength.
      preset: says how much of it must be inside the band.
      path_from: from a frequency to a path that moves with it.
      strength: the range that its strength is drawn from.
      envelope: None for a tone that is always on.
    """
    times = _COARSE_TIMES if envelope is None else _FINE_TIMES[envelope(_FINE_TIMES) > 0.0]
    shape = path_from(0.0)(times)
    for _ in range(MOST_ATTEMPTS):
        start = rng.uniform(0.0, 1.0)
        frequency = start + shape
        if np.mean((frequency >= 0.0) & (frequency < 1.0)) >= preset.inside:
            break
    else:
        raise ValueError(
            f"Preset {preset.name!r} leaves no room for its signals in the band: "
            "lower its drift, sagitta, wander or inside."
        )
    return Signal(path_from(start), rng.uniform(*strength), envelope or constant_envelope())
