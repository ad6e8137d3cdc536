"""Real numbers give the same as complex ones."""

import numpy as np
import pytest

from trainer.line_search.arithmetic import asinh, real_arithmetic, sum_filtered_rows


@pytest.mark.parametrize("length", [15, 16, 24])
def test_sums_of_filtered_rows_are_those_of_complex_numbers(length):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2, 3, 4, length)).astype(np.float32)
    real, imaginary = rng.normal(size=(2, 5, 4, length // 2 + 1)).astype(np.float32)
    expected = np.fft.irfft(
        np.einsum("jtw,nktw->nkjw", real + 1j * imaginary, np.fft.rfft(rows)), length
    )
    by_complex = sum_filtered_rows(rows, real, imaginary)
    with real_arithmetic():
        by_real = sum_filtered_rows(rows, real, imaginary)
    np.testing.assert_allclose(by_complex, expected, atol=1e-5)
    np.testing.assert_allclose(by_real, expected, atol=1e-5)


def test_asinh_is_numpys_in_both_arithmetics():
    values = np.float32([-1e4, -50, -1e-3, 0, 1e-6, 0.5, 3, 1e4])
    np.testing.assert_allclose(asinh(values), np.arcsinh(values), atol=1e-6)
    with real_arithmetic():
        np.testing.assert_allclose(asinh(values), np.arcsinh(values), atol=1e-6)
