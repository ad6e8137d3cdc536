"""Plots of observations and tiles: what a pixel holds, and the axes."""

import numpy as np
import pytest
from PIL import Image

from data.telescope import plots
from data.telescope.labels import read_labels
from data.telescope.observation import open_observation
from data.telescope.tile_folder import write_tiles
from data.telescope.tiling import Grid, Tiling
from data.telescope.waterfall import measure_waterfall
from tests.data.telescope.files import make_noise, write_fil

COARSE = 187.5 / 64  # MHz


def waterfall_of(path, **options):
    with open_observation(path) as observation:
        return measure_waterfall(observation, **options)


@pytest.mark.parametrize("foff", [0.5, -0.5])
def test_a_pixel_of_a_waterfall_has_the_greatest_power_of_its_rows_and_channels(foff, tmp_path):
    power = make_noise(1200, 3000)
    power[701, 0, 2500 if foff > 0 else 499] = 500.0
    path = write_fil(tmp_path / "a.fil", power, fch1=1000.0, foff=foff, tsamp=2.0)
    seen = []
    waterfall = waterfall_of(path, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (power.size, power.size)
    # 4 rows and 4 channels in a pixel.
    assert waterfall.greatest.shape == (300, 750)
    assert np.argwhere(waterfall.greatest > 50.0).tolist() == [[175, 625]]
    assert waterfall.greatest[175, 625] == pytest.approx(500.0, rel=0.02)
    np.testing.assert_allclose(waterfall.response, 1.0, atol=0.05)
    low = 1000.0 if foff > 0 else 1000.0 - 2999 * 0.5
    assert (waterfall.low_mhz, waterfall.high_mhz) == (low - 0.25, low + 2999 * 0.5 + 0.25)
    assert waterfall.seconds == 2400.0


def test_a_waterfall_may_be_of_a_range_of_frequencies(tmp_path):
    power = make_noise(16, 4000)
    power[3, 0, 1010] = 100.0
    path = write_fil(tmp_path / "a.fil", power, fch1=1000.0, foff=0.5)
    waterfall = waterfall_of(path, from_mhz=1500.0, to_mhz=1519.5)
    assert waterfall.greatest.shape == (16, 40)
    assert np.argwhere(waterfall.greatest > 50.0).tolist() == [[3, 10]]
    assert (waterfall.low_mhz, waterfall.high_mhz) == (1499.75, 1519.75)


def test_a_waterfall_leaves_out_dc_channels_and_what_was_not_recorded(tmp_path):
    power = make_noise(16, 2048)
    power[:, 0, 512::1024] = 1e4
    power[:, 0, :256] = 0.0
    path = write_fil(tmp_path / "a.fil", power, foff=COARSE / 1024)
    waterfall = waterfall_of(path)
    assert waterfall.greatest.max() < 3.0
    assert not waterfall.greatest[:, :80].any()
    assert waterfall.greatest[:, 90:].all()


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1000.0, 1200.0, (1000.0, 1200.0, "frequency (MHz)")),
        (1420.0, 1420.05, (-25.0, 25.0, "kHz from 1,420.025000 MHz")),
        (1420.0, 1420.001, (-500.0, 500.0, "Hz from 1,420.000500 MHz")),
    ],
)
def test_the_axis_of_a_narrow_band_is_in_a_smaller_unit(low, high, expected):
    *edges, label = plots.scale_frequencies(low, high)
    np.testing.assert_allclose(edges, expected[:2])
    assert label == expected[2]


def check_picture(path):
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert min(picture.size) > 300
        assert np.asarray(picture.convert("L")).std() > 20


def test_an_observation_is_drawn(tmp_path):
    path = write_fil(tmp_path / "a$b_.fil", make_noise(16, 2048), source_name="X_$y$")
    with open_observation(path) as observation:
        drawn = plots.draw_observation(observation, tmp_path / "new/plot.png")
    assert drawn == tmp_path / "new/plot.png"
    check_picture(drawn)


def test_an_observation_in_which_nothing_was_recorded_is_drawn(tmp_path):
    path = write_fil(tmp_path / "a.fil", np.zeros((16, 1, 64)))
    with open_observation(path) as observation:
        assert plots.draw_observation(observation, tmp_path / "plot.png").exists()


@pytest.mark.parametrize("is_labelled", [True, False])
def test_tiles_are_drawn(is_labelled, tmp_path):
    path = write_fil(tmp_path / "a.fil", make_noise(16, 2048), fch1=1000.0, foff=1.0)
    (tmp_path / "labels.csv").write_text("frequency_mhz,class\n1096,$line$\n")
    with open_observation(path) as observation:
        labels = read_labels(str(tmp_path / "labels.csv"), observation.header)
        tiling = Tiling(observation, Grid(width=128))
        write_tiles(observation, tiling, tmp_path / "out", labels if is_labelled else None)
    check_picture(plots.draw_tiles(tmp_path / "out", tmp_path / "plot.png"))
