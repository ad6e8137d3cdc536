"""Which files make up a data set: spans, formats, divisions."""

import shutil

import pytest

from data.invalid import InvalidData
from data.reading.inventory import take_inventory


@pytest.fixture
def spans(folder, tmp_path):
    """A folder with spans 2 and 10."""
    for number in (2, 10):
        shutil.copytree(folder, tmp_path / "spans" / f"span-{number}")
    return tmp_path / "spans"


def test_the_newest_span_is_the_greatest_number(spans, layout):
    inventory = take_inventory(str(spans), layout)
    assert (inventory.folder, inventory.span) == (f"{spans}/span-10", 10)
    assert [source.split for source in inventory.sources] == ["train", "validation"]
    assert inventory.problems == ()


def test_a_span_can_be_chosen(spans, layout):
    inventory = take_inventory(str(spans), layout, span=2)
    assert (inventory.folder, inventory.span) == (f"{spans}/span-2", 2)


def test_a_missing_span_is_refused(spans, layout):
    with pytest.raises(InvalidData) as error:
        take_inventory(str(spans), layout, span=3)
    assert str(error.value) == f"{spans} has no span 3. Its spans: 2, 10."


def test_a_span_of_a_folder_without_spans_is_refused(folder, layout):
    with pytest.raises(InvalidData, match="has no spans: it holds no folders named span-1"):
        take_inventory(str(folder), layout, span=1)


def test_a_plain_folder_is_span_zero(folder, layout):
    assert take_inventory(str(folder), layout).span == 0


def test_other_files_beside_the_data_are_ignored(folder, layout):
    (folder / "SIMULATED.json").write_text("{}")
    (folder / "train" / "notes.txt").write_text("hello")
    inventory = take_inventory(str(folder), layout)
    assert inventory.problems == ()
    assert [path.removeprefix(f"{folder}/") for path in inventory.paths] == [
        "train/images.csv",
        "train/labels.csv",
        "validation/images.csv",
        "validation/labels.csv",
    ]
