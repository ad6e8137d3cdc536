"""The close-up gives the most evidence to the right sagitta, and the right amount of it."""

import numpy as np
import pytest

from tests.trainer.line_search.paths import noise
from trainer.line_search.close_up import CloseUp

ROWS, WIDTH = 64, 17
SAGITTAS = np.linspace(-3, 3, 25)


def compute_evidence(straightened: np.ndarray) -> np.ndarray:
    return CloseUp(25, 3.0)(straightened.astype(np.float32)[:, None]).numpy()[:, 0]


def make_line(middle: float, drift: float, sagitta: float) -> np.ndarray:
    """Return a line of the width that the layer matches, peak 1: float [1, ROWS, WIDTH]."""
    time = (np.arange(ROWS) + 0.5) / ROWS
    path = middle + drift * (time - 0.5) + sagitta * (4 * time * (1 - time) - 2 / 3)
    across = np.arange(WIDTH) - WIDTH // 2
    return np.exp(-0.5 * ((across - path[:, None]) / 0.6) ** 2)[None]


@pytest.mark.parametrize("sagitta", [0.0, 0.5, -0.5, 1.25, -2.75])
@pytest.mark.parametrize(("middle", "drift"), [(0.0, 0.0), (0.75, -1.5), (-1.5, 3.0)])
def test_the_right_sagitta_explains_a_line_best(sagitta, middle, drift):
    evidence = compute_evidence(make_line(middle, drift, sagitta))[0]
    assert SAGITTAS[evidence.argmax()] == sagitta


def average_likelihoods(line: np.ndarray) -> float:
    """Return the log of the mean likelihood ratio of straight lines to noise."""
    evidence = []
    for middle in np.linspace(-1.5, 1.5, 9):
        for drift in np.linspace(-3, 3, 9):
            shape = make_line(middle, drift, 0.0)
            output = np.sum(line * shape) / np.sqrt(np.square(shape).sum())
            evidence.append(0.5 * max(output, 0.0) ** 2)
    return np.logaddexp.reduce(evidence) - np.log(len(evidence))


@pytest.mark.parametrize(("middle", "drift"), [(0.0, 0.0), (0.2, -1.4)])
def test_the_evidence_is_that_of_matched_filters_averaged_over_positions_and_drifts(middle, drift):
    line = 2 * make_line(middle, drift, 0.0)
    expected = average_likelihoods(line)
    assert compute_evidence(line)[0, 12] == pytest.approx(expected, rel=1e-4)


def test_a_line_on_the_grid_gives_the_evidence_of_one_among_81_lines():
    line = 2 * make_line(0.0, 0.0, 0.0)
    expected = 0.5 * np.square(line).sum() - np.log(81)
    assert compute_evidence(line)[0, 12] == pytest.approx(expected, rel=1e-4)


def test_a_line_that_is_inside_for_half_the_time_gives_the_evidence_of_that_half():
    """The other half is outside the band, where all is 0."""
    line = 2 * make_line(0.0, 0.0, 0.0)
    line[:, ROWS // 2 :] = 0
    expected = 0.5 * np.square(line).sum()
    assert compute_evidence(line)[0, 12] == pytest.approx(expected - np.log(81), abs=1)


def test_a_dark_line_gives_no_evidence():
    assert compute_evidence(-10 * make_line(0.0, 0.0, 0.0)).max() < 1


def test_noise_gives_little_evidence():
    """The best of many similar filters reaches about two standard deviations: two nats.

    The average of their likelihood ratios is less.
    """
    evidence = compute_evidence(noise(200, 0, ROWS, WIDTH)).max(axis=1)
    assert 0.3 < evidence.mean() < 0.8
    assert (evidence > 8).mean() < 0.01


def test_a_sagitta_of_one_channel_is_told_from_none_in_noise():
    """The line has two standard deviations. Rounding to whole channels would hide its sagitta."""
    images = noise(100, 1, ROWS, WIDTH) + 2 * make_line(0.3, 0.4, 1.0)
    evidence = compute_evidence(images)
    assert (evidence[:, 12:].max(axis=1) > evidence[:, 12] + 2).mean() > 0.9
