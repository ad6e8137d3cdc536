"""The second look: the evidence is highest at the right sagitta, and has the right size."""

import numpy as np
import pytest

from tests.trainer.line_search.paths import noise
from trainer.line_search.close_up import CloseUp

ROWS, WIDTH = 64, 17
SAGITTAS = np.linspace(-3, 3, 25)


def evidence(straightened: np.ndarray) -> np.ndarray:
    return CloseUp(25, 3.0)(straightened.astype(np.float32)).numpy()


def line(middle: float, drift: float, sagitta: float) -> np.ndarray:
    """A line of the width that is looked for, peak 1: float [1, ROWS, WIDTH]; in channels."""
    time = (np.arange(ROWS) + 0.5) / ROWS
    path = middle + drift * (time - 0.5) + sagitta * (4 * time * (1 - time) - 2 / 3)
    across = np.arange(WIDTH) - WIDTH // 2
    return np.exp(-0.5 * ((across - path[:, None]) / 0.6) ** 2)[None]


@pytest.mark.parametrize("sagitta", [0.0, 0.5, -0.5, 1.25, -2.75])
@pytest.mark.parametrize(("middle", "drift"), [(0.0, 0.0), (0.75, -1.5), (-1.5, 3.0)])
def test_the_right_sagitta_explains_a_line_best(sagitta, middle, drift):
    found = evidence(line(middle, drift, sagitta))[0]
    assert SAGITTAS[found.argmax()] == sagitta


def test_the_evidence_is_half_the_square_of_the_matched_filter_s_output():
    shape = line(0.0, 0.0, 0.0)
    strength = 2.0
    expected = 0.5 * strength**2 * np.square(shape).sum()
    assert evidence(strength * shape)[0, 12] == pytest.approx(expected, rel=1e-4)


def test_a_dark_line_is_no_evidence():
    assert evidence(-10 * line(0.0, 0.0, 0.0)).max() < 1


def test_noise_is_little_evidence():
    """The best of many alike filters over noise is about two deviations: half of four, in nats."""
    found = evidence(noise(200, 0, ROWS, WIDTH)).max(axis=1)
    assert 1 < found.mean() < 3
    assert (found > 10).mean() < 0.01


def test_half_a_channel_of_sagitta_is_told_from_none_in_noise():
    """A line of two deviations, which a rounding to whole channels would not tell."""
    images = noise(100, 1, ROWS, WIDTH) + 2 * line(0.3, 0.4, 1.0)
    found = evidence(images)
    assert (found[:, 12:].max(axis=1) > found[:, 12] + 2).mean() > 0.9
