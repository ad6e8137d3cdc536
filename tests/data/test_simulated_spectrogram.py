"""From a tone in noise to a grey-scale image."""

import matplotlib
import numpy as np
import pytest
from PIL import Image

from data.simulation import spectrogram
from data.simulation.classes import SIGNALS, Signal
from data.simulation.paths import straight_path
from data.simulation.presets import BASIC, HARD, PRESETS, find_preset

ROWS, CHANNELS = 256, 512
NOISE_POWER = 2 * spectrogram.NOISE_DEVIATION**2 * CHANNELS


def noise(seed=0):
    return spectrogram.receiver_noise(ROWS * CHANNELS, np.random.default_rng(seed))


def mean_spectrum(voltage):
    return spectrogram.power(voltage.reshape(ROWS, CHANNELS)).mean(axis=0)


def test_noise_is_white_and_has_the_published_level():
    voltage = noise()
    assert voltage.dtype == np.complex64
    assert voltage.real.std() == pytest.approx(13.0, rel=0.01)
    assert voltage.imag.std() == pytest.approx(13.0, rel=0.01)
    assert abs(np.corrcoef(voltage.real, voltage.imag)[0, 1]) < 0.01
    spectrum = mean_spectrum(voltage) / NOISE_POWER
    # Each of 512 channels is the mean of 256 exponential draws: 1 +- 0.0625.
    assert spectrum.mean() == pytest.approx(1.0, rel=0.01)
    assert spectrum.std() == pytest.approx(1 / 16, rel=0.15)


@pytest.mark.parametrize("decibels", [3.0, 10.0, 20.0])
def test_strength_is_the_tones_power_over_the_noise_power_in_its_channel(decibels):
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(0.25, 0.0), decibels), CHANNELS)
    excess = mean_spectrum(voltage)[CHANNELS // 4] / NOISE_POWER - 1.0
    assert excess == pytest.approx(10 ** (decibels / 10), rel=0.2)


@pytest.mark.parametrize(("frequency", "channel"), [(0.0, 0), (0.25, 128), (0.5, 256), (0.75, 384)])
def test_frequency_runs_from_the_left_edge_to_the_right(frequency, channel):
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(frequency, 0.0), 20.0), CHANNELS)
    assert mean_spectrum(voltage).argmax() == channel


def test_a_drifting_tone_moves_from_row_to_row_as_its_path_says():
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(0.2, 0.5), 20.0), CHANNELS)
    found = spectrogram.power(voltage.reshape(ROWS, CHANNELS)).argmax(axis=1)
    expected = (0.2 + 0.5 * (np.arange(ROWS) + 0.5) / ROWS) * CHANNELS
    assert np.abs(found - expected).max() <= 2.0


@pytest.mark.parametrize("frequency", [-0.01, 1.0, 1.7])
def test_a_tone_outside_the_band_is_silent(frequency):
    voltage = noise()
    spectrogram.add_tone(voltage, Signal(straight_path(frequency, 0.0), 20.0), CHANNELS)
    np.testing.assert_array_equal(voltage, noise())


def test_voltages_become_whole_numbers_of_a_signed_byte():
    voltage = np.array([1.9 - 1.9j, 300.0 - 0.5j, -300.0 + 12.0j], np.complex64)
    expected = np.array([1.0 - 1.0j, 127.0 - 0.0j, -127.0 + 12.0j], np.complex64)
    np.testing.assert_array_equal(spectrogram.digitise(voltage), expected)


def test_an_image_is_the_log_power_in_jet_colours_resized_and_made_grey():
    spectra = spectrogram.power(noise().reshape(ROWS, CHANNELS))
    level = np.log(spectra.astype(np.float64))
    colours = matplotlib.colormaps["jet"](level / level.max(), bytes=True)
    picture = Image.fromarray(colours[:, :, :3]).resize((128, 64), Image.Resampling.LANCZOS)
    expected = np.asarray(picture.convert("L")).astype(int)
    difference = np.abs(spectrogram.render(spectra, 64, 128).astype(int) - expected)
    # Single and double precision put a few logarithms on either side of a colour's edge.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.01


def test_a_channel_without_any_power_does_not_spoil_the_image():
    spectra = np.full((ROWS, CHANNELS), 1e5, np.float32)
    spectra[10, 10] = 0.0
    image = spectrogram.render(spectra, 64, 128)
    assert image.shape == (64, 128)
    assert image[40:].min() == image[40:].max()


@pytest.mark.parametrize(("height", "width"), [(64, 128), (32, 32), (10, 48)])
def test_height_and_width_are_free(height, width):
    image = spectrogram.simulate_spectrogram(None, height, width, np.random.default_rng(0))
    assert image.shape == (height, width)
    assert image.dtype == np.uint8


def images_of(class_name, preset, count=8):
    """Pairs of a class's signal and its image, float [64, 128] from 0 to 1."""
    for number in range(count):
        rng = np.random.default_rng([number, len(class_name)])
        signal = SIGNALS[class_name](rng, preset)
        yield signal, spectrogram.simulate_spectrogram(signal, 64, 128, rng) / 255


@pytest.mark.parametrize(
    ("class_name", "darkest", "lightest"),
    [
        ("squiggle", 0.60, 0.74),
        ("narrowbanddrd", 0.58, 0.72),
        ("narrowband", 0.58, 0.72),
        ("noise", 0.51, 0.60),
    ],
)
def test_basic_images_are_as_light_and_as_busy_as_published_ones(class_name, darkest, lightest):
    for _, image in images_of(class_name, BASIC):
        assert darkest < image.mean() < lightest
        assert 0.028 < image.std() < 0.041


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


def test_there_is_no_line_in_pure_noise():
    rng = np.random.default_rng(5)
    for _, image in images_of("noise", BASIC):
        path = SIGNALS["narrowband"](rng, BASIC).path
        assert abs(darkness_along(path, image)) < 0.5


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


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
@pytest.mark.parametrize("class_name", ["squiggle", "narrowbanddrd", "narrowband"])
def test_a_signal_spends_the_promised_time_inside_the_band(class_name, preset):
    time = np.linspace(0.0, 1.0, 257)
    for signal in signals(class_name, preset, 100):
        frequency = signal.path(time)
        assert np.mean((frequency >= 0.0) & (frequency < 1.0)) >= preset.inside


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_strengths_fill_the_presets_range(preset):
    for class_name, (least, greatest) in (
        ("narrowband", preset.strength),
        ("squiggle", preset.squiggle_strength),
    ):
        strengths = [s.strength for s in signals(class_name, preset)]
        tenth = 0.1 * (greatest - least)
        assert least <= min(strengths) < least + tenth
        assert greatest - tenth < max(strengths) <= greatest


def test_a_preset_is_found_by_name_or_passed_through():
    assert find_preset("hard") is HARD
    assert find_preset(BASIC) is BASIC
