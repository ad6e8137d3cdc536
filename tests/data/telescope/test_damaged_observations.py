"""Damaged observations: each is read, or refused by its name.

A longer campaign, with other damage each time: RADIO_SIGNALS_FUZZ_MINUTES=10 pytest FILE -m slow
"""

import os
import random
import time

import numpy as np
import pytest

from data.invalid import InvalidData
from data.telescope.observation import open_observation
from tests.data.telescope.files import bitshuffle, make_noise, write_fil, write_h5

MINUTES = float(os.environ.get("RADIO_SIGNALS_FUZZ_MINUTES", "0"))
ROWS, CHANNELS = 8, 96
NUMBERS = (0, 1, 2, 127, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


def write(form, path):
    power = np.repeat(make_noise(ROWS, CHANNELS), 2, axis=1)
    if form == "fil":
        write_fil(path, power)
    else:
        chunks = None if form == "h5" else (4, 1, 64)
        write_h5(path, power, chunks, bitshuffle() if form == "h5, bitshuffle" else None)
    return path.read_bytes()


def damage(content, rng):
    """Return other bytes: a few changed, cut out, repeated or inserted, often in the header."""
    content = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(rng.choice((len(content), min(len(content), 3000))))
        kind = rng.randrange(6)
        if kind == 0:
            content[at] = rng.randrange(256)
        elif kind == 1:
            size = rng.choice((2, 4, 8))
            number = rng.choice(NUMBERS) % 256**size
            content[at : at + size] = number.to_bytes(size, "little")
        elif kind == 2:
            del content[at + 1 :]
        elif kind == 3:
            del content[at : at + rng.randrange(64)]
        elif kind == 4:
            source = rng.randrange(len(content))
            content[at : at + 32] = content[source : source + 32]
        else:
            content[at:at] = bytes(rng.randrange(200))
        content = content or bytearray(1)
    return bytes(content)


def read(path):
    """Return why an observation is refused; nothing if it is read."""
    try:
        with open_observation(str(path)) as observation:
            header = observation.header
            rows, channels = min(header.rows, 64), min(header.channels, 4096)
            assert observation.read(range(rows), range(channels)).shape == (rows, channels)
    except InvalidData as error:
        return str(error)
    return ""


@pytest.mark.slow  # HDF5 does not return from some of them
@pytest.mark.parametrize("form", ["fil", "h5", "h5, chunks", "h5, bitshuffle"])
def test_a_damaged_observation_is_read_or_refused_by_its_name(form, tmp_path):
    path, rng = tmp_path / "a", random.Random(None if MINUTES else form)
    good, end = write(form, path), time.monotonic() + 60 * MINUTES
    refusals = []
    while len(refusals) < 150 or time.monotonic() < end:
        path.write_bytes(damage(good, rng))
        refusal = read(path)
        refusals.append(refusal)
        if refusal:
            assert refusal.startswith(str(path))
            assert refusal.isprintable()
            assert len(refusal) < 1000
    assert 0.2 < sum(map(bool, refusals)) / len(refusals) < 0.8


def test_a_file_from_which_hdf5_never_returns_is_refused(tmp_path):
    path = tmp_path / "a.h5"
    good = write("h5", path)
    start = good.index(b"1.0", good.index(b"GCOL"))  # the text of VERSION, among other texts
    path.write_bytes(good[:start] + bytes(100) + good[start + 100 :])
    with pytest.raises(InvalidData) as error:
        open_observation(str(path))
    assert str(error.value) == (
        f"{path} is damaged or cut off: the HDF5 library cannot read it. Copy it again."
    )
