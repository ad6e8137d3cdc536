"""Tiles: where they are, what they hold, and what is removed from them."""

from types import SimpleNamespace

import numpy as np
import pytest

from data.invalid import InvalidData
from data.simulation.dataset import ImageKey, simulate_signal
from data.simulation.spectrogram import NOISE_DEVIATION, simulate_spectrogram, simulate_voltage
from data.spectrogram import compute_power, render
from data.telescope import tiling
from data.telescope.header import Header
from data.telescope.observation import open_observation
from data.telescope.tiling import Grid, Tiling, iterate_tiles
from tests.data.telescope.files import bitshuffle, make_noise, write_fil, write_h5

COARSE = 187.5 / 64  # MHz
ROWS, CHANNELS = 48, 1024


def cut(path, grid, workers=None):
    """Return all tiles of an observation: what is known of them, and their images."""
    with open_observation(str(path)) as observation:
        parts = list(iterate_tiles(observation, Tiling(observation, grid), workers))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def write_noise(folder, rows=ROWS, channels=CHANNELS, **keywords):
    return write_fil(folder / "a.fil", make_noise(rows, channels), **keywords)


@pytest.mark.parametrize("foff", [0.001, -0.001])
@pytest.mark.parametrize("form", ["fil", "h5", "h5, bitshuffle"])
def test_a_drifting_tone_is_in_the_right_tile_at_the_right_frequency_and_time(form, foff, tmp_path):
    power = make_noise(ROWS, CHANNELS)
    rows = np.arange(ROWS)
    stored = 600 + rows // 2  # channels in the file, from one end
    power[rows, 0, stored] = 300.0
    chunks, compression = ((7, 1, 100), bitshuffle()) if "bitshuffle" in form else (None, None)
    path = (
        write_fil(tmp_path / "a.fil", power, fch1=1420.0, foff=foff, tsamp=10.0)
        if form == "fil"
        else write_h5(
            tmp_path / "a.h5", power, chunks, compression, fch1=1420.0, foff=foff, tsamp=10.0
        )
    )
    tiles, images = cut(path, Grid(height=16, width=128, overlap=0.5))
    assert len(tiles) == 3 * 15
    tone = 1420.0 + foff * stored
    for tile, image in zip(tiles, images, strict=True):
        row = round((tile["start_mjd"] - 57650.75) * 86400 / 10.0)
        assert row in (0, 16, 32)
        columns = (tone[row : row + 16] - tile["start_mhz"]) / 0.001
        there = (columns > -0.5) & (columns < 127.5)
        # A loud pixel is the darkest of its row.
        darkest = image[there].argmin(axis=1)
        frequencies = tile["start_mhz"] + darkest * tile["channel_width_hz"] / 1e6
        np.testing.assert_allclose(frequencies, tone[row : row + 16][there], rtol=0, atol=1e-9)


def test_each_tile_carries_its_frequency_and_its_time(tmp_path):
    path = write_noise(tmp_path, fch1=1000.0, foff=0.25, tsamp=0.5, tstart=60000.0)
    tiles, images = cut(path, Grid(height=16, width=512, overlap=0.5))
    assert images.shape == (9, 16, 512)
    assert tiles["tile"].tolist() == list(range(9))
    assert tiles["start_mhz"].tolist() == 3 * [1000.0, 1064.0, 1128.0]
    assert tiles["centre_mhz"].tolist() == 3 * [1063.875, 1127.875, 1191.875]
    starts = [np.round(60000.0 + row * 0.5 / 86400, 11) for row in (0, 16, 32)]
    assert tiles["start_mjd"].tolist() == np.repeat(starts, 3).tolist()
    assert set(tiles["channel_width_hz"]) == {250_000.0}
    assert set(tiles["sample_time_s"]) == {0.5}


def test_the_last_tiles_end_with_the_band_and_with_the_observation(tmp_path):
    path = write_noise(tmp_path, rows=20, channels=1000, fch1=0.0, foff=1.0, tsamp=1.0)
    tiles, _ = cut(path, Grid(height=16, width=400, overlap=0.25))
    assert tiles["start_mhz"].tolist() == 2 * [0.0, 300.0, 600.0]
    seconds = (tiles["start_mjd"] - 57650.75) * 86400
    np.testing.assert_allclose(seconds, np.repeat([0, 4], 3), atol=1e-5)


