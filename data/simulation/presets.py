"""Ranges of strength, drift, curvature and pulses that simulated signals are drawn from.

Every range is (least, greatest) and its values are drawn uniformly. Frequencies are in band widths
and times in observations, as in `data.simulation.paths`: 1/128 is one pixel of an image that is 128
pixels wide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

Range = tuple[float, float]


@dataclass(frozen=True)
class Crowd:
    """How much interference an image may hold besides its signal. By default there is none.

    Each number is drawn uniformly from its range, for each image anew. (0, 0) leaves an ingredient
    out.

    Attributes:
      carriers: number of tones without drift that are always on.
      intermittent_carriers: number of tones without drift that come and go.
      pulsed_lines: number of tones without drift that are on for short pulses, such as those of a
        radar that rotates.
      excess: strength of each of these tones over that of the signal, in decibels. In an image of
        pure noise, over a strength that a straight line may have.
      on_fraction: fraction of the observation that an intermittent carrier is on.
      pulse_period: time from one pulse of a pulsed line to the next, in observations.
      pulse_fraction: fraction of its period that a pulsed line is on.
      bursts: number of bursts over the whole band.
      burst_duration: how long a burst lasts, in observations.
      burst_rise: increase of the noise power in a burst, in decibels.
      dead_channels: number of channels of the image that have lost their power.
      hot_channels: number of channels of the image with more noise than the others.
      heat: increase of the noise power in a hot channel, in decibels.
      slope: change of the gain from one edge of the band to the other, in decibels.
      ripple: amplitude of a standing wave in the gain, in decibels.
      ripple_periods: periods of this wave in the band.
    """

    carriers: tuple[int, int] = (0, 0)
    intermittent_carriers: tuple[int, int] = (0, 0)
    pulsed_lines: tuple[int, int] = (0, 0)
    excess: Range = (0.0, 0.0)
    on_fraction: Range = (0.0, 0.0)
    pulse_period: Range = (0.0, 0.0)
    pulse_fraction: Range = (0.0, 0.0)
    bursts: tuple[int, int] = (0, 0)
    burst_duration: Range = (0.0, 0.0)
    burst_rise: Range = (0.0, 0.0)
    dead_channels: tuple[int, int] = (0, 0)
    hot_channels: tuple[int, int] = (0, 0)
    heat: Range = (0.0, 0.0)
    slope: Range = (0.0, 0.0)
    ripple: Range = (0.0, 0.0)
    ripple_periods: Range = (0.0, 0.0)


INGREDIENTS = {
    "carriers": ("carriers",),
    "intermittent-carriers": ("intermittent_carriers",),
    "pulsed-lines": ("pulsed_lines",),
    "bursts": ("bursts",),
    "dead-channels": ("dead_channels",),
    "hot-channels": ("hot_channels",),
    "bandpass": ("slope", "ripple"),
}
"""The ranges of a `Crowd` that leave an ingredient out if they are (0, 0)."""


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
      crowd: what is received besides signal and noise.
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
    crowd: Crowd = Crowd()

    def choose(self, _number: int) -> Preset:
        """Return the ranges of an image: those of this preset, whatever its number."""
        return self

    def without(self, ingredients: Iterable[str]) -> Preset:
        """Return this preset without some ingredients of its crowd, keys of `INGREDIENTS`."""
        fields = [field for name in ingredients for field in INGREDIENTS[name]]
        return replace(self, crowd=replace(self.crowd, **dict.fromkeys(fields, (0, 0))))


@dataclass(frozen=True)
class Mixture:
    """Presets that take turns from image to image.

    Attributes:
      name: its name on the command line and in the record of a data set.
      presets: the first image of each class is drawn from the first of them, and so on.
    """

    name: str
    presets: tuple[Preset, ...]

    def choose(self, number: int) -> Preset:
        """Return the ranges of the image with this number in its class."""
        return self.presets[number % len(self.presets)]

    def without(self, ingredients: Iterable[str]) -> Mixture:
        """Return this mixture without some ingredients of its crowds, keys of `INGREDIENTS`."""
        names = tuple(ingredients)
        return replace(self, presets=tuple(preset.without(names) for preset in self.presets))


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

CROWDED = Preset(
    name="crowded",
    strength=(6.0, 15.0),
    squiggle_strength=(10.0, 18.0),
    drift=(2.0 / 128, 0.50),
    sagitta=(2.0 / 128, 11.0 / 128),
    wander=(0.03, 0.25),
    inside=0.7,
    pulsed_strength=(8.0, 15.0),
    pulsed_squiggle_strength=(12.0, 18.0),
    pulse_period=(5 / 32, 15 / 32),
    duty_cycle=(0.2, 0.8),
    pixel_strength=(15.0, 21.0),
    pixel_duration=(0.5 / 32, 1 / 32),
    crowd=Crowd(
        carriers=(0, 2),
        intermittent_carriers=(0, 1),
        pulsed_lines=(0, 1),
        excess=(-6.0, 10.0),
        on_fraction=(0.2, 0.8),
        pulse_period=(1 / 25, 1 / 6),
        pulse_fraction=(0.05, 0.25),
        bursts=(0, 2),
        burst_duration=(1 / 64, 6 / 64),
        burst_rise=(1.0, 10.0),
        dead_channels=(0, 2),
        hot_channels=(0, 2),
        heat=(1.0, 6.0),
        slope=(-3.0, 3.0),
        ripple=(0.0, 1.0),
        ripple_periods=(0.5, 4.0),
    ),
)
"""Signals that drift, and others that do not: what is received on the ground every day.

