"""What an unfinished scan has found outlives the process, and is not mixed with another scan."""

import fcntl
import os
from contextlib import suppress

import pytest

from data.invalid import InvalidData
from pipeline.classify.observations.progress_file import keeping_progress
from tests.classify.hand_made_model import LINES, by_line, write_model
from tests.classify.test_scan import KEYWORDS, make_power
from tests.classify.test_track import make_candidate
from tests.data.telescope.files import write_fil

SCAN = {"observation": [["/a.fil", "1"]], "model": "m", "grid": {"overlap": 0.5}}


def scan_until_killed(path, *batches):
    """Note what batches of tiles gave, and end in the middle of the scan."""
    with suppress(KeyboardInterrupt), keeping_progress(path, SCAN) as progress:
        done = dict(progress.done)
        for batch in batches:
            progress.add(*batch)
        raise KeyboardInterrupt
    return done


@pytest.fixture
def output(tmp_path):
    """A table whose scan was killed after two batches."""
    path = str(tmp_path / "out.csv")
    scan_until_killed(path, (0, 255, [make_candidate(1000.0, 1000.01, tile=7)]), (0, 511, []))
    return path


def test_what_was_found_is_there_again(output):
    with keeping_progress(output, SCAN) as progress:
        assert progress.done == {0: 511}
        assert progress.candidates == {0: [make_candidate(1000.0, 1000.01, tile=7)]}
        assert os.path.exists(f"{output}.unfinished")
    assert not os.path.exists(f"{output}.unfinished")


@pytest.mark.parametrize("cut", [1, 30, 49])
def test_a_line_that_was_cut_off_is_done_again(output, cut):
    path = f"{output}.unfinished"
    os.truncate(path, os.path.getsize(path) - cut)
    assert scan_until_killed(output, (0, 511, [])) == {0: 255}
    with keeping_progress(output, SCAN) as progress:
        assert progress.done == {0: 511}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model": "n"}, "another model"),
        ({"observation": [["/a.fil", "2"]]}, "another observation"),
        ({"model": "n", "grid": {"overlap": 0.0}}, "another model and another grid"),
    ],
)
def test_another_scan_does_not_go_on_with_it(output, changed, named):
    with pytest.raises(InvalidData) as error, keeping_progress(output, {**SCAN, **changed}):
        pass
    assert str(error.value) == (
        f"{output}.unfinished belongs to a scan with {named}. Remove it, or choose another "
        "--output."
    )
    assert os.path.getsize(f"{output}.unfinished")


def test_two_processes_do_not_write_to_the_same_file(output):
    with open(f"{output}.unfinished") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InvalidData) as error, keeping_progress(output, SCAN):
            pass
    assert str(error.value) == (
        f"Another process is writing to {output}.unfinished. Wait for it, or choose another "
        "--output."
    )


def test_a_scan_is_known_by_its_file_its_model_and_its_grid(tmp_path, lines, classify):
    path = write_fil(tmp_path / "a.fil", make_power(), **KEYWORDS)
    other = write_model(tmp_path / "other" / "1", by_line, LINES, model_id="another")
    (tmp_path / "plots").write_text("no folder")
    # It fails when everything is scanned, because it cannot draw.
    with pytest.raises(NotADirectoryError):
        classify(path, "--model", lines, "--plots", tmp_path / "plots" / "of scan")
    for options, named in (
        (["--model", other], "another model"),
        (["--model", lines, "--overlap", 0], "another grid"),
    ):
        with pytest.raises(InvalidData, match=f"belongs to a scan with {named}. Remove it"):
            classify(path, *options)
    rows = classify(path, "--model", lines)
    assert len(rows) == 3
    assert sorted(os.listdir(tmp_path)) == ["a.fil", "other", "out.csv", "plots"]
