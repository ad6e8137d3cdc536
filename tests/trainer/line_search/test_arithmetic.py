"""The operations of TensorFlow Lite give the same as those of TensorFlow."""

import contextlib

import numpy as np
import pytest

from trainer.line_search.arithmetic import asinh, lite_operations, sum_rows

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