def test_tiles_overlap_in_time_as_in_frequency_if_asked_to(tmp_path):
    path = write_noise(tmp_path, tsamp=1.0)
    tiles, _ = cut(path, Grid(height=16, width=1024, overlap=0.5, time_overlap=True))
    seconds = (tiles["start_mjd"] - 57650.75) * 86400
    np.testing.assert_allclose(seconds, [0, 8, 16, 24, 32], atol=1e-5)


def test_a_range_of_frequencies_is_cut(tmp_path):
    path = write_noise(tmp_path, fch1=1000.0, foff=-0.5)
    tiles, _ = cut(path, Grid(width=64, overlap=0.0, from_mhz=600.0, to_mhz=663.5))
    assert tiles["start_mhz"].tolist() == 3 * [600.0, 632.0]


def test_a_tile_may_have_fewer_rows_and_columns_than_the_observation(tmp_path):
    path = write_noise(tmp_path, fch1=1000.0, foff=0.5, tsamp=2.0)
    grid = Grid(height=12, width=128, overlap=0.0, decimate_time=4, decimate_frequency=4)
    tiles, images = cut(path, grid)
    assert images.shape == (2, 12, 128)
    assert tiles["start_mhz"].tolist() == [1000.75, 1256.75]  # the middle of four channels
    assert tiles["channel_width_hz"].tolist() == [2e6, 2e6]
    assert tiles["sample_time_s"].tolist() == [8.0, 8.0]


@pytest.mark.parametrize(("height", "width"), [(16, 128), (8, 64), (20, 200)])
def test_a_tile_is_rendered_as_a_simulated_image_of_the_same_noise(height, width, tmp_path):
    decimate = {8: 2}.get(height, 1)
    power = np.ones((40, 1, 400), np.float32)
    power[5:20:3, 0, 17:380:11] = 40.0
    path = write_fil(tmp_path / "a.fil", power, foff=1.0)
    grid = Grid(height, width, 0.0, decimate_time=decimate, decimate_frequency=decimate)
    _, images = cut(path, grid)
    # The median power of noise is 1 in the file, and in simulated noise that of an exponential
    # distribution with a mean of two components' variance in each of its channels.
    rows, channels = height * decimate, width * decimate
    noise = 2.0 * NOISE_DEVIATION**2 * channels * np.log(2.0)
    expected = render(power[:rows, 0, :channels] * np.float32(noise), height, width)
    np.testing.assert_array_equal(images[0], expected)


def test_tiles_of_simulated_voltages_are_the_simulated_images_to_a_few_grey_levels(tmp_path):
    height, width, oversampling = 64, 128, 4
    rows, channels = height * oversampling, width * oversampling
    names = ("narrowband", "squiggle", "noise")
    signals = [simulate_signal(ImageKey("train", name, 0)) for name in names]
    images, power = [], []
    for number, signal in enumerate(signals):
        rng = np.random.default_rng(number)
        images.append(simulate_spectrogram(signal, height, width, rng, oversampling))
        voltage = simulate_voltage(signal, rows, channels, np.random.default_rng(number))
        power.append(compute_power(voltage.reshape(rows, channels)))
    path = write_fil(tmp_path / "a.fil", np.hstack(power)[:, np.newaxis] / 1e3, foff=1.0)
    grid = Grid(height, width, 0.0, decimate_time=oversampling, decimate_frequency=oversampling)
    _, tiles = cut(path, grid)
    differences = np.abs(tiles - np.array(images, float))
    assert differences.mean(axis=(1, 2)).max() < 3.0
    assert np.percentile(differences, 99) <= 8.0


def test_the_response_of_the_telescope_is_removed(tmp_path):
    response = 1e6 * (1.2 + np.cos(np.linspace(0.0, 6.0, CHANNELS)))
    noise = make_noise(ROWS, CHANNELS)
    grid = Grid(width=256, overlap=0.0)
    _, flat = cut(write_fil(tmp_path / "flat.fil", noise), grid)
    _, images = cut(write_fil(tmp_path / "a.fil", noise * response), grid)
    unlike = np.abs(flat.astype(float) - images)
    assert np.median(unlike) <= 1.0
    assert np.percentile(unlike, 99) <= 3.0


