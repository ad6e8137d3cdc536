"""Carriers, bursts and dead channels, by the power that they add or remove."""

import numpy as np
import pytest

from data.simulation import spectrogram
from data.simulation.interference import (
    Bandpass,
    Burst,
    DeadBand,
    HotBand,
    Interference,
    add_burst,
    carrier,
    change_gain,
    silence,
)

ROWS, CHANNELS = 256, 512
NOISE_POWER = 2 * spectrogram.NOISE_DEVIATION**2 * CHANNELS


def noise(seed=0):
    return spectrogram.draw_noise(ROWS * CHANNELS, np.random.default_rng(seed))


def image(interference=None, **arguments):
    rng = np.random.default_rng(0)
    return spectrogram.simulate_spectrogram(
        None, 64, 128, rng, interference=interference, **arguments
    )


def test_without_interference_an_image_is_what_it_was():
    np.testing.assert_array_equal(image(Interference()), image())
    np.testing.assert_array_equal(image(noise_deviation=13.0), image())


@pytest.mark.parametrize("strength", [5.0, 10.0, 20.0])
def test_a_carrier_stays_in_its_channel_and_has_the_strength_of_a_signal(strength):
    voltage = noise()
    spectrogram.add_tone(voltage, carrier(0.25, strength), CHANNELS)
    spectra = spectrogram.compute_power(voltage.reshape(ROWS, CHANNELS)) / NOISE_POWER
    excess = spectra[:, CHANNELS // 4].mean() - 1.0
    assert excess == pytest.approx(10 ** (strength / 10), rel=0.15)
    others = np.delete(spectra, [CHANNELS // 4], axis=1)
    assert others.mean() == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize("rise", [3.0, 10.0])
def test_a_burst_raises_the_power_of_its_rows_in_every_channel_and_of_no_others(rise):
    voltage = noise()
    add_burst(voltage, Burst(0.25, 0.125, rise), 13.0, np.random.default_rng(1))
    spectra = spectrogram.compute_power(voltage.reshape(ROWS, CHANNELS)) / NOISE_POWER
    quiet = spectrogram.compute_power(noise().reshape(ROWS, CHANNELS)) / NOISE_POWER
    assert spectra[64:96].mean() == pytest.approx(10 ** (rise / 10), rel=0.03)
    # 32 rows: one standard deviation of a channel's mean is 18 %.
    assert spectra[64:96].mean(axis=0).min() > 0.4 * 10 ** (rise / 10)
    np.testing.assert_array_equal(np.delete(spectra, range(64, 96), axis=0)[:64], quiet[:64])
    np.testing.assert_array_equal(spectra[96:], quiet[96:])


def test_a_burst_that_begins_early_or_ends_late_is_heard_within_the_observation():
    voltage = noise()
    add_burst(voltage, Burst(-0.5, 0.75, 10.0), 13.0, np.random.default_rng(1))
    add_burst(voltage, Burst(0.75, 0.75, 10.0), 13.0, np.random.default_rng(2))
    changed = (voltage != noise()).reshape(ROWS, CHANNELS).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(changed), [*range(64), *range(192, 256)])


def test_dead_channels_have_no_power_and_the_others_keep_theirs():
    spectra = np.ones((4, CHANNELS), np.float32)
    silence(spectra, DeadBand(0.5, 4 / CHANNELS))
    silence(spectra, DeadBand(1 - 2 / CHANNELS, 0.5))
    assert np.flatnonzero(spectra[0] == 0).tolist() == [256, 257, 258, 259, 510, 511]
    assert (spectra == spectra[0]).all()


def test_in_an_image_a_carrier_is_a_dark_column_and_a_burst_a_band_of_rows():
    column = image(Interference(carriers=(carrier(0.5, 15.0),))).mean(axis=0)
    assert column.argmin() == 64
    # Louder pixels are darker only beyond jet's luminous middle, where the burst's rows are.
    rows = image(Interference(bursts=(Burst(0.5, 8 / 64, 10.0),))).mean(axis=1)
    assert abs(rows[33:39].mean() - rows[:31].mean()) > 10 * rows[:31].std()


def test_a_dead_channel_is_the_darkest_column_and_spoils_only_its_neighbours():
    plain = image().astype(int)
    dead = image(Interference(dead_bands=(DeadBand(20 / 128, 1 / 128),))).astype(int)
    assert dead[:, 20].max() < plain.min()
    # The filter that reduces the image reaches three pixels.
    far = np.r_[0:17, 24:128]
    np.testing.assert_array_equal(dead[:, far], plain[:, far])


@pytest.mark.parametrize(("deviation", "clipped"), [(3.0, 0.0), (39.0, 0.0011)])
def test_the_noise_can_have_another_level_in_steps_of_the_digitiser(deviation, clipped):
    voltage = spectrogram.draw_noise(200_000, np.random.default_rng(0), deviation)
    assert voltage.real.std() == pytest.approx(deviation, rel=0.01)
    digitised = spectrogram.digitise(voltage)
    assert np.mean(np.abs(digitised.real) == 127.0) == pytest.approx(clipped, abs=3e-4)
    strong = spectrogram.draw_noise(ROWS * CHANNELS, np.random.default_rng(0), deviation)
    spectrogram.add_tone(strong, carrier(0.25, 20.0), CHANNELS, deviation)
    excess = spectrogram.compute_power(strong.reshape(ROWS, CHANNELS))[:, CHANNELS // 4].mean()
    assert excess / (2 * deviation**2 * CHANNELS) == pytest.approx(101, rel=0.15)


def test_a_slope_a_wave_and_hot_channels_change_the_power_by_their_decibels():
    spectra = np.ones((4, CHANNELS), np.float32)
    change_gain(spectra, Interference(bandpass=Bandpass(slope=6.0)))
    decibels = 10 * np.log10(spectra[0])
    assert decibels[[0, -1]] == pytest.approx([-3.0, 3.0], abs=0.01)
    assert np.diff(decibels) == pytest.approx(6.0 / CHANNELS, abs=1e-4)

    spectra = np.ones((4, CHANNELS), np.float32)
    change_gain(spectra, Interference(bandpass=Bandpass(ripple=2.0, periods=4.0, phase=0.25)))
    decibels = 10 * np.log10(spectra[0])
    assert (decibels.max(), decibels.min()) == pytest.approx((2.0, -2.0), abs=0.01)
    # The wave starts at its greatest value and has four periods.
    assert np.count_nonzero(np.diff(np.sign(decibels))) == 8

    spectra = np.ones((4, CHANNELS), np.float32)
    hot = HotBand(0.5, 4 / CHANNELS, 3.0)
    dead = DeadBand(0.5, 1 / CHANNELS)
    change_gain(spectra, Interference(hot_bands=(hot,), dead_bands=(dead,)))
    first = CHANNELS // 2
    assert 10 * np.log10(spectra[0, first + 1 : first + 4]) == pytest.approx(3.0, abs=1e-4)
    assert (spectra[0, first], spectra[0, first - 1], spectra[0, first + 4]) == (0.0, 1.0, 1.0)
