"""The response of a telescope, measured from its noise."""

import numpy as np
import pytest

from data.telescope.bandpass import choose_group, measure_bandpass
from tests.data.telescope.files import make_noise


def noise(rows, channels, looks=51):
    return make_noise(rows, channels, looks=looks)[:, 0]


@pytest.mark.parametrize(
    ("channels", "group"),
    [(5, 5), (8, 8), (100, 8), (1024, 16), (1 << 20, 1024), (1 << 24, 1024)],
)
def test_a_group_is_a_64th_of_the_band_within_limits(channels, group):
    assert choose_group(channels) == group


@pytest.mark.parametrize("group", [15, 16, 100])
def test_the_response_is_exact_where_there_is_no_noise(group):
    slope = np.tile(np.linspace(100.0, 200.0, 1000, dtype=np.float32), (16, 1))
    measured = measure_bandpass(slope, group)
    # Beyond the middles of the outermost groups, it is constant.
    inside = slice(group, -group - 1000 % group)
    step = slope[0, 1] - slope[0, 0]
    assert np.abs(measured - slope[0])[inside].max() < 3 * step
    assert measured[: group // 2].tolist() == (group // 2) * [measured[0]]
    assert measured[-1] == measured[-(1000 % group) - 1]


@pytest.mark.parametrize("rows", [4, 16, 5000])
def test_the_response_of_noise_is_its_median_to_a_few_percent(rows):
    power = noise(rows, 2048, looks=1)
    measured = measure_bandpass(power * 7.0, 32)
    np.testing.assert_allclose(measured, 7.0 * np.log(2.0), rtol=0.5 if rows < 16 else 0.25)
    assert measured.mean() == pytest.approx(7.0 * np.log(2.0), rel=0.03)


def test_narrow_signals_do_not_change_the_response():
    power = noise(16, 2048)
    expected = measure_bandpass(power, 64)
    power[:, ::64] = 1e6
    power[3] = 1e6
    np.testing.assert_allclose(measure_bandpass(power, 64), expected, rtol=0.06)


def test_a_few_values_that_are_not_numbers_do_not_change_the_response():
    power = noise(16, 1024)
    expected = measure_bandpass(power, 64)
    power[:, ::10] = np.nan
    power[0] = np.inf
    np.testing.assert_allclose(measure_bandpass(power, 64), expected, rtol=0.1)


def test_where_there_are_no_numbers_the_response_is_zero():
    power = noise(16, 1024)
    power[:, :512] = np.nan
    measured = measure_bandpass(power, 64)
    assert not measured[:480].any()
    assert measured[544:].all()
