"""The rendering without rounding is the published one, but for its rounding."""

import numpy as np
import pytest

from benchmarks.grey_levels import VARIANTS, simulate
from data.simulation.dataset import ImageKey


@pytest.fixture(scope="module")
def images():
    variants = simulate(ImageKey("validation", "narrowband", 0), "hard")
    return dict(zip(VARIANTS, variants, strict=True))


def test_the_published_variant_has_whole_grey_levels_and_the_others_do_not(images):
    whole = {name: float(np.mean(image == np.round(image))) for name, image in images.items()}
    assert whole["8 bits"] == 1.0
    assert whole["256 colours"] < 0.05
    assert whole["no rounding"] < 0.05


@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_the_variants_differ_by_less_than_a_grey_level_on_average(images, variant):
    difference = images[variant] - images["8 bits"]
    assert 0.0 < difference.mean() < 0.6, "integers are truncated at one place"
    assert difference.std() < 0.5
    assert np.abs(difference).max() < 2.5
