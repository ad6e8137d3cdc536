"""The images that the benchmark takes for unlike spectrograms."""

import numpy as np
import pytest

from benchmarks.out_of_distribution import cut_photographs, draw_patterns, spoil_frames


@pytest.mark.parametrize("draw", [draw_patterns, cut_photographs])
def test_images_have_the_size_of_the_model_and_differ(draw):
    images = draw(12, 20, 36, np.random.default_rng(0))
    assert images.shape == (12, 20, 36)
    assert images.dtype == np.uint8
    assert len(np.unique(images, axis=0)) == 12
    assert (np.ptp(images, axis=(1, 2)) > 20).all()


def test_frames_are_constant_saturated_half_missing_or_hot():
    noise = np.random.default_rng(0).normal(180, 10, (4, 40, 60)).astype(np.uint8)
    constant, saturated, missing, hot = spoil_frames(noise, np.random.default_rng(1))
    assert np.ptp(constant) == 0
    assert np.isin(saturated, [0, 255]).mean() > 0.5
    assert (missing[-8:] == 0).all()
    assert (missing[:8] == noise[2, :8]).all()
    assert np.median(hot) == pytest.approx(179, abs=1)
    assert 0 < (hot == 255).mean() < 0.05
