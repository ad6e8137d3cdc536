"""Labels that are numbers."""

import numpy as np
import pytest

from data.reading.labels import BAD, convert_indices

CLASSES = ("line", "noise")


@pytest.mark.parametrize("kind", ["u1", "i1", "i8", "f4", "f8"])
def test_numbers_that_are_no_class_are_bad_whatever_their_type(kind):
    values = np.array([0, 1, 2, 255, 254, 127], np.uint8).astype(kind)
    index, faults = convert_indices(values, CLASSES)
    assert index.tolist() == [0, 1, BAD, BAD, BAD, BAD]
    assert [fault.row for fault in faults] == [2, 3, 4, 5]
    assert f'"{values[3]}" is not a class. Classes are line, noise, or 0 to 1' in faults[1].text


def test_a_fraction_is_no_class():
    assert convert_indices(np.array([0.5, 1.0, np.nan, np.inf]), CLASSES)[0].tolist() == [
        -1,
        1,
        -1,
        -1,
    ]
