"""Ranges of strength, drift, curvature and pulses that simulated signals are drawn from.

Every range is (least, greatest) and its values are drawn uniformly. Frequencies are in band widths
and times in observations, as in `data.simulation.paths`: 1/128 is one pixel of an image that is 128
pixels wide.
"""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Preset:
    """The ranges that one kind of data set is drawn from.

    Attributes:
      name: its name on the command line and in the record of a data set.
      strength: power of a narrow tone over the mean noise power in its FFT channel, in decibels.
      squiggle_strength: the same for squiggles. A squiggle spreads over several channels within
        one FFT row, so it needs more power to be equally visible.
      drift: mean drift rate in either direction, in band widths per observation.
      sagitta: greatest departure of a curve from its chord, in band widths.
      wander: standard deviation of a squiggle's random walk at the end of the observation, in
        band widths.
      inside: least fraction of its on-time that a signal spends inside the band, 0 to 1.
      pulsed_strength: strength of a straight line that is switched on and off, while it is on. A
        line that is silent half the time has only half the pixels.
      pulsed_squiggle_strength: the same for squiggles.
      pulse_period: time from one pulse to the next, in observations.
      duty_cycle: fraction of its period that a pulsed signal is on, 0 to 1.
      pixel_strength: strength of a bright pixel. So short a signal must be strong to be visible.
      pixel_duration: how long a bright pixel is on, in observations.
    """

    name: str
    strength: Range
    squiggle_strength: Range
    drift: Range
    sagitta: Range
    wander: Range
    inside: float
    pulsed_strength: Range
    pulsed_squiggle_strength: Range
    pulse_period: Range
    duty_cycle: Range
    pixel_strength: Range
    pixel_duration: Range


BASIC = Preset(
    name="basic",
    strength=(10.0, 15.0),
    squiggle_strength=(14.0, 18.0),
    drift=(0.0, 0.25),
    sagitta=(4.0 / 128, 11.0 / 128),
    wander=(0.06, 0.20),
    inside=1.0,
    pulsed_strength=(10.0, 15.0),
    pulsed_squiggle_strength=(14.0, 18.0),
    pulse_period=(5 / 32, 15 / 32),
    duty_cycle=(0.3, 0.7),
    pixel_strength=(17.0, 21.0),
    pixel_duration=(0.75 / 32, 1 / 32),
)
"""As visible as the published basic set, and curved enough for a person to tell classes apart."""

HARD = Preset(
    name="hard",
    strength=(2.0, 15.0),
    squiggle_strength=(6.0, 18.0),
    drift=(0.0, 0.50),
    sagitta=(0.5 / 128, 11.0 / 128),
    wander=(0.01, 0.33),
    inside=0.5,
    pulsed_strength=(5.0, 15.0),
    pulsed_squiggle_strength=(9.0, 18.0),
    pulse_period=(5 / 32, 15 / 32),
    duty_cycle=(0.1, 0.9),
    pixel_strength=(12.0, 21.0),
    pixel_duration=(0.25 / 32, 1 / 32),
)
"""From clearly visible to just invisible, and from clearly curved to straight within a pixel."""

PRESETS = {preset.name: preset for preset in (BASIC, HARD)}


def find_preset(preset: str | Preset) -> Preset:
    """Return the preset with this name. A `Preset` is returned unchanged.

    Raises:
      ValueError: no preset has that name.
    """
    if isinstance(preset, Preset):
        return preset
    if preset not in PRESETS:
        raise ValueError(f"Unknown preset {preset!r}. Known presets: {', '.join(PRESETS)}.")
    return PRESETS[preset]
