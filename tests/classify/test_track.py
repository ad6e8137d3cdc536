"""The line in a tile is measured to a fraction of a column, and signals are counted once."""

import numpy as np
import pytest

from data.telescope.observation import open_observation
from data.telescope.tiling import Grid, Tiling
from pipeline.classify.observations.candidates import Candidate, merge_candidates
from pipeline.classify.observations.track import measure_track, read_strip
from tests.data.telescope.files import make_noise, write_fil

HEIGHT, WIDTH, LOOKS = 32, 64, 16


def add_line(power, start, drift, strength):
    """Add a line to power [rows, columns]: its column when the first row begins, columns in all."""
    time = (np.arange(len(power)) + 0.5) / len(power)
    path = start + drift * time
    low = np.floor(path).astype(int)
    # A tone between two channels is in both.
    power[np.arange(len(power)), low] += strength * (low + 1 - path)
    power[np.arange(len(power)), low + 1] += strength * (path - low)


@pytest.mark.parametrize(("start", "drift"), [(80.0, 0.0), (90.3, 20.0), (110.6, -31.2)])
def test_a_line_is_measured_to_a_fraction_of_a_column(start, drift):
    power = make_noise(HEIGHT, 3 * WIDTH, looks=LOOKS)[:, 0]
    add_line(power, start, drift, 3.0)
    track = measure_track(power, WIDTH, WIDTH)
    assert track.start == pytest.approx(start - WIDTH, abs=0.5)
    assert track.drift == pytest.approx(drift, abs=0.7)


def test_the_signal_to_noise_ratio_is_that_of_the_sum_along_the_line():
    power = make_noise(HEIGHT, 3 * WIDTH, looks=LOOKS)[:, 0]
    add_line(power, 100.0, 0.0, 1.0)
    # The sum of 32 values of 1 over noise with a standard deviation of 1/4 in each.
    expected = HEIGHT * 1.0 / (HEIGHT / LOOKS) ** 0.5
    assert measure_track(power, WIDTH, WIDTH).snr == pytest.approx(expected, rel=0.2)


def test_noise_has_a_signal_to_noise_ratio_near_four():
    ratios = [
        measure_track(make_noise(HEIGHT, 3 * WIDTH, seed, LOOKS)[:, 0], WIDTH, WIDTH).snr
        for seed in range(20)
    ]
    assert min(ratios) > 2.5
    assert max(ratios) < 5.5


def test_a_line_beside_the_tile_is_not_its_line():
    power = make_noise(HEIGHT, 3 * WIDTH, looks=LOOKS)[:, 0]
    add_line(power, WIDTH - 10.0, 5.0, 10.0)
    add_line(power, WIDTH + 20.0, 5.0, 2.0)
    assert measure_track(power, WIDTH, WIDTH).start == pytest.approx(20.0, abs=0.5)


def test_a_line_that_leaves_the_tile_is_measured_as_in_the_next_tile():
    power = make_noise(HEIGHT, 3 * WIDTH, looks=LOOKS)[:, 0]
    add_line(power, 2 * WIDTH - 12.0, 30.0, 3.0)
    here, next_one = (measure_track(power, left, WIDTH) for left in (WIDTH, WIDTH + WIDTH // 2))
    assert here.start == pytest.approx(WIDTH - 12.0, abs=0.5)
    assert (here.drift, here.snr) == pytest.approx((next_one.drift, next_one.snr))


@pytest.mark.parametrize("response", [1.0, 0.01])
def test_the_response_of_the_telescope_does_not_change_the_ratio(tmp_path, response):
    power = make_noise(HEIGHT, 1024, looks=LOOKS)
    add_line(power[:, 0], 500.0, 0.0, 2.0)
    power *= np.linspace(1.0, response, 1024)
    path = write_fil(tmp_path / "a.fil", power, foff=1e-6)
    with open_observation(path) as observation:
        tiling = Tiling(observation, Grid(HEIGHT, WIDTH))
        strip, left = read_strip(observation, tiling, 15)
    assert (strip.shape, left) == ((HEIGHT, 3 * WIDTH), WIDTH)
    track = measure_track(strip, left, WIDTH)
    assert track.start == pytest.approx(500.0 - 15 * WIDTH / 2, abs=0.5)
    assert track.snr == pytest.approx(2 * (HEIGHT * LOOKS) ** 0.5, rel=0.2)


def make_candidate(low_mhz, frequency, drift=0.0, snr=10.0, start=0.0, tile=0):
    """A tile of 64 columns of 1 kHz and 100 s."""
    return Candidate(
        tile=tile,
        frequency_mhz=frequency,
        drift_hz_s=drift,
        snr=snr,
        class_name="line",
        score=0.9,
        start_mjd=60000.0,
        start_s=start,
        stop_s=start + 100.0,
        low_mhz=low_mhz,
        high_mhz=low_mhz + 0.064,
        edge_fraction=0.0,
    )


@pytest.mark.parametrize(
    ("candidates", "kept"),
    [
        pytest.param(
            [(1000.0, 1000.040, 0.0, 10.0), (1000.032, 1000.041, 0.0, 12.0)],
            [(1000.041, 12.0, 2)],
            id="the stronger of two",
        ),
        pytest.param(
            [(1000.0, 1000.040, 0.0, 10.0), (1000.032, 1000.045, 0.0, 12.0)],
            [(1000.040, 10.0, 1), (1000.045, 12.0, 1)],
            id="other frequencies",
        ),
        pytest.param(
            [(1000.0, 1000.040, 0.0, 10.0), (1000.032, 1000.040, 50.0, 12.0)],
            [(1000.040, 10.0, 1), (1000.040, 12.0, 1)],
            id="other drifts",
        ),
        pytest.param(
            [
                (1000.0, 1000.060, 30.0, 9.0),
                (1000.032, 1000.060, 30.0, 8.0),
                (1000.064, 1000.061, 30.0, 7.0),
            ],
            [(1000.060, 9.0, 3)],
            id="three in a row",
        ),
        pytest.param(
            [(1000.0, 1000.060, 0.0, 9.0), (1000.064, 1000.060, 0.0, 8.0)],
            [(1000.060, 9.0, 1), (1000.060, 8.0, 1)],
            id="no overlap in frequency",
        ),
        pytest.param(
            [(1000.0, 1000.040, 0.0, 9.0, 0.0), (1000.0, 1000.040, 0.0, 8.0, 100.0)],
            [(1000.040, 9.0, 1), (1000.040, 8.0, 1)],
            id="no overlap in time",
        ),
        pytest.param(
            [(1000.0, 1000.010, 200.0, 9.0, 0.0), (1000.0, 1000.020, 200.0, 8.0, 50.0)],
            [(1000.010, 9.0, 2)],
            id="overlap in time",
        ),
    ],
)
def test_one_signal_in_overlapping_tiles_is_one_candidate(candidates, kept):
    merged = merge_candidates([make_candidate(*each) for each in candidates], 64)
    assert [(each.frequency_mhz, each.snr, each.tiles) for each in merged] == kept
