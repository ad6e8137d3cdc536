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
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def read(folder):
    """Return the errors that `data check` shows; raise whatever else ends the reading.

    Raises:
      AssertionError: an error does not name a file, is too long, or could change the terminal.
    """
    from data.invalid import InvalidData
    from data.reading.check import check_folder
    from data.reading.layout import Layout

    try:
        _, findings = check_folder(folder, Layout(CLASSES, HEIGHT, WIDTH))
        errors = [str(error) for error in findings.errors[:100]]
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
