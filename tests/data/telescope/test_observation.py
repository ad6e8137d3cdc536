"""Reading observations by ranges: values, frequencies and times of both formats."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from data.telescope.observation import open_observation
from tests.data.telescope.files import bitshuffle, write_fil, write_h5

ROWS, IFS, CHANNELS = 12, 2, 40


def make_power(bits):
    """Every value is different, or as different as 8 bits allow."""
    power = np.arange(ROWS * IFS * CHANNELS).reshape(ROWS, IFS, CHANNELS)
    return power % 251 if bits == 8 else power * 50 if bits == 16 else power / 7.0


def write(form, folder, power, **keywords):
    if form == "fil":
        return write_fil(folder / "a.fil", power, **keywords)
    chunks = None if form == "h5" else (5, 1, 16)
    compression = bitshuffle() if form == "h5, bitshuffle" else None
    return write_h5(folder / "a.h5", power, chunks, compression, **keywords)


FORMS = ("fil", "h5", "h5, chunks", "h5, bitshuffle")


@pytest.fixture(params=FORMS)
def form(request):
    return request.param


@pytest.mark.parametrize("foff", [0.5, -0.5])
@pytest.mark.parametrize("bits", [8, 16, 32])
def test_a_range_of_the_first_if_is_read_with_rising_frequencies(form, bits, foff, tmp_path):
    power = make_power(bits)
    path = write(form, tmp_path, power, nbits=bits, foff=foff)
    expected = power[:, 0, :].astype(np.float32)[:, :: 1 if foff > 0 else -1]
    with open_observation(path) as observation:
        whole = observation.read(range(ROWS), range(CHANNELS))
        part = observation.read(range(3, 9), range(13, 35))
        row = observation.read(range(11, 12), range(39, 40))
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(whole, expected)
    np.testing.assert_array_equal(part, expected[3:9, 13:35])
    np.testing.assert_array_equal(row, expected[11:, 39:])


def test_frequencies_and_times_are_those_of_the_header(form, tmp_path):
    path = write(form, tmp_path, make_power(32), fch1=1420.5, foff=-0.25, tsamp=30.0)
    with open_observation(path) as observation:
        header = observation.header
    assert header.frequency(0) == header.lowest_mhz == 1420.5 - 39 * 0.25
    assert header.frequency(CHANNELS - 1) == header.highest_mhz == 1420.5
    assert header.mjd(6) == 57650.75 + 180.0 / 86400
    assert header.seconds == 360.0
    assert (header.rows, header.ifs, header.channels, header.bits) == (ROWS, IFS, CHANNELS, 32)
    assert str(header) == (
        "SIMULATED, 1,410.625 to 1,420.625 MHz, 12 rows of 40 channels, 250,000.00 Hz x 30 s"
    )


def test_where_frequencies_rise_in_the_file_the_first_is_the_lowest(form, tmp_path):
    path = write(form, tmp_path, make_power(32), fch1=100.0, foff=0.5)
    with open_observation(path) as observation:
        assert observation.header.frequency(np.array([0, 3])).tolist() == [100.0, 101.5]
        assert observation.header.highest_mhz == 119.5


def test_several_threads_read_at_the_same_time(form, tmp_path):
    power = make_power(16)
    path = write(form, tmp_path, power, nbits=16, foff=0.5)
    rows = [range(first, first + 3) for first in range(ROWS - 2)] * 20
    with open_observation(path) as observation, ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda part: observation.read(part, range(7, 33)), rows))
    for part, read in zip(rows, parts, strict=True):
        np.testing.assert_array_equal(read, power[part.start : part.stop, 0, 7:33])


@pytest.mark.parametrize(
    ("rows", "channels"),
    [(range(11, 13), range(3)), (range(-1, 3), range(3)), (range(3), range(39, 41))],
)
def test_a_range_outside_the_observation_is_an_error(rows, channels, form, tmp_path):
    with (
        open_observation(write(form, tmp_path, make_power(32))) as observation,
        pytest.raises(IndexError, match="is not within range"),
    ):
        observation.read(rows, channels)


def test_what_was_read_may_be_changed(form, tmp_path):
    with open_observation(write(form, tmp_path, make_power(32))) as observation:
        observation.read(range(2), range(2))[:] = 0.0
        assert observation.read(range(2), range(2)).any()
