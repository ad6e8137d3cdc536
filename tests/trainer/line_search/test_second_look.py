"""A spectrogram from which something was removed is searched as it was, too."""

from contextlib import nullcontext

import numpy as np
import pytest

from tests.trainer.line_search.paths import noise, path_image
from trainer.line_search.arithmetic import lite_operations
from trainer.line_search.search_model import SECOND_LOOK_FEATURES, build_line_search
from trainer.line_search.second_look import BothLooks, SideBySide

CLEANED = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
ORIGINAL = CLEANED + np.array([0, 1, 0], np.float32)[:, None, None]
REMOVED = np.zeros((3, 4), np.float32)


def sum_rows(looks: np.ndarray) -> np.ndarray:
    return np.asarray(looks).sum(axis=2)


@pytest.mark.parametrize(("lite", "searched"), [(False, 4), (True, 6)])
def test_both_looks_are_side_by_side_and_only_what_changed_is_searched_twice(lite, searched):
    with lite_operations() if lite else nullcontext():
        looks, changed = BothLooks()(CLEANED, ORIGINAL)
        evidence = SideBySide()(sum_rows(looks), changed, REMOVED)
    assert len(looks) == searched
    expected = np.concatenate([REMOVED, sum_rows(CLEANED), sum_rows(ORIGINAL)], axis=1)
    np.testing.assert_array_equal(evidence, expected)


def test_what_was_removed_is_scaled():
    removed = np.array([[5.0, 1.0, 50.0, 0.0]], np.float32)
    evidence = SideBySide()(np.zeros((1, 2), np.float32), np.zeros(0, np.int32), removed)
    np.testing.assert_allclose(evidence[0, :4], np.arcsinh([1.0, 1.0, 10.0, 0.0]), rtol=1e-5)


def test_an_image_has_the_same_evidence_beside_any_others():
    images = noise(4, 0)
    images[1] += 2 * path_image(64.0, 0.0, 0.0)[0]
    images[3] += 2 * path_image(64.0, 0.02, 0.0)[0]
    search = build_line_search(64, 128)
    alone = [search(image[None, ..., None]).numpy()[0] for image in images]
    np.testing.assert_allclose(search(images[..., None]), alone, atol=1e-3)


def test_a_carrier_is_evidence_in_the_original_only():
    image = noise(1, 0)
    image[:, :, 64] += 1.5
    evidence = build_line_search(64, 128, without=("envelope",))(image[..., None]).numpy()[0]
    cleaned, original = np.split(evidence[4:], 2)
    plain = build_line_search(64, 128, without=("envelope", "carriers"))(image[..., None])
    np.testing.assert_allclose(original, plain[0], atol=1e-3)
    assert original.max() > cleaned.max() + 1


def test_the_second_look_comes_last():
    evidence = build_line_search(64, 128)(noise(2, 0)[..., None]).numpy()
    # Nothing was removed from noise, so that both looks are the same.
    second = evidence[:, -SECOND_LOOK_FEATURES:]
    np.testing.assert_array_equal(second, evidence[:, 4 : 4 + SECOND_LOOK_FEATURES])
