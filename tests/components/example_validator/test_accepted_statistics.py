"""Accepted statistics that are empty or damaged are left out, and earlier ones are used."""

import subprocess

import pytest
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from components.example_validator.accepted_statistics import AcceptedStatistics
from data.invalid import InvalidData


def make_statistics(images: int) -> DatasetFeatureStatisticsList:
    statistics = DatasetFeatureStatisticsList()
    statistics.datasets.add(name="train", num_examples=images)
    return statistics


@pytest.fixture
def accepted(tmp_path) -> AcceptedStatistics:
    accepted = AcceptedStatistics(str(tmp_path))
    for span in (2, 4):
        accepted.accept(span, make_statistics(100 * span))
    return accepted


def flip_a_bit(content: bytes) -> bytes:
    # The last byte is a digit of the number of images: the message can still be parsed.
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"", id="empty"),
        pytest.param(lambda content: content[:-3], id="cut"),
        pytest.param(flip_a_bit, id="one bit flipped"),
        pytest.param(lambda content: b"\xff" * 40, id="overwritten"),
    ],
)
def test_damaged_statistics_are_left_out_with_a_warning_that_names_the_file(
    accepted, tmp_path, caplog, damage
):
    file = tmp_path / "span-4" / "Split-train" / "FeatureStats.pb"
    file.write_bytes(damage(file.read_bytes()))
    assert accepted.find_newest_before(5) == (2, make_statistics(200))
    message = (
        f"{file} is empty or damaged, so span 4 is left out of comparisons. Restore it from a "
        "copy, or remove its folder."
    )
    assert caplog.messages == [message]
    with pytest.raises(InvalidData) as raised:
        accepted.read(4)
    assert str(raised.value) == message
    accepted.accept(4, make_statistics(400))
    assert accepted.find_newest_before(5) == (4, make_statistics(400)), "once it is accepted again"


def test_if_all_are_damaged_there_is_nothing_to_compare_with(accepted, tmp_path, caplog):
    for file in tmp_path.rglob("FeatureStats.pb"):
        file.write_bytes(b"")
    assert accepted.find_newest_before(5) is None
    assert len(caplog.messages) == 2


def test_statistics_of_earlier_releases_have_no_checksum_and_are_used(accepted, tmp_path):
    (tmp_path / "span-4" / "SHA256SUMS").unlink()
    assert accepted.find_newest_before(5) == (4, make_statistics(400))


def test_the_checksum_is_one_that_sha256sum_accepts(accepted, tmp_path):
    checked = subprocess.run(
        ["sha256sum", "--check", "SHA256SUMS"],
        cwd=tmp_path / "span-2",
        capture_output=True,
        text=True,
    )
    assert checked.stdout == "Split-train/FeatureStats.pb: OK\n"
