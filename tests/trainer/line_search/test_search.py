"""The whole search: the same for mirror images and negatives, and telling of the kind of line."""

import numpy as np
import pytest

from tests.trainer.line_search.paths import noise, path_image
from trainer.line_search.search import line_search


@pytest.fixture(scope="module")
def search():
    model = line_search(64, 128)
    return lambda images: model(images[..., None]).numpy()


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    paths = [path_image(50.0, 0.2, 0.0), path_image(70.0, -0.3, 5 / 128), 0 * path_image(0, 0, 0)]
    return noise(6, 0) + 2 * np.concatenate([*paths, *paths])


def test_inverting_an_image_changes_nothing(search, images):
    np.testing.assert_allclose(search(-images), search(images), atol=1e-3)


@pytest.mark.parametrize("axis", [1, 2])
def test_mirroring_an_image_changes_nothing(search, images, axis):
    mirrored = np.ascontiguousarray(np.flip(images, axis))
    np.testing.assert_allclose(search(mirrored), search(images), atol=1e-2)


def test_brightness_and_contrast_change_nothing(search, images):
    np.testing.assert_allclose(search(3 * images + 7), search(images), atol=1e-2)


def test_nothing_is_learned():
    assert line_search(64, 128).weights == []


@pytest.mark.parametrize("size", [(48, 40), (384, 512)])
def test_any_size_has_as_many_features(search, images, size):
    features = line_search(*size)(np.zeros((2, *size, 1), np.float32))
    assert features.shape == (2, search(images).shape[1])


@pytest.mark.parametrize("missing", ["sagittas", "wandering", "near"])
def test_what_is_left_out_is_not_among_the_features(search, images, missing):
    features = line_search(64, 128, without=(missing,))(images[..., None])
    assert features.shape[1] < search(images).shape[1]