def test_noise_stays_level_where_the_response_is_taken_from_wide_groups(tmp_path):
    channels = 1 << 15  # groups of 512 channels, as wide as two tiles
    noise = make_noise(256, channels, looks=1)
    grid = Grid(height=64, width=64, decimate_time=4, decimate_frequency=4)
    _, images = cut(write_fil(tmp_path / "a.fil", noise), grid)
    halves = images.reshape(-1, 64, 2, 32).mean(axis=(1, 3), dtype=float)
    tilt = np.std(halves[:, 0] - halves[:, 1])
    # Neighbouring pixels hardly depend on each other.
    expected = images.std() * np.sqrt(2 / (64 * 32))
    assert tilt < 1.25 * expected


def test_a_line_that_does_not_drift_is_not_removed(tmp_path):
    power = make_noise(ROWS, CHANNELS)
    power[:, 0, 700] *= 20.0
    _, images = cut(write_fil(tmp_path / "a.fil", power, foff=0.5), Grid(width=1024))
    assert (images.argmin(axis=2) == 700).all()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_dc_channel_of_each_coarse_channel_is_replaced_by_its_neighbours(sign, tmp_path):
    power = make_noise(16, CHANNELS)
    dc = np.arange(128, CHANNELS, 256)  # in the order of the file, as blimpy counts
    clean = power.copy()
    clean[:, :, dc] = 0.5 * (power[:, :, dc - 1] + power[:, :, dc + 1])
    power[:, :, dc] = 1e4
    grid = Grid(width=64, coarse_channels=4)
    foff = sign * COARSE / 256
    _, images = cut(write_fil(tmp_path / "a.fil", power, foff=foff), grid)
    _, expected = cut(write_fil(tmp_path / "clean.fil", clean, foff=foff), grid)
    np.testing.assert_array_equal(images, expected)
    assert images.std(axis=(1, 2)).max() < 10.0
    # Without this, a tile with a spike is hardly more than that.
    _, spoilt = cut(tmp_path / "a.fil", Grid(width=64, coarse_channels=0))
    assert (spoilt.std(axis=(1, 2)) > 20.0).sum() == 8


@pytest.mark.parametrize(
    ("foff", "channels", "found"),
    [
        (COARSE / 1024, 4096, 1024),  # the medium resolution of Breakthrough Listen
        (-0.0028610229, 4096, 1024),  # the same, rounded
        (COARSE / 8, 64, 8),
        (COARSE / 1024, 1000, 0),
        (0.5, 4096, 0),
    ],
)
def test_coarse_channels_of_breakthrough_listen_are_found(foff, channels, found, tmp_path):
    path = write_noise(tmp_path, 16, channels, foff=foff)
    with open_observation(path) as observation:
        assert Tiling(observation, Grid(width=8)).coarse.channels == found


def test_the_fraction_of_a_tile_at_the_edges_of_coarse_channels_is_marked(tmp_path):
    path = write_noise(tmp_path, 16, 800)
    tiles, _ = cut(path, Grid(width=20, overlap=0.0, coarse_channels=4))
    # A twentieth of 200 channels at either end of each coarse channel: 10.
    one = [0.5, *8 * [0.0], 0.5]
    assert tiles["edge_fraction"].tolist() == 4 * one
    tiles, _ = cut(path, Grid(width=20, overlap=0.0))
    assert not tiles["edge_fraction"].any()


@pytest.mark.parametrize(("workers", "samples"), [(1, 1), (3, 20_000), (3, 1 << 24)])
def test_blocks_and_workers_change_no_tile(workers, samples, tmp_path, monkeypatch):
    path = write_noise(tmp_path, 16, 4096)
    grid = Grid(width=128, overlap=0.75)
    tiles, images = cut(path, grid, 1)
    monkeypatch.setattr(tiling, "_BLOCK_SAMPLES", samples)
    monkeypatch.setattr(tiling, "_BATCH_SAMPLES", samples)
    other_tiles, other_images = cut(path, grid, workers)
    np.testing.assert_array_equal(tiles, other_tiles)
    np.testing.assert_array_equal(images, other_images)
    assert len(tiles) == 125


