"""From the colours of a picture back to the values that a colour map drew."""

import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from data.invalid import InvalidData
from data.reading.layout import Layout
from data.reading.pictures.colour_map import check_colour_map, invert_colour_map
from data.reading.pictures.decode import decode_picture

HEIGHT, WIDTH = 32, 64
VALUES = np.add.outer(4 * np.arange(HEIGHT), 2 * np.arange(WIDTH)).astype(np.uint8)


def draw(name, values=VALUES):
    return Image.fromarray(colormaps[name](values, bytes=True)[..., :3])


def read(picture, name="", kind="PNG", size=(HEIGHT, WIDTH), **options):
    content = io.BytesIO()
    picture.save(content, kind, **options)
    decoded = decode_picture(content.getvalue(), Layout(("a", "b"), *size, colour_map=name))
    return decoded.levels.reshape(size).astype(int), decoded


@pytest.mark.parametrize("name", ["viridis", "inferno", "jet", "hot", "gray", "viridis_r"])
def test_the_values_that_were_drawn_are_found(name):
    levels, decoded = read(draw(name), name)
    # Neighbouring values may have the same colour.
    drawn = colormaps[name](levels, bytes=True)
    np.testing.assert_array_equal(drawn, colormaps[name](VALUES, bytes=True))
    assert abs(levels - VALUES).max() <= 3
    assert not decoded.is_colour_as_luma


def test_colours_that_jpeg_has_changed_are_near_the_values():
    levels, _ = read(draw("viridis"), "viridis", "JPEG", quality=90)
    assert abs(levels - VALUES).mean() < 4


def test_the_values_are_resized_and_not_the_colours():
    # Halfway between the two ends of jet, blue and red, is purple, which is not of the map.
    ends = np.tile(np.array([[0, 255]], np.uint8), (HEIGHT, WIDTH // 2))
    levels, decoded = read(draw("jet", ends), "jet", size=(16, 16))
    assert decoded.is_resized
    assert abs(levels[:, 2:-2] - 127).max() < 20


def test_without_a_name_the_luma_is_taken():
    picture = draw("jet")
    levels, decoded = read(picture)
    np.testing.assert_array_equal(levels, np.asarray(picture.convert("L")))
    assert decoded.is_colour_as_luma


def test_pictures_in_grey_are_read_as_they_are_whatever_the_name():
    levels, _ = read(Image.fromarray(VALUES).convert("RGB"), "viridis")
    np.testing.assert_array_equal(levels, VALUES)


@pytest.mark.parametrize("drawn", ["jet", "hot", "coolwarm"])
def test_pictures_of_another_colour_map_are_refused(drawn):
    with pytest.raises(InvalidData) as refused:
        read(draw(drawn), "viridis")
    text = str(refused.value)
    assert text.startswith("the picture is not drawn with the colour map viridis: its colours are ")
    assert text.endswith(
        " of 255 away from it on average. Set input.colour_map to the map that it was drawn with."
    )


def test_distances_are_those_of_the_nearest_colour():
    red, green, blue, _ = colormaps["viridis"](77, bytes=True)
    colour = np.array([red, green, int(blue) + 2], np.uint8)
    values, distances = invert_colour_map(colour, "viridis")
    assert (int(values), int(distances)) == (77, 2)


def test_an_unknown_name_is_refused_with_the_nearest_one():
    check_colour_map("magma")
    with pytest.raises(ValueError, match=r'no colour map "virdis"\. Did you mean viridis'):
        check_colour_map("virdis")
