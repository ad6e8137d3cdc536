"""What `data check` and the first line of a run say of folders of pictures."""

import numpy as np
import pytest
from PIL import Image

from data.invalid import InvalidData
from pipeline.config.loading import load_config
from pipeline.data_commands.check import check_data
from pipeline.local.foreground import _describe_images

SHAPE = (16, 32)


@pytest.fixture
def folder(tmp_path):
    """Ten pictures of each of two classes, without a validation part."""
    rng = np.random.default_rng(0)
    for name in ("noise", "line"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(10):
            picture = Image.fromarray(rng.integers(0, 256, SHAPE, dtype=np.uint8))
            picture.save(tmp_path / "data" / name / f"{number}.png")
    return tmp_path / "data"


def configure(folder, **options):
    keys = {"data": str(folder), "classes": ["noise", "line"], "height": 16, "width": 32}
    return load_config(None, (), {**keys, **options})


def check(folder, capfd, **options):
    check_data(configure(folder, **options))
    return capfd.readouterr().out.splitlines()


def test_it_shows_both_parts_how_they_were_chosen_and_what_was_done_with_pictures(folder, capfd):
    colours = np.random.default_rng(1).integers(0, 256, (20, 40, 3), dtype=np.uint8)
    Image.fromarray(colours).save(folder / "noise" / "colour.png")
    first, *lines = check(folder, capfd, **{"input.validation_fraction": 0.3, "seed": 5})
    assert first.startswith(f"{folder}: image-folder, 16 x 32, read in ")
    assert [line.rstrip() for line in lines] == [
        "class  train  validation",
        "noise      8           3",
        "line       7           3",
        "0.3 of each class is set aside for validation, chosen by content and seed 5",
        "pictures in colour read by their luma (if they were drawn with a colour map, name it in "
        "input.colour_map): 1",
        "pictures resized to 16 x 32 with anti-aliasing (--no-resize refuses them): 1",
        "no errors",
    ]


def test_pictures_of_another_size_are_refused_if_the_configuration_says_so(folder, capfd):
    Image.new("L", (40, 20)).save(folder / "noise" / "large.png")
    options = {"input.validation_fraction": 0.3, "input.resize": False}
    with pytest.raises(InvalidData) as refused:
        check(folder, capfd, **options)
    assert str(refused.value) == (
        f"{folder}/noise/large.png: the picture has 20 x 40 pixels where 16 x 32 are expected. Set "
        "height and width to the size of your pictures, or have them resized: leave out "
        "--no-resize."
    )


def test_undivided_data_have_a_format_and_the_remedy(folder, capfd):
    with pytest.raises(InvalidData, match=r"Set aside some of them: --validation-fraction 0\.2"):
        check(folder, capfd)
    first, *_ = capfd.readouterr().out.splitlines()
    assert first.startswith(f"{folder}: image-folder, 16 x 32, read in ")


def test_the_decoder_of_tiff_does_not_write_on_the_terminal(folder, capfd):
    levels = np.random.default_rng(2).integers(0, 256, SHAPE, dtype=np.uint8)
    path = folder / "noise" / "damaged.tif"
    Image.fromarray(levels).save(path, compression="tiff_deflate")
    content = bytearray(path.read_bytes())
    content[40:60] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(InvalidData, match="the picture is damaged or cut off: "):
        check(folder, capfd, **{"input.validation_fraction": 0.3})
    assert capfd.readouterr().err == ""


def test_a_run_names_the_part_that_it_sets_aside(folder):
    config = configure(folder, **{"input.validation_fraction": 0.3})
    assert _describe_images(config) == ", 20 images, 0.3 of each class for validation"
