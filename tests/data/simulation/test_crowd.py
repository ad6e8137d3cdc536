"""The interference of the preset crowded, and of others none."""

import dataclasses

import numpy as np
import pytest

from data.simulation.crowd import draw_interference
from data.simulation.dataset import ImageKey, simulate_image, simulate_interference, simulate_signal
from data.simulation.interference import Interference
from data.simulation.presets import BASIC, CROWDED, HARD, INGREDIENTS

TIMES = np.linspace(0.0, 1.0, 4097)
CROWD = CROWDED.crowd


def draw(count, preset=CROWDED, class_name="narrowband"):
    keys = [ImageKey("train", class_name, number) for number in range(count)]
    signals = [simulate_signal(key, preset=preset) for key in keys]
    return [
        (signal, simulate_interference(key, signal, preset=preset))
        for key, signal in zip(keys, signals, strict=True)
    ]


@pytest.mark.parametrize("preset", [BASIC, HARD], ids=["basic", "hard"])
def test_the_other_presets_have_no_interference(preset):
    assert draw_interference(None, np.random.default_rng(0), preset) == Interference()


def count_kinds(interference):
    on = [tone.envelope(TIMES).mean() for tone in interference.carriers]
    risen = [np.count_nonzero(np.diff(tone.envelope(TIMES)) > 0) for tone in interference.carriers]
    pulsed = sum(count > 1 for count in risen)
    steady = sum(fraction == 1.0 for fraction in on)
    return {
        "carriers": steady,
        "intermittent_carriers": len(on) - steady - pulsed,
        "pulsed_lines": pulsed,
        "bursts": len(interference.bursts),
        "dead_channels": len(interference.dead_bands),
        "hot_channels": len(interference.hot_bands),
    }


def test_every_number_of_each_kind_occurs_equally_often():
    images = 600
    counts = [count_kinds(interference) for _, interference in draw(images)]
    for kind in counts[0]:
        least, greatest = getattr(CROWD, kind)
        images_by_number = np.bincount([count[kind] for count in counts], minlength=greatest + 1)
        expected = images / (greatest + 1 - least)
        assert images_by_number[least:] == pytest.approx(expected, abs=4 * np.sqrt(expected)), kind
    # No more than three carriers come and go or stay.
    assert max(c["carriers"] + c["intermittent_carriers"] for c in counts) == 3


def test_carriers_do_not_drift_and_are_up_to_ten_decibels_stronger_than_the_signal():
    excess = []
    for signal, interference in draw(300):
        for tone in interference.carriers:
            assert np.ptp(tone.path(TIMES)) == 0.0
            excess.append(tone.strength - signal.strength)
    least, greatest = CROWD.excess
    assert (min(excess), max(excess)) == pytest.approx((least, greatest), abs=0.3)
    for _, interference in draw(100, class_name="noise"):
        for tone in interference.carriers:
            assert CROWDED.strength[0] + least <= tone.strength <= CROWDED.strength[1] + greatest


def test_intermittent_carriers_and_pulses_are_on_for_the_fraction_of_the_preset():
    visits, pulses = [], []
    for _, interference in draw(300):
        for tone in interference.carriers:
            on = tone.envelope(TIMES)
            risen = TIMES[1:][np.diff(on) > 0]
            if len(risen) > 1:
                pulses.append(np.diff(risen).min())
                assert on.mean() < 2 * CROWD.pulse_fraction[1]
            elif on.mean() < 1.0:
                visits.append(on.mean())
    assert 0.5 * CROWD.on_fraction[0] - 0.01 <= min(visits)
    assert max(visits) <= CROWD.on_fraction[1] + 0.01
    assert (min(pulses), max(pulses)) == pytest.approx(CROWD.pulse_period, abs=0.01)


def test_a_straight_line_drifts_by_two_pixels_at_least():
    drifts = [np.ptp(signal.path(TIMES)) * 128 for signal, _ in draw(300)]
    assert min(drifts) >= 2.0 - 1e-9
    assert min(drifts) < 3.0


@pytest.mark.parametrize("name", INGREDIENTS)
def test_an_ingredient_that_is_left_out_changes_no_other(name):
    def describe(interference):
        kinds = count_kinds(interference)
        tones = [(tone.path(TIMES)[0], tone.strength) for tone in interference.carriers]
        return kinds, tones, dataclasses.replace(interference, carriers=())

    without = CROWDED.without([name])
    for (_, whole), (_, rest) in zip(draw(30), draw(30, without), strict=True):
        kinds, tones, others = describe(whole)
        fewer_kinds, fewer_tones, fewer_others = describe(rest)
        field = INGREDIENTS[name][0]
        if name == "bandpass":
            assert (fewer_others.bandpass.slope, fewer_others.bandpass.ripple) == (0.0, 0.0)
            others = dataclasses.replace(others, bandpass=fewer_others.bandpass)
        else:
            assert fewer_kinds == {**kinds, field: 0}
        assert set(fewer_tones) <= set(tones)
        for kind in ("bursts", "dead_bands", "hot_bands", "bandpass"):
            if getattr(fewer_others, kind):
                assert getattr(fewer_others, kind) == getattr(others, kind)


def test_without_all_ingredients_an_image_holds_signal_and_noise_alone():
    key = ImageKey("train", "squiggle", 0)
    alone = dataclasses.replace(CROWDED, crowd=BASIC.crowd)
    np.testing.assert_array_equal(
        simulate_image(key, preset=CROWDED.without(INGREDIENTS)), simulate_image(key, preset=alone)
    )
