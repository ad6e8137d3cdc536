"""Functions that TensorFlow Lite lacks, in a form that it has while a model is traced for it.

TensorFlow Lite has kernels neither for products of complex numbers nor for asinh, and its Fourier
transform takes powers of two alone. Within `real_arithmetic`, the functions here use real numbers
and kernels that it has. They give the same to within rounding, and take longer.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
import tensorflow as tf

_IS_REAL = ContextVar("real arithmetic", default=False)


@contextmanager
def real_arithmetic() -> Iterator[None]:
    """Trace a model without complex numbers and asinh."""
    token = _IS_REAL.set(True)
    try:
        yield
    finally:
        _IS_REAL.reset(token)


def asinh(values: tf.Tensor) -> tf.Tensor:
    """Return the inverse hyperbolic sine."""
    if not _IS_REAL.get():
        return tf.asinh(values)
    size = tf.abs(values)
    return tf.sign(values) * tf.math.log(size + tf.sqrt(size * size + 1.0))


def sum_filtered_rows(rows: tf.Tensor, real: tf.Tensor, imaginary: tf.Tensor) -> tf.Tensor:
    """Multiply the spectra of rows by those of filters, and sum over the rows.

    Args:
      rows: float32 [N, pieces, rows, length].
      real: real part of the spectra of the filters, float32 [filters, rows, frequencies]. The
        frequencies are those of `numpy.fft.rfft`.
      imaginary: their imaginary part.

    Returns:
      float32 [N, pieces, filters, length].
    """
    length = rows.shape[-1]
    if not _IS_REAL.get():
        spectra = tf.signal.rfft(rows)
        products = tf.einsum("jtw,nktw->nkjw", tf.complex(real, imaginary), spectra)
        return tf.signal.irfft(products, [length])
    frequencies = np.arange(length // 2 + 1)[:, np.newaxis]
    phases = 2 * np.pi * frequencies * np.arange(length) / length
    cosines, sines = (f(phases).astype(np.float32) for f in (np.cos, np.sin))
    # Frequencies that stand for two, one of them negative, count twice.
    weights = np.where(frequencies % (length / 2) == 0, 1, 2).astype(np.float32) / length
    row_real, row_imaginary = tf.matmul(rows, cosines.T), tf.matmul(rows, -sines.T)

    def multiply(one: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        return tf.einsum("jtw,nktw->nkjw", one, other)

    sum_real = multiply(real, row_real) - multiply(imaginary, row_imaginary)
    sum_imaginary = multiply(real, row_imaginary) + multiply(imaginary, row_real)
    return tf.matmul(sum_real, weights * cosines) - tf.matmul(sum_imaginary, weights * sines)