What does not drift is labelled by the rest of the image: a line has this label only if it drifts by
at least two pixels, and carriers in noise are noise.
"""


def let_drift(preset: Preset) -> Preset:
    """Return a preset whose lines drift as fast as those of crowded: by at least two pixels."""
    return replace(preset, drift=(CROWDED.drift[0], preset.drift[1]))


_STRONGEST = 30.0
_MOST_EXCESS = 18.0
MIXED = Mixture(
    name="mixed",
    presets=(
        replace(
            let_drift(BASIC),
            inside=CROWDED.inside,
            strength=(BASIC.strength[0], _STRONGEST),
            squiggle_strength=(BASIC.squiggle_strength[0], _STRONGEST),
            pulsed_strength=(BASIC.pulsed_strength[0], _STRONGEST),
            pulsed_squiggle_strength=(BASIC.pulsed_squiggle_strength[0], _STRONGEST),
            pixel_strength=(BASIC.pixel_strength[0], _STRONGEST),
        ),
        let_drift(HARD),
        CROWDED,
        replace(
            let_drift(HARD),
            name="hard, crowded",
            crowd=replace(CROWDED.crowd, excess=(CROWDED.crowd.excess[0], _MOST_EXCESS)),
        ),
    ),
)
"""All presets in turn, for a model that is to work with and without interference.

In each of them a line drifts by at least two pixels. Otherwise, basic and hard would call a line
narrowband that crowded calls interference. The signals of basic reach 30 dB, and may leave the band
as those of crowded: a model that has not seen such signals takes straight lines of 20 dB, whose
sidelobes are visible, for squiggles. The last images have the signals of hard and the interference
of crowded, up to 18 dB above the signal: a model that has seen faint signals only where nothing
else is takes them for noise beside a strong carrier.
"""

PRESETS: dict[str, Preset | Mixture] = {
    preset.name: preset for preset in (BASIC, HARD, CROWDED, MIXED)
}


def find_preset(preset: str | Preset | Mixture) -> Preset | Mixture:
    """Return the preset with this name. Anything but a name is returned unchanged.

    Raises:
      ValueError: no preset has that name.
    """
    if not isinstance(preset, str):
        return preset
    if preset not in PRESETS:
        raise ValueError(f"Unknown preset {preset!r}. Known presets: {', '.join(PRESETS)}.")
    return PRESETS[preset]
