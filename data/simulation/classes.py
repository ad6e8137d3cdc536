"""Which classes can be simulated: a name, and how to draw one signal of it.

To add a class, write its path in `data.simulation.paths` if none fits, a function here that draws
the path's parameters, and a line in `SIGNALS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.simulation.paths import Path, curved_path, straight_path, wandering_path
from data.simulation.presets import Preset

# Finer than a final row by far (9,216 steps over 64 rows, 14 samples each), so that a squiggle also
# spreads within one FFT row, as a walk that steps at every sample does; coarse enough to be cheap.
WALK_STEPS = 9216

MOST_ATTEMPTS = 1000


@dataclass(frozen=True)
class Signal:
    """One tone: its path and its strength (decibels, as in `Preset.strength`)."""

    path: Path
    strength: float


def narrowband(rng: np.random.Generator, preset: Preset) -> Signal:
    """A straight line."""
    drift_rate = _either_way(rng, preset.drift)
    start = _start_inside(rng, preset, straight_path(0.0, drift_rate))
    return Signal(straight_path(start, drift_rate), rng.uniform(*preset.strength))


def narrowbanddrd(rng: np.random.Generator, preset: Preset) -> Signal:
    """A curved line.

    Its *mean* drift has the range of a straight line's drift, so that nothing but the curvature
    tells the two classes apart.
    """
    derivative = 8.0 * _either_way(rng, preset.sagitta)
    drift_rate = _either_way(rng, preset.drift) - 0.5 * derivative
    start = _start_inside(rng, preset, curved_path(0.0, drift_rate, derivative))
    return Signal(curved_path(start, drift_rate, derivative), rng.uniform(*preset.strength))


def squiggle(rng: np.random.Generator, preset: Preset) -> Signal:
    """A line that wanders at random."""
    for _ in range(MOST_ATTEMPTS):
        drift_rate = _either_way(rng, preset.drift)
        deviation = rng.uniform(*preset.wander) / np.sqrt(WALK_STEPS)
        steps = rng.normal(0.0, deviation, WALK_STEPS)
        # A walk as wide as the band could not be placed inside it: walk again.
        if np.ptp(wandering_path(0.0, drift_rate, steps)(_EVENLY)) < 0.95:
            break
    start = _start_inside(rng, preset, wandering_path(0.0, drift_rate, steps))
    return Signal(wandering_path(start, drift_rate, steps), rng.uniform(*preset.squiggle_strength))


def noise(rng: np.random.Generator, preset: Preset) -> None:
    """No signal at all."""
    return None


SIGNALS: dict[str, Callable[[np.random.Generator, Preset], Signal | None]] = {
    "squiggle": squiggle,
    "narrowbanddrd": narrowbanddrd,
    "narrowband": narrowband,
    "noise": noise,
}
"""The table of classes: the name in a data set's labels, and the function that draws one signal."""

_EVENLY = np.linspace(0.0, 1.0, 257)


def check_classes(names: Sequence[str]) -> None:
    """Raises ValueError when a class cannot be simulated, is named twice, or none is named."""
    unknown = [name for name in names if name not in SIGNALS]
    if unknown:
        raise ValueError(
            f"Cannot simulate class {unknown[0]!r}. Classes that can: {', '.join(SIGNALS)}."
        )
    if not names or len(set(names)) < len(names):
        raise ValueError(f"Class names must be distinct and at least one. Received: {list(names)}.")


def _either_way(rng: np.random.Generator, sizes: tuple[float, float]) -> float:
    return rng.uniform(*sizes) * rng.choice((-1.0, 1.0))


def _start_inside(rng: np.random.Generator, preset: Preset, path_from_zero: Path) -> float:
    """A start for which the path spends at least `preset.inside` of its time inside the band."""
    shape = path_from_zero(_EVENLY)
    for _ in range(MOST_ATTEMPTS):
        start = rng.uniform(0.0, 1.0)
        frequency = start + shape
        if np.mean((frequency >= 0.0) & (frequency < 1.0)) >= preset.inside:
            return start
    raise ValueError(
        f"Preset {preset.name!r} leaves no room for its signals in the band: "
        "lower its drift, sagitta, wander or inside."
    )
