"""From a tone in noise to a grey-scale image."""

import numpy as np
import pytest
import scipy.stats
from scipy.ndimage import uniform_filter

from data.simulation import spectrogram
from data.simulation.classes import PRIMARY, SIGNALS, Signal
from data.simulation.envelopes import single_pulse_envelope, square_wave_envelope
from data.simulation.paths import straight_path
from data.simulation.presets import BASIC, CROWDED, HARD, find_preset

ROWS, CHANNELS = 256, 512
RANGES = [BASIC, HARD, CROWDED]
PULSED = ["squarepulsednarrowband", "squigglesquarepulsednarrowband"]
NOISE_POWER = 2 * spectrogram.NOISE_DEVIATION**2 * CHANNELS


def noise(seed=0):
    return spectrogram.draw_noise(ROWS * CHANNELS, np.random.default_rng(seed))


def power_of_rows(voltage):
    """Power over the mean power of noise, [rows, channels]."""
    return spectrogram.compute_power(voltage.reshape(ROWS, CHANNELS)) / NOISE_POWER


def test_noise_is_white_and_has_the_published_level():
    voltage = noise()
    assert voltage.dtype == np.complex64
    assert voltage.real.std() == pytest.approx(13.0, rel=0.01)
    assert voltage.imag.std() == pytest.approx(13.0, rel=0.01)
    assert abs(np.corrcoef(voltage.real, voltage.imag)[0, 1]) < 0.01
    spectrum = power_of_rows(voltage).mean(axis=0)
    # Each of 512 channels is the mean of 256 exponential draws: 1 +- 0.0625.
    assert spectrum.mean() == pytest.approx(1.0, rel=0.01)
    assert spectrum.std() == pytest.approx(1 / 16, rel=0.15)


@pytest.mark.parametrize("decibels", [3.0, 10.0, 20.0])
def test_strength_is_the_tones_power_over_the_noise_power_in_its_channel(decibels):
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(0.25, 0.0), decibels), CHANNELS)
    excess = power_of_rows(voltage)[:, CHANNELS // 4].mean() - 1.0
    assert excess == pytest.approx(10 ** (decibels / 10), rel=0.2)


@pytest.mark.parametrize(("frequency", "channel"), [(0.0, 0), (0.25, 128), (0.5, 256), (0.75, 384)])
def test_frequency_runs_from_the_left_edge_to_the_right(frequency, channel):
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(frequency, 0.0), 20.0), CHANNELS)
    assert power_of_rows(voltage).mean(axis=0).argmax() == channel


def test_a_drifting_tone_moves_from_row_to_row_as_its_path_says():
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(0.2, 0.5), 20.0), CHANNELS)
    channels = power_of_rows(voltage).argmax(axis=1)
    expected = (0.2 + 0.5 * (np.arange(ROWS) + 0.5) / ROWS) * CHANNELS
    assert np.abs(channels - expected).max() <= 2.0


@pytest.mark.parametrize("frequency", [-0.01, 1.0, 1.7])
def test_a_tone_outside_the_band_is_silent(frequency):
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(frequency, 0.0), 20.0), CHANNELS)
    np.testing.assert_array_equal(voltage, noise())


