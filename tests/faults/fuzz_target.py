"""Reads data folders in a process with little memory; run by test_reader_fuzzing.py.

Each line on standard input is a folder. The answer to each is a line: what `data check` found,
as JSON, or the traceback of whatever else ended the reading.
"""

import json
import resource
import sys
import traceback

MEMORY_BYTES = 1 << 30
HEIGHT, WIDTH, CLASSES = 8, 16, ("noise", "line")


def read(folder):
    from data.invalid import InvalidData
    from data.reading.check import check_folder
    from data.reading.layout import Layout

    try:
        _, findings = check_folder(folder, Layout(CLASSES, HEIGHT, WIDTH))
    except InvalidData as error:
        return {"errors": [str(error)]}
    except BaseException:
        return {"crash": traceback.format_exc()}
    return {"errors": [str(error) for error in findings.errors[:100]]}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin:
        print(json.dumps(read(json.loads(line))), flush=True)
