"""Pulses and spots are told from lines that are always on."""

import keras
import numpy as np
import pytest

from tests.trainer.line_search.paths import CHANNELS, ROWS, noise, path_image
from trainer.line_search.drift_search import DriftSearch
from trainer.line_search.envelope import PulseEvidence, SpotEvidence
from trainer.line_search.straightened import Straightened

COUNT = 16
# Within the features of a profile: mean, deviation, five square waves, how much the best explains.
MEAN, WAVES, EXPLAINED = 0, slice(2, 7), 7


@pytest.fixture(scope="module")
def describe():
    rows = keras.Input((ROWS, CHANNELS))
    paths = DriftSearch(33, 1, 0.5, 0.0)(rows)
    near = Straightened(8)(rows, paths)
    model = keras.Model(rows, PulseEvidence()(near[:, 1], rows, paths[:, 1]))
    return lambda rows: model(rows.astype(np.float32)).numpy()


@pytest.fixture(scope="module")
def describe_spots():
    layer = SpotEvidence(ROWS, CHANNELS)
    return lambda rows: layer(rows[..., np.newaxis].astype(np.float32)).numpy()


def line(is_on: np.ndarray) -> np.ndarray:
    return noise(COUNT, 0) + 3 * path_image(64.0, 0.1, 0.0) * is_on[:, np.newaxis]


def on_for(period: int, rows: int) -> np.ndarray:
    return (np.arange(ROWS) % period < rows).astype(float)


def test_a_square_wave_explains_pulses_and_not_a_steady_line(describe):
    steady, pulsed = describe(line(np.ones(ROWS))), describe(line(on_for(20, 10)))
    assert pulsed[:, EXPLAINED].min() > steady[:, EXPLAINED].max()
    assert pulsed[:, MEAN].mean() == pytest.approx(0.5 * steady[:, MEAN].mean(), rel=0.15)


@pytest.mark.parametrize(("rows", "nearest"), [(2, 0), (10, 2), (18, 4)])
def test_the_square_wave_with_the_duty_cycle_of_the_pulses_matches_best(describe, rows, nearest):
    matches = describe(line(on_for(20, rows)))[:, WAVES].mean(axis=0)
    assert matches.argmax() == nearest


def test_pulses_of_a_line_that_is_not_straight_are_seen_in_the_whole_band(describe):
    places = np.random.default_rng(0).integers(0, CHANNELS, ROWS)
    rows = np.zeros((1, ROWS, CHANNELS))
    rows[0, np.arange(ROWS), places] = 6.0
    steady = describe(noise(COUNT, 0) + rows)
    pulsed = describe(noise(COUNT, 0) + rows * on_for(20, 10)[:, np.newaxis])
    explained = 2 * steady.shape[1] // 3 + EXPLAINED
    # In a few images the best path is dark, although these pixels are bright.
    assert np.quantile(pulsed[:, explained], 0.1) > np.quantile(steady[:, explained], 0.9)


@pytest.mark.parametrize(
    "change",
    [lambda rows: rows[:, ::-1], lambda rows: rows[:, :, ::-1], lambda rows: -rows],
    ids=["time", "frequency", "polarity"],
)
def test_mirror_images_and_the_negative_have_the_same_evidence(describe, describe_spots, change):
    rows = line(on_for(20, 10))
    np.testing.assert_allclose(describe(change(rows)), describe(rows), atol=2e-3)
    np.testing.assert_allclose(describe_spots(change(rows)), describe_spots(rows), atol=1e-4)


def test_a_spot_stands_out_from_the_other_rows_and_a_line_does_not(describe_spots):
    spot, dark = noise(COUNT, 0), noise(COUNT, 0)
    spot[:, 30:32, 70:72] += 8.0
    dark[:, 30:32, 70:72] -= 8.0
    nothing, steady = describe_spots(noise(COUNT, 0)), describe_spots(line(np.ones(ROWS)))
    # Of spots of 2 x 2 pixels: the brightest row, and the one that is brighter than all but eight.
    first, eighth = 40, 46
    for each, difference in ((spot, 1.2), (dark, 1.2)):
        values = describe_spots(each)
        assert (values[:, first] - values[:, eighth]).min() > difference
    for values in (nothing, steady):
        assert (values[:, first] - values[:, eighth]).max() < 0.8


def test_large_images_are_averaged_down_before_spots_are_compared():
    rows = noise(2, 0)
    large = np.repeat(np.repeat(rows, 3, axis=1), 2, axis=2)
    whole, averaged = (
        SpotEvidence(ROWS, CHANNELS)(each[..., np.newaxis]).numpy() for each in (rows, large)
    )
    np.testing.assert_allclose(averaged, whole, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (3, 5), (8, 16)])
def test_evidence_in_a_few_pixels_is_finite(height, width):
    rows = np.random.default_rng(0).normal(size=(2, height, width)).astype(np.float32)
    path = np.array([[0.5, 0.0, 0.0, 1.0]] * 2, np.float32)
    assert np.isfinite(PulseEvidence()(rows, rows, path)).all()
    assert np.isfinite(SpotEvidence(ROWS, CHANNELS)(rows[..., np.newaxis])).all()