def test_a_tone_is_heard_while_its_envelope_is_on_and_at_no_other_time():
    voltage = noise()
    envelope = square_wave_envelope(start=0.125, period=0.5, duty_cycle=0.25)
    spectrogram.add_tone(voltage, Signal(straight_path(0.25, 0.0), 20.0, envelope), CHANNELS)
    channel = power_of_rows(voltage)[:, CHANNELS // 4]
    quiet = power_of_rows(noise())[:, CHANNELS // 4]
    on = np.zeros(ROWS, bool)
    on[32:64] = on[160:192] = True
    # The envelope's edges, in observations from first to last sample, may be a sample off a row's.
    assert channel[on].mean() == pytest.approx(100.0, rel=0.2)
    np.testing.assert_allclose(channel[~on], quiet[~on], atol=0.1)


def test_a_pulse_of_half_an_fft_row_leaves_a_quarter_of_the_power_in_its_channel():
    voltage = noise()
    envelope = single_pulse_envelope(100 / ROWS, 0.5 / ROWS)
    spectrogram.add_tone(voltage, Signal(straight_path(0.25, 0.0), 30.0, envelope), CHANNELS)
    power = power_of_rows(voltage)[:, CHANNELS // 4]
    assert power.argmax() == 100
    assert power[100] == pytest.approx(250.0, rel=0.15)


def test_voltages_become_whole_numbers_of_a_signed_byte():
    voltage = np.array([1.9 - 1.9j, 300.0 - 0.5j, -300.0 + 12.0j], np.complex64)
    expected = np.array([1.0 - 1.0j, 127.0 - 0.0j, -127.0 + 12.0j], np.complex64)
    np.testing.assert_array_equal(spectrogram.digitise(voltage), expected)


@pytest.mark.parametrize(("height", "width"), [(64, 128), (32, 32), (10, 48)])
def test_height_and_width_are_free(height, width):
    image = spectrogram.simulate_spectrogram(None, height, width, np.random.default_rng(0))
    assert image.shape == (height, width)
    assert image.dtype == np.uint8


def test_images_of_the_published_primary_size_have_one_fft_channel_per_pixel():
    image = spectrogram.simulate_spectrogram(None, 384, 512, np.random.default_rng(0)) / 255.0
    # As in the published ones: without oversampling, adjacent pixels are independent.
    for one, next_one in ((image[1:], image[:-1]), (image[:, 1:], image[:, :-1])):
        assert abs(np.corrcoef(one.ravel(), next_one.ravel())[0, 1]) < 0.01


def test_amplitudes_of_noise_have_the_distribution_of_published_primary_images():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        image = spectrogram.simulate_spectrogram(None, 384, 512, rng, rendering="amplitude")
        # Five published images of noise have 1.865 to 1.875, 0.63 to 0.65 and 0.23 to 0.29.
        assert 1.85 < image.mean() / image.std() < 1.92
        assert 0.60 < scipy.stats.skew(image.ravel()) < 0.67
        assert 0.20 < scipy.stats.kurtosis(image.ravel()) < 0.30


def images_of(class_name, preset, count=8):
    """Pairs of a class's signal and its image, float [64, 128] from 0 to 1."""
    for number in range(count):
        rng = np.random.default_rng([number, len(class_name)])
        signal = SIGNALS[class_name](rng, preset)
        yield signal, spectrogram.simulate_spectrogram(signal, 64, 128, rng) / 255


@pytest.mark.parametrize(
    ("class_name", "darkest", "lightest", "calmest", "busiest"),
    [
        ("squiggle", 0.60, 0.74, 0.028, 0.041),
        ("narrowbanddrd", 0.58, 0.72, 0.028, 0.041),
        ("narrowband", 0.58, 0.72, 0.028, 0.041),
        ("noise", 0.51, 0.60, 0.028, 0.041),
        ("squarepulsednarrowband", 0.58, 0.72, 0.026, 0.038),
        ("squigglesquarepulsednarrowband", 0.60, 0.75, 0.026, 0.038),
        ("brightpixel", 0.66, 0.79, 0.017, 0.031),
    ],
)
def test_basic_images_are_as_light_and_as_busy_as_published_ones(
    class_name, darkest, lightest, calmest, busiest
):
    for _, image in images_of(class_name, BASIC):
        assert darkest < image.mean() < lightest
        assert calmest < image.std() < busiest


def test_pure_noise_is_darker_and_busier_than_a_line():
    lines = [image for _, image in images_of("narrowband", BASIC)]
    noises = [image for _, image in images_of("noise", BASIC)]
    assert max(image.mean() for image in noises) < min(image.mean() for image in lines)
    assert np.median([i.std() for i in noises]) > np.median([i.std() for i in lines])


def darkness_along(path, image):
    """How much darker the path's pixels are than the rest, in standard deviations of the rest."""
    rows = np.arange(64)
    columns = np.clip((path((rows + 0.5) / 64) * 128).astype(int), 0, 127)
    near = np.abs(np.arange(128)[np.newaxis] - columns[:, np.newaxis]) <= 6
    rest = image[~near]
    return (rest.mean() - image[rows, columns].mean()) / rest.std()


@pytest.mark.parametrize("class_name", ["squiggle", "narrowbanddrd", "narrowband"])
def test_every_basic_signal_is_a_plainly_visible_dark_line(class_name):
    for signal, image in images_of(class_name, BASIC):
        # Over 64 rows, 2 standard deviations a row are 16 in all.
        assert darkness_along(signal.path, image) > 2.0


def test_pure_noise_has_no_line():
    rng = np.random.default_rng(5)
    for _, image in images_of("noise", BASIC):
        path = SIGNALS["narrowband"](rng, BASIC).path
        assert abs(darkness_along(path, image)) < 0.5


def when_on(signal):
    time = np.linspace(0.0, 1.0, 8193)
    return time[signal.envelope(time) > 0.0]


@pytest.mark.parametrize("class_name", PULSED)
def test_a_pulsed_signal_is_a_dark_line_while_it_is_on_and_nothing_while_it_is_off(class_name):
    for signal, image in images_of(class_name, BASIC):
        edges = np.linspace(0.0, 1.0, 65)
        on = np.stack([signal.envelope(edges[:-1]), signal.envelope(edges[1:])]) > 0.0
        rows = {"on": np.flatnonzero(on.all(axis=0)), "off": np.flatnonzero(~on.any(axis=0))}
        columns = np.clip((signal.path((np.arange(64) + 0.5) / 64) * 128).astype(int), 0, 127)
        darkness = {
            name: (image.mean() - image[own, columns[own]].mean()) / image.std()
            for name, own in rows.items()
        }
        assert darkness["on"] > 2.0
        # 12 rows or more: four standard deviations of their mean.
        assert abs(darkness["off"]) < 1.2


@pytest.mark.parametrize(("height", "width"), [(64, 128), (384, 512)])
def test_every_basic_bright_pixel_stands_out_from_the_noise(height, width):
    for number in range(20):
        rng = np.random.default_rng(number)
        signal = SIGNALS["brightpixel"](rng, BASIC)
        image = spectrogram.simulate_spectrogram(signal, height, width, rng).astype(float)
        # The eye averages over pixels as small as those of the large images.
        image = uniform_filter(image, (height // 64, width // 128))
        row, column = np.unravel_index(image.argmin(), image.shape)
        on = when_on(signal)
        assert on[0] * height - 3 < row < on[-1] * height + 3
        assert abs(column - signal.path(on.mean()) * width) < 0.02 * width


def test_a_bright_pixel_is_a_few_pixels_of_a_published_image_at_most():
    rows = [len(when_on(s)) / 8193 * 64 for s in signals("brightpixel", HARD)]
    assert 0.5 <= min(rows) < 0.6
    assert 1.9 < max(rows) <= 2.01
    columns = [np.ptp(s.path(when_on(s))) * 128 for s in signals("brightpixel", HARD)]
    assert max(columns) < 2.0


def test_bright_pixels_are_everywhere_in_the_image():
    drawn = signals("brightpixel", BASIC, 2000)
    times = [when_on(s).mean() for s in drawn]
    frequencies = [s.path(when_on(s).mean()) for s in drawn]
    for places in (times, frequencies):
        counts, _ = np.histogram(places, bins=8, range=(0.0, 1.0))
        # 250 +- 15 in each eighth. The middle of a pulse cannot be at the very edge.
        assert 190 < counts.min() <= counts.max() < 310


def departure(path):
    """Greatest departure from the chord, in pixels of a 128-pixel-wide image."""
    time = np.linspace(0.0, 1.0, 257)
    frequency = path(time)
    chord = frequency[0] + (frequency[-1] - frequency[0]) * time
    return np.abs(frequency - chord).max() * 128


def signals(class_name, preset, count=200):
    rng = np.random.default_rng(7)
    return [SIGNALS[class_name](rng, preset) for _ in range(count)]


def test_straight_lines_are_straight_and_basic_curves_depart_by_several_pixels():
    assert max(departure(s.path) for s in signals("narrowband", BASIC)) < 1e-9
    curves = [departure(s.path) for s in signals("narrowbanddrd", BASIC)]
    assert min(curves) >= 4.0
    assert max(curves) <= 11.0


def test_hard_curves_go_down_to_less_than_a_pixel():
    curves = [departure(s.path) for s in signals("narrowbanddrd", HARD)]
    assert 0.5 <= min(curves) < 1.0


def test_only_curvature_tells_a_curve_from_a_line():
    ends = np.array([0.0, 1.0])
    lines, curves = (
        [np.abs(np.diff(s.path(ends))[0]) for s in signals(name, BASIC, 2000)]
        for name in ("narrowband", "narrowbanddrd")
    )
    assert np.mean(lines) == pytest.approx(np.mean(curves), rel=0.06)
    assert max(*lines, *curves) <= 0.25


def test_a_basic_squiggle_turns_far_more_often_than_a_curve():
    rows = (np.arange(64) + 0.5) / 64

    def turns(path):
        steps = np.diff(path(rows))
        return np.count_nonzero(np.diff(np.sign(steps)))

    assert min(turns(s.path) for s in signals("squiggle", BASIC, 50)) > 5
    assert max(turns(s.path) for s in signals("narrowbanddrd", BASIC, 50)) <= 1


@pytest.mark.parametrize("preset", RANGES, ids=[preset.name for preset in RANGES])
@pytest.mark.parametrize("class_name", ["squiggle", "narrowbanddrd", "narrowband"])
def test_a_signal_spends_the_promised_time_inside_the_band(class_name, preset):
    time = np.linspace(0.0, 1.0, 257)
    for signal in signals(class_name, preset, 100):
        frequency = signal.path(time)
        assert np.mean((frequency >= 0.0) & (frequency < 1.0)) >= preset.inside


@pytest.mark.parametrize("preset", RANGES, ids=[preset.name for preset in RANGES])
def test_strengths_fill_the_presets_range(preset):
    for class_name, (least, greatest) in (
        ("narrowband", preset.strength),
        ("squiggle", preset.squiggle_strength),
        ("squarepulsednarrowband", preset.pulsed_strength),
        ("squigglesquarepulsednarrowband", preset.pulsed_squiggle_strength),
        ("brightpixel", preset.pixel_strength),
    ):
        strengths = [s.strength for s in signals(class_name, preset)]
        tenth = 0.1 * (greatest - least)
        assert least <= min(strengths) < least + tenth
        assert greatest - tenth < max(strengths) <= greatest


@pytest.mark.parametrize("preset", RANGES, ids=[preset.name for preset in RANGES])
@pytest.mark.parametrize("class_name", PULSED)
def test_pulses_have_the_presets_periods_and_duty_cycles(class_name, preset):
    for signal in signals(class_name, preset, 100):
        time = np.linspace(0.0, 1.0, 8193)
        on = signal.envelope(time)
        risen = time[1:][np.diff(on) > 0.0]
        assert len(risen) >= 2, "switched on at least twice"
        period = np.diff(risen)[0]
        assert np.diff(risen) == pytest.approx(period, abs=3e-4)
        least, greatest = preset.pulse_period
        assert least - 3e-4 < period < greatest + 3e-4
        one_period = (time >= risen[0]) & (time < risen[1])
        least, greatest = preset.duty_cycle
        assert least - 2e-3 < on[one_period].mean() < greatest + 2e-3


@pytest.mark.parametrize("preset", RANGES, ids=[preset.name for preset in RANGES])
@pytest.mark.parametrize("class_name", [*PULSED, "brightpixel"])
def test_a_pulsed_signal_is_inside_the_band_for_the_promised_fraction_of_its_on_time(
    class_name, preset
):
    for signal in signals(class_name, preset, 100):
        frequency = signal.path(when_on(signal))
        assert np.mean((frequency >= 0.0) & (frequency < 1.0)) >= preset.inside


def test_only_the_pulses_tell_a_pulsed_line_from_a_steady_one():
    steady, pulsed = (
        [np.diff(s.path(np.array([0.0, 1.0])))[0] for s in signals(name, BASIC, 2000)]
        for name in ("narrowband", "squarepulsednarrowband")
    )
    assert np.mean(np.abs(steady)) == pytest.approx(np.mean(np.abs(pulsed)), rel=0.06)
    assert max(departure(s.path) for s in signals("squarepulsednarrowband", BASIC)) < 1e-9
    assert BASIC.pulsed_strength == BASIC.strength
    assert BASIC.pulsed_squiggle_strength == BASIC.squiggle_strength


@pytest.mark.parametrize(
    ("class_name", "path", "strength"),
    [
        ("squiggle", [0.530567539, 0.467130926, 0.427884985], 8.252829416),
        ("narrowbanddrd", [0.613163542, 0.651863191, 0.641473888], 7.852179345),
        ("narrowband", [0.613163542, 0.550266091, 0.487368641], 7.852179345),
    ],
)
def test_signals_are_still_drawn_as_they_were_before_some_were_pulsed(class_name, path, strength):
    signal = SIGNALS[class_name](np.random.Generator(np.random.SFC64(11)), HARD)
    times = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(signal.path(times), path, atol=1e-8)
    assert signal.strength == pytest.approx(strength, abs=1e-8)
    np.testing.assert_array_equal(signal.envelope(times), 1.0)


def test_the_primary_classes_are_all_that_can_be_simulated_in_alphabetical_order():
    assert list(PRIMARY) == sorted(SIGNALS)


def test_a_preset_is_found_by_name_or_passed_through():
    assert find_preset("hard") is HARD
    assert find_preset(BASIC) is BASIC
