"""The operations of TensorFlow Lite give the same as those of TensorFlow."""

import contextlib

import numpy as np
import pytest
import tensorflow as tf

from trainer.line_search.arithmetic import (
    asinh,
    lite_operations,
    replace_where,
    sum_over_time,
    sum_rows,
)

BOTH = pytest.mark.parametrize(
    "operations", [contextlib.nullcontext, lite_operations], ids=["TensorFlow", "TensorFlow Lite"]
)


@BOTH
def test_rows_of_a_table_are_added_up(operations):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(20, 3)).astype(np.float32)
    places = rng.integers(0, 20, size=(50, 4), dtype=np.int32)
    with operations():
        sums = sum_rows(table, places)
    np.testing.assert_allclose(sums, table[places].sum(axis=1), atol=1e-6)


@BOTH
def test_asinh_is_numpys(operations):
    values = np.float32([-1e4, -50, -1e-3, 0, 1e-6, 0.5, 3, 1e4])
    with operations():
        np.testing.assert_allclose(asinh(values), np.arcsinh(values), atol=1e-6)


@BOTH
def test_rows_of_spectrograms_are_summed_with_weights(operations):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(5, 7)).astype(np.float32)
    rows = rng.normal(size=(3, 7, 4)).astype(np.float32)
    with operations():
        sums = sum_over_time(weights, tf.constant(rows))
    np.testing.assert_allclose(sums, np.einsum("sh,nhw->snw", weights, rows), atol=1e-5)


@BOTH
@pytest.mark.parametrize("chosen", [[], [1], [0, 2], [0, 1, 2, 3]], ids=str)
def test_values_of_some_images_are_replaced_and_others_stay(operations, chosen):
    values = tf.reshape(tf.range(24.0), [4, 2, 3]), tf.range(4)
    mask = np.isin(np.arange(4), chosen)
    with operations():
        spectrograms, numbers = replace_where(
            mask, values, lambda images: (-tf.gather(values[0], images), 100 + images)
        )
    expected = values[0].numpy(), values[1].numpy()
    expected[0][chosen] *= -1
    expected[1][chosen] += 100
    np.testing.assert_array_equal(spectrograms, expected[0])
    np.testing.assert_array_equal(numbers, expected[1])


def test_what_stays_is_not_computed():
    computed = []

    def compute(images: tf.Tensor) -> tf.Tensor:
        computed.append(images.numpy().tolist())
        return tf.gather(values, images)

    values = tf.range(4.0)
    replace_where(np.array([False, True, False, True]), values, compute)
    replace_where(np.zeros(4, bool), values, compute)
    assert computed == [[1, 3]]
