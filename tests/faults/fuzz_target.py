"""Reads data folders in a process with little memory; run by test_reader_fuzzing.py.

Each line on standard input is a folder. The answer to each is a line: what `data check` found,
as JSON, or the traceback of whatever else ended the reading.
"""

import json
import resource
import sys
import traceback

from tests.faults.good_folders import CLASSES, HEIGHT, WIDTH

MEMORY_BYTES = 1 << 30


def limit_memory():
    # The process that tries the headers of HDF5 files has a limit of its own.
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, most))


def check(folder):
    from data.reading.check import check_folder
    from data.reading.layout import Layout

    _, findings = check_folder(folder, Layout(CLASSES, HEIGHT, WIDTH))
    return findings.errors[:100]


def open_observation_in(folder):
    from data.telescope.observation import open_observation

    with open_observation(f"{folder}/train") as observation:
        header = observation.header
        observation.read(range(min(header.rows, 64)), range(min(header.channels, 4096)))
    return []


def read(folder, how=check):
    """Return the errors that a user is shown; raise whatever else ends the reading.

    Raises:
      AssertionError: an error does not name a file, is too long, or could change the terminal.
    """
    from data.invalid import InvalidData

    try:
        errors = [str(error) for error in how(folder)]
    except InvalidData as error:
        errors = [str(error)]
    for error in errors:
        assert error.startswith(f"{folder}/"), f"does not name the file: {error}"
        assert not any(ord(c) < 32 and c != "\n" for c in error), f"control characters: {error!r}"
        assert len(error) < 2000, f"too long: {error}"
    return errors


def answer(folder):
    try:
        return {"errors": read(folder)}
    except BaseException:
        return {"crash": traceback.format_exc()}


if __name__ == "__main__":
    limit_memory()
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
