"""Text to grey levels: the published form, other numbers, and text that is no number."""

import numpy as np
import pytest

from data.reading.cells import parse_levels
from data.seed_layout import encode_csv


def levels_of(lines, pixels, scale="unit"):
    levels, faults = parse_levels(lines, pixels, scale)
    assert faults == []
    return levels


def test_every_grey_level_survives_being_written_and_read():
    every = np.arange(256, dtype=np.uint8).reshape(1, -1)
    np.testing.assert_array_equal(levels_of(encode_csv(every), 256), every)


def test_general_numbers_are_read_to_the_nearest_level():
    lines = b"0,1,0.5,1.0,2.5e-1,.75\n"
    np.testing.assert_array_equal(levels_of(lines, 6), [[0, 255, 128, 255, 64, 191]])


def test_fixed_width_and_general_parsing_agree():
    levels = np.random.default_rng(0).integers(0, 256, (50, 6), dtype=np.uint8)
    lines = encode_csv(levels)
    wider = lines.replace(b",", b",0")  # "00.631373" is not fixed width
    np.testing.assert_array_equal(levels_of(wider, 6), levels_of(lines, 6))
    np.testing.assert_array_equal(levels_of(lines, 6), levels)


def test_six_decimals_that_are_no_grey_level_are_read_to_the_nearest():
    lines = b"0.500000,0.631373\n0.998039,0.631374\n"
    np.testing.assert_array_equal(levels_of(lines, 2), [[128, 161], [254, 161]])


@pytest.mark.parametrize("place", [0, 2, 3, 4, 5, 6, 7])
def test_a_cell_with_another_digit_than_a_grey_level_is_read_as_the_number_it_is(place):
    for cell in encode_csv(np.arange(0, 256, 51, dtype=np.uint8)[np.newaxis]).split(b","):
        for digit in b"0123456789":
            text = bytearray(cell[:8])
            text[place] = digit
            levels, faults = parse_levels(bytes(text) + b"\n", 1, "unit")
            value = float(text)
            assert len(faults) == (value > 1), text
            assert levels[0, 0] == (0 if faults else round(255 * value)), text


@pytest.mark.parametrize(
    "text", [b"0.631373;0.1234\n", b"0.631373,0.1234x\n", b"2.000000,0.1234\n"]
)
def test_text_of_the_published_length_that_is_no_number_is_a_fault(text):
    _, faults = parse_levels(text, 2, "unit")
    assert [fault.row for fault in faults] == [0]


@pytest.mark.parametrize("cell", [b" 0.5", b"0.5 ", b"+0.5", b"5e-1"])
def test_numbers_are_read_as_people_write_them(cell):
    np.testing.assert_array_equal(levels_of(b"0.25," + cell + b"\n", 2), [[64, 128]])


def test_bad_rows_are_zeros_and_good_rows_beside_them_are_read():
    lines = b"0.1,0.2\n0.3\n0.4,x\n0.5,nan\n1,1\n"
    levels, faults = parse_levels(lines, 2, "unit")
    np.testing.assert_array_equal(levels, [[26, 51], [0, 0], [0, 0], [0, 0], [255, 255]])
    assert [(fault.row, fault.column) for fault in faults] == [(1, 0), (2, 2), (3, 2)]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (b"256", "256 is not between 0 and 255."),
        (b"0.5", "0.5 is not a whole number between 0 and 255."),
        (b"-1", "-1 is not between 0 and 255."),
        (b"nan", "nan is not between 0 and 255."),
    ],
)
def test_whole_levels_are_checked_as_such(cell, text):
    _, (fault,) = parse_levels(b"7," + cell + b"\n", 2, "levels")
    assert (fault.column, fault.text) == (2, text)
    np.testing.assert_array_equal(levels_of(b"7,255\n", 2, "levels"), [[7, 255]])
