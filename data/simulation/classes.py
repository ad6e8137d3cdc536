"""Which classes can be simulated: a name, and how to draw one signal of it.

To add a class, write its path in `data.simulation.paths` and its envelope in
`data.simulation.envelopes` if none fits, a function here that draws their parameters, and a line in
`SIGNALS`.
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

# Finer than an FFT row by far (9,216 steps over 256 or 384 rows), so that a squiggle also spreads
# within one, as a walk that steps at every sample does; coarse enough to be cheap.
WALK_STEPS = 9216

MOST_ATTEMPTS = 1000


@dataclass(frozen=True)
class Signal:
    """One tone.

    Attributes:
      path: its frequency.
      strength: in decibels, as in `Preset.strength`, while it is on.
      envelope: when it is on.
    """

    path: Path
    strength: float
    envelope: Envelope = field(default_factory=constant_envelope)


def narrowband(rng: np.random.Generator, preset: Preset) -> Signal:
    """A straight line."""
    return _inside(rng, preset, _straight(rng, preset), preset.strength)


def narrowbanddrd(rng: np.random.Generator, preset: Preset) -> Signal:
    """A curved line.

    Its *mean* drift has the range of a straight line's drift, so that nothing but the curvature
    tells the two classes apart.
    """
    derivative = 8.0 * _either_way(rng, preset.sagitta)
    drift_rate = _either_way(rng, preset.drift) - 0.5 * derivative
    curved = partial(curved_path, drift_rate=drift_rate, drift_rate_derivative=derivative)
    return _inside(rng, preset, curved, preset.strength)


def squiggle(rng: np.random.Generator, preset: Preset) -> Signal:
    """A line that wanders at random."""
    return _inside(rng, preset, _wandering(rng, preset), preset.squiggle_strength)


def noise(rng: np.random.Generator, preset: Preset) -> None:
    """No signal at all."""
    return None


def brightpixel(rng: np.random.Generator, preset: Preset) -> Signal:
    """One pulse so short that little more than a bright pixel is seen of it."""
    duration = rng.uniform(*preset.pixel_duration)
    begin = rng.uniform(0.0, 1.0 - duration)
    envelope = single_pulse_envelope(begin, duration)
    drift_rate = _either_way(rng, preset.drift)

    # Placed by where the pulse begins: placed by where its silent line begins, it would keep away
    # from an edge of the band.
    def drifting(frequency: float) -> Path:
        return straight_path(frequency - drift_rate * begin, drift_rate)

    return _inside(rng, preset, drifting, preset.pixel_strength, envelope)


def squarepulsednarrowband(rng: np.random.Generator, preset: Preset) -> Signal:
    """A straight line, switched on and off."""
    straight = _straight(rng, preset)
    return _inside(rng, preset, straight, preset.pulsed_strength, _square_wave(rng, preset))


def squigglesquarepulsednarrowband(rng: np.random.Generator, preset: Preset) -> Signal:
    """A squiggle, switched on and off."""
    wandering = _wandering(rng, preset)
    strength = preset.pulsed_squiggle_strength
    return _inside(rng, preset, wandering, strength, _square_wave(rng, preset))


SIGNALS: dict[str, Callable[[np.random.Generator, Preset], Signal | None]] = {
    "squiggle": squiggle,
    "narrowbanddrd": narrowbanddrd,
    "narrowband": narrowband,
    "noise": noise,
    "brightpixel": brightpixel,
    "squarepulsednarrowband": squarepulsednarrowband,
    "squigglesquarepulsednarrowband": squigglesquarepulsednarrowband,
}
"""The table of classes: the name in a data set's labels, and the function that draws one signal."""

PRIMARY = (
    "brightpixel",
    "narrowband",
    "narrowbanddrd",
    "noise",
    "squarepulsednarrowband",
    "squiggle",
    "squigglesquarepulsednarrowband",
)
"""The classes of the published primary sets, in the order that their scores had to be listed in:
alphabetically (`Judging_Criteria.ipynb`, setiQuest/ML4SETI)."""

_EVENLY = np.linspace(0.0, 1.0, 257)

# Fine enough to meet the shortest pulse of a preset, 1/128 of the observation, many times.
_FINELY = np.linspace(0.0, 1.0, 8193)


def check_classes(names: Sequence[str]) -> None:
    """Raises ValueError when a class cannot be simulated, is named twice, or none is named."""
    unknown = [name for name in names if name not in SIGNALS]
    if unknown:
        raise ValueError(
            f"Cannot simulate class {unknown[0]!r}. Classes that can: {', '.join(SIGNALS)}."
        )
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Class names must be distinct and at least one. Received: {list(names)}.")


def _either_way(rng: np.random.Generator, sizes: Range) -> float:
    return rng.uniform(*sizes) * rng.choice((-1.0, 1.0))


def _straight(rng: np.random.Generator, preset: Preset) -> Callable[[float], Path]:
    """From a frequency at time 0 to the path that starts there."""
    return partial(straight_path, drift_rate=_either_way(rng, preset.drift))


def _wandering(rng: np.random.Generator, preset: Preset) -> Callable[[float], Path]:
    """From a frequency at time 0 to the path that starts there."""
    for _ in range(MOST_ATTEMPTS):
        drift_rate = _either_way(rng, preset.drift)
        deviation = rng.uniform(*preset.wander) / np.sqrt(WALK_STEPS)
        steps = rng.normal(0.0, deviation, WALK_STEPS)
        wandering = partial(wandering_path, drift_rate=drift_rate, steps=steps)
        # A walk as wide as the band could not be placed inside it: walk again.
        if np.ptp(wandering(0.0)(_EVENLY)) < 0.95:
            break
    return wandering


def _square_wave(rng: np.random.Generator, preset: Preset) -> Envelope:
    period = rng.uniform(*preset.pulse_period)
    return square_wave_envelope(rng.uniform(0.0, period), period, rng.uniform(*preset.duty_cycle))


def _inside(
    rng: np.random.Generator,
    preset: Preset,
    path_from: Callable[[float], Path],
    strength: Range,
    envelope: Envelope | None = None,
) -> Signal:
    """A signal that spends at least `preset.inside` of the time it is on inside the band.

    Args:
      path_from: from a frequency to a path, which moves with it.
      strength: the range that its strength is drawn from.
      envelope: None for a tone that is always on.
    """
    times = _EVENLY if envelope is None else _FINELY[envelope(_FINELY) > 0.0]
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
