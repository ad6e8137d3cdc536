"""Reads a folder again and again while atheris changes the bytes of its files.

    python tests/faults/fuzz_bytes.py FORM FOLDER [options of libFuzzer] [folder of inputs]

Run by test_byte_fuzzing.py. The first byte of an input is the number of a place, see
`good_folders.list_places`; the rest is what is there.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["data.reading", "data.telescope", "zipfile"]):
    import zipfile  # noqa: F401 - imported here so that atheris sees which branches it takes

    import data.reading.check
    import data.telescope.filterbank_hdf5
    import data.telescope.sigproc  # noqa: F401 - as above
from tests.faults.fuzz_target import check, limit_memory, open_observation_in, read
from tests.faults.good_folders import OBSERVATIONS, list_places, make_good_files


def main():
    form, folder, *options = sys.argv[1:]
    places, how = list_places(form), open_observation_in if form in OBSERVATIONS else check
    for path, (content, pack) in make_good_files(form).items():
        Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
        Path(folder, path).write_bytes(pack(content))

    def read_changed(content):
        path, pack = places[(content or b"\0")[0] % len(places)]
        file = Path(folder, path)
        good = file.read_bytes()
        file.write_bytes(pack(content[1:]))
        read(folder, how)
        file.write_bytes(good)

    limit_memory()
    atheris.Setup([sys.argv[0], *options], read_changed)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