@pytest.mark.parametrize(
    ("rows", "channels", "chunk", "overlap", "most"),
    [
        (16, 1 << 26, (1, 1), 0.5, 1 << 21),
        (16, 1 << 26, (1, 1 << 20), 0.5, 1 << 21),  # two columns of chunks stay in the cache
        (64, 1 << 22, (1, 1 << 20), 0.5, 1 << 21),
        (512, 1 << 22, (64, 1 << 18), 0.5, 1 << 24),
        (1 << 20, 512, (1, 1), 0.5, 1 << 21),
        (1 << 18, 1 << 16, (2048, 512), 0.5, 1 << 24),  # a row of chunks does not
        (1 << 14, 1 << 12, (1, 1), 0.999, 1 << 21),
    ],
)
def test_blocks_hold_all_tiles_in_order_and_are_bounded(rows, channels, chunk, overlap, most):
    header = Header("", 1e3, 1e-6, 1.0, 0.0, channels, rows, 1, 32)
    grid = Grid(overlap=overlap, from_mhz=1e3, to_mhz=1e3 + 0.02)
    fake_observation = SimpleNamespace(path="a.h5", header=header)
    tiles = Tiling(fake_observation, grid)
    expected = 0
    for down, across in tiles.list_blocks(chunk):
        assert down.start * tiles.across + across.start == expected
        expected += len(down) * len(across)
        assert len(down) == 1 or len(across) == tiles.across
        first, last = tiles.find_channels(np.array([across[0], across[-1]]))
        height, width = 16 * len(down), last - first + 512
        assert height * width <= max(most, 16 * 512)
        assert len(down) * len(across) * 16 * 512 <= 4 * most
    assert expected == len(tiles)


def test_where_nothing_was_recorded_there_is_no_tile(tmp_path):
    power = make_noise(16, CHANNELS)
    power[:, :, 256:768] = 0.0
    tiles, _ = cut(write_fil(tmp_path / "a.fil", power, foff=1.0), Grid(width=256, overlap=0.0))
    assert tiles["tile"].tolist() == [0, 3]


def test_what_is_not_a_number_becomes_noise(tmp_path):
    power = make_noise(16, CHANNELS)
    _, expected = cut(write_fil(tmp_path / "a.fil", power, foff=1.0), Grid(width=256))
    power[3, 0, 100:120] = np.nan
    power[5, 0, 300] = np.inf
    _, images = cut(write_fil(tmp_path / "a.fil", power, foff=1.0), Grid(width=256))
    assert images.std(axis=(1, 2)).min() > 0.0
    assert images[0, 3, 100:120].tolist() == 20 * [images[0, 3, 100]]
    np.testing.assert_array_equal(images[5:], expected[5:])


def test_tiles_that_are_not_taken_end_the_work(tmp_path):
    with open_observation(write_noise(tmp_path, 16, 1 << 16)) as observation:
        tiles = iterate_tiles(observation, Tiling(observation, Grid()), 2)
        assert len(next(tiles)[0]) > 0
        tiles.close()


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (
            Grid(height=64),
            "has 48 rows to cut, fewer than the 64 of a tile. Lower --height.",
        ),
        (
            Grid(width=512, decimate_frequency=4),
            "has 1,024 channels to cut, fewer than the 2,048 of a tile. Lower --width.",
        ),
        (
            Grid(from_mhz=8000.0, to_mhz=8100.0),
            "has 201 channels to cut, fewer than the 512 of a tile. Lower --width.",
        ),
        (
            Grid(from_mhz=1000.0, to_mhz=1100.0),
            "has no channel from 1,000.000000 to 1,100.000000 MHz. It covers 7,909.500000 to "
            "8,421.000000 MHz. Correct --from-mhz and --to-mhz.",
        ),
        (
            Grid(from_mhz=8200.0, to_mhz=8100.0),
            "has no channel from 8,200.000000 to 8,100.000000 MHz. It covers 7,909.500000 to "
            "8,421.000000 MHz. Correct --from-mhz and --to-mhz.",
        ),
        (
            Grid(coarse_channels=3),
            "has 1,024 channels, which cannot be 3 coarse channels of at least 8 channels each. "
            "Correct --coarse-channels.",
        ),
        (
            Grid(coarse_channels=512),
            "has 1,024 channels, which cannot be 512 coarse channels of at least 8 channels each. "
            "Correct --coarse-channels.",
        ),
    ],
)
def test_an_observation_that_does_not_fit_the_grid_is_refused(grid, message, tmp_path):
    path = write_noise(tmp_path)
    with open_observation(path) as observation, pytest.raises(InvalidData) as error:
        Tiling(observation, grid)
    assert str(error.value) == f"{path} {message}"
