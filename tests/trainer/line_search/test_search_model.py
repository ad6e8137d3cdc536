"""The whole search gives the same result for mirror images and negatives."""

import numpy as np
import pytest
import tensorflow as tf

from tests.trainer.line_search.paths import noise, path_image
from trainer.line_search.search_model import build_line_search
from trainer.line_search.standard_rows import StandardRows


@pytest.fixture(scope="module")
def search():
    model = build_line_search(64, 128)
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


def test_the_search_has_no_weights():
    assert build_line_search(64, 128).weights == []


@pytest.mark.parametrize("size", [(48, 40), (384, 512)])
def test_the_number_of_features_is_the_same_for_any_size(search, images, size):
    features = build_line_search(*size)(np.zeros((2, *size, 1), np.float32))
    assert features.shape == (2, search(images).shape[1])


@pytest.mark.parametrize("missing", ["sagittas", "wandering", "near", "carriers"])
def test_leaving_out_evidence_leaves_out_features(search, images, missing):
    features = build_line_search(64, 128, without=(missing,))(images[..., None])
    assert features.shape[1] < search(images).shape[1]


def test_the_search_is_traced_once_for_all_functions_that_call_it(monkeypatch, images):
    model, traced = build_line_search(64, 128), []
    run = StandardRows.call

    def count(self, rows):
        traced.append(self.name)
        return run(self, rows)

    monkeypatch.setattr(StandardRows, "call", count)
    callers = [tf.function(model, autograph=False) for _ in range(3)]
    first, second, third = (caller(images[..., None]).numpy() for caller in callers)
    assert sorted(traced) == ["coarse_rows", "coarsest_rows", "fine_rows"]
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, third)
